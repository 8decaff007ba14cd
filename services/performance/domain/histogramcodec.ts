/** The shapes other systems send -> Histogram. */

// Its bytes are part of the wire: contracts/histogram.ts.
export { decodeHistogram, encodeHistogram } from '@plimsoll/contracts/histogram.ts'

import { add, addToBucket, bucketFloor, bucketMiddle, createHistogram, type Histogram, SCALE } from './histogram.ts'

export type ExponentialBuckets = {
  scale: number
  zeroCount: number
  /** OTLP offset: bucket i holds (base^(offset+i), base^(offset+i+1)]. */
  offset: number
  counts: ArrayLike<number>
  sum?: number
  min?: number
  max?: number
  /** Factor that turns the source unit into ms: 1000 for seconds. */
  unitMs?: number
}

/**
 * OTLP exponential histogram of any scale -> ours. With `unitMs` 1 and scale >= 5 it is lossless up to our resolution
 * (an index shift); a coarser scale spreads each bucket evenly, in log space, over the buckets it covers. Another unit
 * moves the edges off our grid, so each bucket is shared between the two it overlaps.
 * Prometheus native histograms number a bucket by its upper edge: pass `offset - 1`.
 */
export function fromExponential(source: ExponentialBuckets): Histogram {
  const histogram = createHistogram()
  const unit = source.unitMs ?? 1
  histogram.zero = source.zeroCount
  histogram.count = source.zeroCount
  const exact = unit === 1 && source.scale >= SCALE
  const shift = source.scale - SCALE
  const spread = createSpread(histogram)
  for (let i = 0; i < source.counts.length; i++) {
    const times = source.counts[i] ?? 0
    if (!(times > 0)) continue
    const index = source.offset + i
    if (exact) {
      addToBucket(histogram, Math.floor(index / 2 ** shift), times)
      histogram.count += times
    } else {
      const perSource = 2 ** -shift
      const move = Math.log2(unit) * 2 ** SCALE
      spread(index * perSource + move, (index + 1) * perSource + move, times)
    }
  }
  return withExtremes(histogram, scaled(source.sum, unit), scaled(source.min, unit), scaled(source.max, unit))
}

export type ExplicitBuckets = {
  /** Upper bounds (`le`), ascending, without +Inf. */
  bounds: ArrayLike<number>
  /** Requests in each bucket, not cumulative; one more than bounds (the last is above all bounds). */
  counts: ArrayLike<number>
  sum?: number
  min?: number
  max?: number
  unitMs?: number
}

/**
 * Explicit bounds -> ours. Inside a bucket the requests are spread evenly in log space, the flattest assumption for a
 * quantity that varies by factors; the open buckets reach one octave beyond their bound.
 */
export function fromExplicit(source: ExplicitBuckets): Histogram {
  const histogram = createHistogram()
  const unit = source.unitMs ?? 1
  const spread = createSpread(histogram)
  const edges = source.bounds.length
  for (let i = 0; i <= edges; i++) {
    const times = source.counts[i] ?? 0
    if (!(times > 0)) continue
    let high = i < edges ? (source.bounds[i] ?? 0) * unit : Number.NaN
    let low = i > 0 ? (source.bounds[i - 1] ?? 0) * unit : Number.NaN
    if (Number.isNaN(high)) {
      const known = scaled(source.max, unit)
      high = known !== undefined && known > low ? known : low * 2
    }
    if (!(high > 0)) {
      histogram.zero += times
      histogram.count += times
      continue
    }
    if (!(low > 0)) {
      const known = scaled(source.min, unit)
      low = known !== undefined && known > 0 && known < high ? known : high / 2
    }
    spread(Math.log2(low) * 2 ** SCALE, Math.log2(high) * 2 ** SCALE, times)
  }
  return withExtremes(histogram, scaled(source.sum, unit), scaled(source.min, unit), scaled(source.max, unit))
}

/** Spreads whole requests over index range [from, to) so that the running total is never off by more than one half. */
function createSpread(histogram: Histogram): (from: number, to: number, times: number) => void {
  return (from, to, times) => {
    const width = to - from
    let given = 0
    for (let index = Math.floor(from + 1e-9); index < to - 1e-9; index++) {
      const upTo = Math.min(to, index + 1)
      const share = Math.round(((upTo - from) / width) * times)
      if (share > given) addToBucket(histogram, index, share - given)
      given = Math.max(given, share)
    }
    if (given < times) addToBucket(histogram, Math.ceil(to - 1e-9) - 1, times - given)
    histogram.count += times
  }
}

function scaled(value: number | undefined, unit: number): number | undefined {
  return value === undefined ? undefined : value * unit
}

/** Fills in what the source did not say, from the buckets. */
function withExtremes(histogram: Histogram, sum?: number, min?: number, max?: number): Histogram {
  if (histogram.count <= 0) return histogram
  let first = -1
  let last = -1
  let estimate = 0
  for (let i = 0; i < histogram.length; i++) {
    const times = histogram.counts[i] ?? 0
    if (times <= 0) continue
    if (first < 0) first = i
    last = i
    estimate += times * bucketMiddle(histogram.offset + i)
  }
  histogram.sum = sum ?? estimate
  histogram.min = min ?? (histogram.zero > 0 || first < 0 ? 0 : bucketFloor(histogram.offset + first))
  histogram.max = max ?? (last < 0 ? 0 : bucketFloor(histogram.offset + last + 1))
  return histogram
}

/** Convenience for tests and replays: a histogram of single durations in ms. */
export function histogramOf(valuesMs: Iterable<number>): Histogram {
  const histogram = createHistogram()
  for (const value of valuesMs) add(histogram, value)
  return histogram
}
