import { decodeHistogram, histogramScale } from '@plimsoll/contracts/histogram.ts'

/** Latency buckets as plain arrays, for drawing. counts[i] lies in (2^((offset+i)/2^scale), 2^((offset+i+1)/2^scale)]. */
export type Buckets = {
  scale: number
  offset: number
  /** Requests with no measurable duration. */
  zero: number
  counts: number[]
}

/** Null in, null out. @throws ContractError when the bytes are not an encoded histogram. */
export function bucketsOf(bytes: Uint8Array | null): Buckets | null {
  if (bytes === null) return null
  const { offset, zero, counts } = decodeHistogram(bytes)
  return { scale: histogramScale, offset, zero, counts: [...counts] }
}
