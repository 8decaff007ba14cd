/**
 * A sliding reference of the last `capacity` numbers that answers rank, quantile and tail questions without sorting:
 * a ring in order of arrival beside the same numbers in order of size.
 */

import { normalQuantile } from './normal.ts'

/** Follows from the rest, and is not saved: packing (pack.ts) sees no symbols. `sortReference` makes it after loading. */
export const SORTED = Symbol('in order of size')

export type Reference = {
  ring: Float32Array
  size: number
  next: number
  [SORTED]: Float32Array
}

export function createReference(capacity: number): Reference {
  // One buffer under both: a buffer and its two views cost less memory than two arrays with a buffer each.
  const numbers = new ArrayBuffer(8 * capacity)
  return {
    ring: new Float32Array(numbers, 0, capacity),
    size: 0,
    next: 0,
    [SORTED]: new Float32Array(numbers, 4 * capacity, capacity),
  }
}

export function sortReference({ ring, size, [SORTED]: sorted }: Reference): void {
  sorted.set(ring)
  sorted.subarray(0, size).sort()
}

/** As it was saved before the order was left out. */
export type ReferenceVersion4 = { ring: Float32Array; sorted: Float32Array; size: number; next: number }

export function createReferenceVersion4(capacity: number): ReferenceVersion4 {
  return { ring: new Float32Array(capacity), sorted: new Float32Array(capacity), size: 0, next: 0 }
}

export function referenceOfVersion4({ ring, size, next }: ReferenceVersion4): Reference {
  const reference = { ...createReference(ring.length), size, next }
  reference.ring.set(ring)
  sortReference(reference)
  return reference
}

export function clearReference(reference: Reference): void {
  reference.size = 0
  reference.next = 0
}

/** First position whose number is >= value. */
function lowerBound(sorted: Float32Array, size: number, value: number): number {
  let low = 0
  let high = size
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle] ?? 0) < value) low = middle + 1
    else high = middle
  }
  return low
}

/** First position whose number is > value. */
function upperBound(sorted: Float32Array, size: number, value: number): number {
  let low = 0
  let high = size
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle] ?? 0) <= value) low = middle + 1
    else high = middle
  }
  return low
}

/** Takes in a number; the oldest leaves when the ring is full. */
export function push(reference: Reference, number: number): void {
  const { ring, [SORTED]: sorted } = reference
  const value = Math.fround(number)
  if (reference.size === ring.length) {
    const out = lowerBound(sorted, reference.size, ring[reference.next] ?? 0)
    const into = lowerBound(sorted, reference.size, value)
    // Only the numbers between the one that leaves and the one that comes have to move.
    if (into > out) {
      for (let i = out; i < into - 1; i++) sorted[i] = sorted[i + 1] ?? 0
      sorted[into - 1] = value
    } else {
      for (let i = out; i > into; i--) sorted[i] = sorted[i - 1] ?? 0
      sorted[into] = value
    }
  } else {
    const into = lowerBound(sorted, reference.size, value)
    for (let i = reference.size; i > into; i--) sorted[i] = sorted[i - 1] ?? 0
    sorted[into] = value
    reference.size++
  }
  ring[reference.next] = value
  reference.next = (reference.next + 1) % ring.length
}

/** Quantile with linear interpolation between order statistics; NaN when empty. */
export function quantileOf(reference: Reference, p: number): number {
  const { [SORTED]: sorted, size } = reference
  if (size === 0) return Number.NaN
  const at = p * (size - 1)
  const low = Math.floor(at)
  const a = sorted[low] ?? 0
  const b = sorted[Math.min(size - 1, low + 1)] ?? a
  return a + (b - a) * (at - low)
}

/** Copies the numbers that came last into `into`, as many as fit, in order of size. Returns the part that was filled. */
export function latestSorted(reference: Reference, into: Float32Array): Float32Array {
  const { ring, size, next } = reference
  const n = Math.min(into.length, size)
  for (let i = 0; i < n; i++) into[i] = ring[(next - 1 - i + 2 * ring.length) % ring.length] ?? 0
  return into.subarray(0, n).sort()
}

/** Median of numbers in order of size; NaN when there are none. */
export function medianOfSorted(sorted: Float32Array): number {
  const n = sorted.length
  return n === 0 ? Number.NaN : ((sorted[(n - 1) >> 1] ?? 0) + (sorted[n >> 1] ?? 0)) / 2
}

/**
 * The numbers that a share of all lies below (`low`) and above (`high`), both the upper median for a half, and the shares
 * that lie strictly beyond them: fewer where numbers are equal. Half a number is added so that none is 0.
 */
export function edgesOf(
  reference: Reference,
  share: number,
): { low: number; high: number; above: number; below: number } {
  const { [SORTED]: sorted, size } = reference
  const n = Math.floor(size * share)
  const low = sorted[n] ?? 0
  const high = sorted[Math.max(n, size - 1 - n)] ?? 0
  const above = (size - upperBound(sorted, size, high) + 0.5) / (size + 1)
  return { low, high, above, below: (lowerBound(sorted, size, low) + 0.5) / (size + 1) }
}

/** Share of the numbers below `value`, ties counted half. */
export function rankOf(reference: Reference, number: number): number {
  const value = Math.fround(number)
  const { [SORTED]: sorted, size } = reference
  return (lowerBound(sorted, size, value) + upperBound(sorted, size, value)) / 2
}

/** Largest share of one tail that the exponential model stands for. */
const TAIL_SHARE = 0.1

/**
 * Normal score of a number against the reference: the standard normal quantile of its rank. Ranks cannot tell a number
 * just above the largest from one a hundred times larger, so beyond the outer tenth the tail is taken as exponential
 * with the mean excess of that tenth (peaks over threshold with shape 0: Pickands 1975, Balkema & de Haan 1974; for
 * logarithms of latencies this is a Pareto tail, Hill 1975). `floor` is the smallest mean excess believed in.
 */
export function normalScore(reference: Reference, number: number, floor: number): number {
  const { [SORTED]: sorted, size } = reference
  if (size === 0) return 0
  const exceed = Math.max(2, Math.floor(size * TAIL_SHARE))
  const high = sorted[size - 1 - exceed] ?? 0
  const low = sorted[exceed] ?? 0
  if (number > high) {
    return -tailScore(exceed, size, (number - high) / Math.max(floor, meanExcess(sorted, size - exceed, size, high)))
  }
  if (number < low) {
    return tailScore(exceed, size, (low - number) / Math.max(floor, meanExcess(sorted, 0, exceed, low)))
  }
  return normalQuantile((rankOf(reference, number) + 0.5) / (size + 1))
}

function tailScore(exceed: number, size: number, excesses: number): number {
  const p = ((exceed + 0.5) / (size + 1)) * Math.exp(-excesses)
  return p < 1e-12 ? -7.03 : normalQuantile(p)
}

function meanExcess(sorted: Float32Array, from: number, to: number, edge: number): number {
  let sum = 0
  for (let i = from; i < to; i++) sum += Math.abs((sorted[i] ?? 0) - edge)
  return sum / (to - from)
}
