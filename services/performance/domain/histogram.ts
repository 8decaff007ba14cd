/**
 * Latency histogram with exponential buckets: bucket i holds values in (base^i, base^(i+1)], base = 2^(2^-scale).
 * The index rule is the one of the OpenTelemetry data model ("ExponentialHistogram"), so buckets that arrive over OTLP
 * or as Prometheus native histograms come in without loss. Scale 5: base 2^(1/32), relative error 1.08 %.
 *
 * Unit: milliseconds. Counts are kept in doubles: exact up to 2^53 and mergeable for as long as anyone likes.
 */

import { type ExponentialHistogram, histogramScale } from '@plimsoll/contracts/histogram.ts'

export const SCALE = histogramScale
const PER_OCTAVE = 2 ** SCALE
const INVERSE_PER_OCTAVE = 1 / PER_OCTAVE
/** Below a picosecond is a clock artefact: such values share the zero bucket. */
const SMALLEST = 1e-9
/** 1e-9 .. 1e15 ms in buckets of 2^(1/32); everything above shares the last bucket. */
const LARGEST_INDEX = 1600

export type Histogram = ExponentialHistogram

export function createHistogram(): Histogram {
  return { count: 0, sum: 0, min: Infinity, max: -Infinity, zero: 0, offset: 0, length: 0, counts: new Float64Array(0) }
}

/** Index of the bucket that holds `value` (> 0): ceil(log_base value) - 1. */
export function bucketOf(value: number): number {
  const index = Math.ceil(Math.log2(value) * PER_OCTAVE) - 1
  return Math.min(index, LARGEST_INDEX)
}

/** Exclusive lower edge of a bucket in ms. */
export function bucketFloor(index: number): number {
  return 2 ** (index * INVERSE_PER_OCTAVE)
}

/** The value that stands for a bucket: the harmonic midpoint, whose relative error is the same at both edges. */
export function bucketMiddle(index: number): number {
  return MIDDLES[index + MIDDLES_BELOW] ?? middleOf(index)
}

function middleOf(index: number): number {
  const low = bucketFloor(index)
  const high = bucketFloor(index + 1)
  return (2 * low * high) / (low + high)
}

/** From a microsecond to 17 minutes, where latencies are: every window's sum is estimated from hundreds of them. */
const MIDDLES_BELOW = 10 * PER_OCTAVE
const MIDDLES = Float64Array.from({ length: 30 * PER_OCTAVE }, (_, i) => middleOf(i - MIDDLES_BELOW))

/** Adds `times` requests of `value` ms. Negative or non-finite values are not durations and are refused. */
export function add(histogram: Histogram, value: number, times = 1): boolean {
  if (!(value >= 0) || value === Infinity || !(times > 0)) return false
  histogram.count += times
  histogram.sum += value * times
  if (value < histogram.min) histogram.min = value
  if (value > histogram.max) histogram.max = value
  if (value < SMALLEST) {
    histogram.zero += times
    return true
  }
  const index = bucketOf(value)
  const at = index - histogram.offset
  if (at >= 0 && at < histogram.length) {
    histogram.counts[at] = (histogram.counts[at] ?? 0) + times
  } else {
    addToBucket(histogram, index, times)
  }
  return true
}

/** Adds to a bucket by index and leaves count, sum, min and max to the caller. */
export function addToBucket(histogram: Histogram, index: number, times: number): void {
  reserve(histogram, index, index)
  const at = index - histogram.offset
  histogram.counts[at] = (histogram.counts[at] ?? 0) + times
}

/** Makes room for the buckets low..high, keeping spare capacity on the side that grows. */
function reserve(histogram: Histogram, low: number, high: number): void {
  if (histogram.length === 0) {
    const capacity = Math.max(16, high - low + 1)
    if (histogram.counts.length < capacity) histogram.counts = new Float64Array(capacity)
    histogram.offset = low
    histogram.length = high - low + 1
    return
  }
  const last = histogram.offset + histogram.length - 1
  if (low >= histogram.offset && high <= last) return
  const from = Math.min(low, histogram.offset)
  const to = Math.max(high, last)
  const length = to - from + 1
  const shift = histogram.offset - from
  if (length > histogram.counts.length) {
    const grown = new Float64Array(Math.max(length, Math.ceil(histogram.counts.length * 1.5)))
    grown.set(histogram.counts.subarray(0, histogram.length), shift)
    histogram.counts = grown
  } else if (shift > 0) {
    histogram.counts.copyWithin(shift, 0, histogram.length)
    histogram.counts.fill(0, 0, shift)
  }
  histogram.offset = from
  histogram.length = length
}

/** Adds every bucket of `source` to `target`. */
export function merge(target: Histogram, source: Histogram): void {
  if (source.count <= 0) return
  target.count += source.count
  target.sum += source.sum
  target.min = Math.min(target.min, source.min)
  target.max = Math.max(target.max, source.max)
  target.zero += source.zero
  if (source.length === 0) return
  reserve(target, source.offset, source.offset + source.length - 1)
  const shift = source.offset - target.offset
  const into = target.counts
  const from = source.counts
  for (let i = 0; i < source.length; i++) into[i + shift] = (into[i + shift] ?? 0) + (from[i] ?? 0)
}

/** The requests of all of them. */
export function mergeAll(histograms: readonly Histogram[]): Histogram {
  const all = createHistogram()
  for (const histogram of histograms) merge(all, histogram)
  return all
}

/**
 * Takes `source` out of `target`, e.g. the oldest minute out of a running reference, or the previous reading of a
 * cumulative histogram. Counts never go below zero. The extremes cannot be un-merged: they are re-read from the
 * buckets that remain, so they are right to one bucket.
 */
export function subtract(target: Histogram, source: Histogram): void {
  for (let i = 0; i < source.length; i++) {
    const at = source.offset + i - target.offset
    if (at < 0 || at >= target.length) continue
    target.counts[at] = Math.max(0, (target.counts[at] ?? 0) - (source.counts[i] ?? 0))
  }
  target.zero = Math.max(0, target.zero - source.zero)
  target.sum = Math.max(0, target.sum - source.sum)
  let count = target.zero
  let first = -1
  let last = -1
  for (let i = 0; i < target.length; i++) {
    const c = target.counts[i] ?? 0
    if (c <= 0) continue
    if (first < 0) first = i
    last = i
    count += c
  }
  target.count = count
  if (count === 0) {
    target.sum = 0
    target.min = Infinity
    target.max = -Infinity
  } else {
    const low = target.zero > 0 ? 0 : bucketFloor(target.offset + first)
    const high = last < 0 ? 0 : bucketFloor(target.offset + last + 1)
    target.min = Math.max(target.min, low)
    target.max = Math.min(target.max, high)
  }
}

export function copy(histogram: Histogram): Histogram {
  return { ...histogram, counts: histogram.counts.slice(0, histogram.length) }
}

/** Multiplies all counts by a factor: exponential forgetting, or reweighting a stratum. */
export function scaleCounts(histogram: Histogram, factor: number): void {
  histogram.count *= factor
  histogram.sum *= factor
  histogram.zero *= factor
  for (let i = 0; i < histogram.length; i++) histogram.counts[i] = (histogram.counts[i] ?? 0) * factor
}

/** Value of the request at rank `rank` (1 .. count) in ascending order. */
function valueAtRank(histogram: Histogram, rank: number): number {
  let seen = histogram.zero
  if (rank <= seen) return 0
  const { counts, length, offset } = histogram
  for (let i = 0; i < length; i++) {
    seen += counts[i] ?? 0
    // The tolerance absorbs the rounding of fractional counts (decayed or spread ones).
    if (seen >= rank - 1e-9) {
      return Math.min(histogram.max, Math.max(histogram.min, bucketMiddle(offset + i)))
    }
  }
  return histogram.max
}

/** Quantile by nearest rank; NaN when empty. Clamped to the exact minimum and maximum. */
export function quantile(histogram: Histogram, p: number): number {
  if (histogram.count <= 0) return Number.NaN
  return valueAtRank(histogram, Math.max(1, Math.ceil(p * histogram.count)))
}

/**
 * 95 % interval of a quantile from the binomial distribution of its rank: np -+ 1.96 sqrt(np(1-p)), widened outwards by
 * one rank so that it also holds for small n (David & Nagaraja, Order Statistics, section 7.1).
 */
export function quantileInterval(histogram: Histogram, p: number, z = 1.959964): [number, number] {
  const n = histogram.count
  if (n <= 0) return [Number.NaN, Number.NaN]
  const half = z * Math.sqrt(n * p * (1 - p))
  const low = Math.floor(n * p - half)
  const high = Math.ceil(n * p + half) + 1
  return [
    low < 1 ? histogram.min : valueAtRank(histogram, low),
    high > n ? histogram.max : valueAtRank(histogram, high),
  ]
}

/** Arithmetic mean, exact. NaN when empty. */
export function mean(histogram: Histogram): number {
  return histogram.count > 0 ? histogram.sum / histogram.count : Number.NaN
}
