/**
 * Classic buckets -> histogram, once per cell and minute: the hot end of closing. Bounds are sorted and their logarithms
 * taken once per cell; the counts are written into one array of the right size.
 */

import { bucketFloor, bucketMiddle, createHistogram, type Histogram, SCALE } from './histogram.ts'

const PER_OCTAVE = 2 ** SCALE

export type BucketLayout = {
  /** Bounds known when it was made. */
  readonly bounds: number
  /** Positions of the finite positive bounds, ascending, and their edges in buckets of the histogram. */
  readonly positions: Uint16Array
  readonly edges: Float64Array
  /** Positions of the greatest bound not above zero and of +Inf, -1 = none. */
  readonly zero: number
  readonly infinite: number
  /** Scratch, used only inside one call: requests between two bounds. */
  readonly counts: Float64Array
}

/** Layouts made so far, by what they are made of: thousands of cells have a few between them. */
const known = new Map<string, BucketLayout>()
const MOST_KNOWN = 1_000

/** `unitMs` is how many milliseconds one unit of the bounds is. Cells with the same bounds get the same layout. */
export function layoutOf(bounds: readonly number[], unitMs: number): BucketLayout {
  const key = `${unitMs} ${bounds.join(' ')}`
  const found = known.get(key)
  if (found !== undefined) return found
  // Cells keep theirs; a sender whose bounds are all different must not fill the memory.
  if (known.size === MOST_KNOWN) known.clear()
  const layout = makeLayout(bounds, unitMs)
  known.set(key, layout)
  return layout
}

function makeLayout(bounds: readonly number[], unitMs: number): BucketLayout {
  const order = bounds.map((bound, position) => ({ bound, position })).sort((a, b) => a.bound - b.bound)
  const finite = order.filter(({ bound }) => bound > 0 && bound < Infinity)
  return {
    bounds: bounds.length,
    positions: Uint16Array.from(finite, ({ position }) => position),
    edges: Float64Array.from(finite, ({ bound }) => Math.log2(bound * unitMs) * PER_OCTAVE),
    zero: order.findLast(({ bound }) => bound <= 0)?.position ?? -1,
    infinite: bounds.indexOf(Infinity),
    counts: new Float64Array(finite.length + 1),
  }
}

/**
 * Requests at or below each bound (by position) as a histogram. Inside a bucket they are spread evenly over the
 * logarithm, in whole requests; the open buckets at either end reach one octave beyond their bound. `sumMs` 0 = unknown.
 */
export function histogramOfBuckets(layout: BucketLayout, upTo: Float64Array, sumMs: number): Histogram {
  const histogram = createHistogram()
  const { positions, edges, counts } = layout
  const last = positions.length
  const zero = layout.zero < 0 ? 0 : (upTo[layout.zero] ?? 0)
  let below = zero
  let first = -1
  let top = -1
  for (let i = 0; i <= last; i++) {
    const position = i < last ? (positions[i] ?? 0) : layout.infinite
    const reached = position < 0 ? below : (upTo[position] ?? 0)
    // Buckets of one scrape agree; after a lost scrape they may not, and a count is never negative.
    const between = Math.max(0, reached - below)
    counts[i] = between
    if (between > 0) {
      if (first < 0) first = i
      top = i
    }
    below = Math.max(below, reached)
  }
  histogram.zero = zero
  histogram.count = below
  if (below <= 0) return histogram
  if (first < 0) {
    histogram.min = 0
    histogram.max = 0
    return histogram
  }
  const low = first > 0 ? (edges[first - 1] ?? 0) : (edges[0] ?? 0) - PER_OCTAVE
  const high = top < last ? (edges[top] ?? 0) : (edges[last - 1] ?? 0) + PER_OCTAVE
  histogram.offset = Math.floor(low + 1e-9)
  histogram.length = Math.ceil(high - 1e-9) - histogram.offset
  histogram.counts = new Float64Array(histogram.length)
  for (let i = first; i <= top; i++) {
    const from = i > 0 ? (edges[i - 1] ?? 0) : (edges[0] ?? 0) - PER_OCTAVE
    const to = i < last ? (edges[i] ?? 0) : from + PER_OCTAVE
    spread(histogram, from, to, counts[i] ?? 0)
  }
  histogram.sum = sumMs > 0 ? sumMs : estimatedSum(histogram)
  histogram.min = zero > 0 ? 0 : bucketFloor(histogram.offset)
  histogram.max = bucketFloor(histogram.offset + histogram.length)
  return histogram
}

/** Spreads whole requests over [from, to), so that the running total is never off by more than one half. */
function spread({ counts, offset }: Histogram, from: number, to: number, times: number): void {
  if (times <= 0) return
  const perBucket = times / (to - from)
  let given = 0
  for (let index = Math.floor(from + 1e-9); index < to - 1e-9; index++) {
    const upTo = Math.round((Math.min(to, index + 1) - from) * perBucket)
    if (upTo > given) {
      counts[index - offset] = (counts[index - offset] ?? 0) + upTo - given
      given = upTo
    }
  }
  if (given !== times) {
    const at = Math.ceil(to - 1e-9) - 1 - offset
    counts[at] = (counts[at] ?? 0) + times - given
  }
}

function estimatedSum({ counts, offset, length }: Histogram): number {
  let sum = 0
  for (let i = 0; i < length; i++) {
    const times = counts[i] ?? 0
    if (times > 0) sum += times * bucketMiddle(offset + i)
  }
  return sum
}
