/**
 * Histogram <-> bytes, and the shapes other systems send -> Histogram.
 *
 * Bytes: version, zero count, sum, min, max (float32), then runs of (gap to the first bucket, run length, counts), all
 * integers as varints. A minute of 600 requests takes 66 to 300 bytes.
 */

import { add, addToBucket, bucketFloor, bucketMiddle, createHistogram, type Histogram, SCALE } from './histogram.ts'

const VERSION = 1
/** One empty bucket inside a run costs a byte, a new run costs two: break only at longer gaps. */
const MERGE_GAP = 2

export function encodeHistogram(histogram: Histogram): Uint8Array {
  const bytes = new Uint8Array(40 + histogram.length * 9)
  const view = new DataView(bytes.buffer)
  bytes[0] = VERSION
  let at = 1
  view.setFloat64(at, histogram.sum)
  view.setFloat32(at + 8, histogram.count > 0 ? histogram.min : 0)
  view.setFloat32(at + 12, histogram.count > 0 ? histogram.max : 0)
  at = writeVarint(bytes, at + 16, Math.round(histogram.zero))
  const { counts, length, offset } = histogram
  let i = 0
  let previous = 0
  while (i < length) {
    if (Math.round(counts[i] ?? 0) === 0) {
      i++
      continue
    }
    let end = i
    let empty = 0
    for (let j = i + 1; j < length && empty < MERGE_GAP; j++) {
      if (Math.round(counts[j] ?? 0) === 0) empty++
      else {
        end = j
        empty = 0
      }
    }
    at = writeVarint(bytes, at, zigzag(offset + i - previous))
    at = writeVarint(bytes, at, end - i + 1)
    for (let j = i; j <= end; j++) at = writeVarint(bytes, at, Math.round(counts[j] ?? 0))
    previous = offset + end
    i = end + 1
  }
  return bytes.slice(0, at)
}

/** Throws RangeError when the bytes are not an encoded histogram. */
export function decodeHistogram(bytes: Uint8Array): Histogram {
  if (bytes.length < 18 || bytes[0] !== VERSION) throw new RangeError('not an encoded histogram')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const cursor = { at: 17 }
  const histogram = createHistogram()
  histogram.zero = readVarint(bytes, cursor)
  histogram.count = histogram.zero
  let previous = 0
  while (cursor.at < bytes.length) {
    const first = previous + unzigzag(readVarint(bytes, cursor))
    const run = readVarint(bytes, cursor)
    if (run < 1 || run > 4096) throw new RangeError('a run of buckets is out of range')
    for (let j = 0; j < run; j++) {
      const times = readVarint(bytes, cursor)
      if (times > 0) addToBucket(histogram, first + j, times)
      histogram.count += times
    }
    previous = first + run - 1
  }
  if (histogram.count > 0) {
    histogram.sum = view.getFloat64(1)
    histogram.min = view.getFloat32(9)
    histogram.max = view.getFloat32(13)
  }
  return histogram
}

function zigzag(n: number): number {
  return n < 0 ? -2 * n - 1 : 2 * n
}

function unzigzag(n: number): number {
  return n % 2 === 0 ? n / 2 : -(n + 1) / 2
}

function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = value
  let to = at
  // Division instead of shifts: counts may pass 2^31.
  while (rest >= 128) {
    bytes[to++] = (rest % 128) | 128
    rest = Math.floor(rest / 128)
  }
  bytes[to++] = rest
  return to
}

function readVarint(bytes: Uint8Array, cursor: { at: number }): number {
  let value = 0
  let factor = 1
  for (;;) {
    const byte = bytes[cursor.at++]
    if (byte === undefined || factor > 2 ** 49) throw new RangeError('an encoded histogram ends inside a number')
    value += (byte & 127) * factor
    if (byte < 128) return value
    factor *= 128
  }
}

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
