import { decodeHistogram, histogramScale } from '@plimsoll/contracts/histogram.ts'

/** Latency buckets as plain arrays, for drawing. counts[i] lies in (2^((offset+i)/2^scale), 2^((offset+i+1)/2^scale)]. */
export type Buckets = {
  scale: number
  offset: number
  /** Requests with no measurable duration. */
  zero: number
  counts: number[]
}

/** Null in, null out. */
export function bucketsOf(packed: Uint8Array | null): Buckets | null {
  if (packed === null) return null
  const { offset, zero, counts, length } = decodeHistogram(packed)
  return { scale: histogramScale, offset, zero, counts: Array.from(counts.subarray(0, length)) }
}
