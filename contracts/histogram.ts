import { ContractError } from './errors.ts'

/**
 * The packed form of a latency histogram, as `bytes` fields of logical type `histogram` hold it. Buckets are
 * exponential with base 2^(1/32) (OpenTelemetry scale 5): bucket i covers (base^i, base^(i+1)] ms.
 *
 * Bytes: version 1, sum (float64), min and max (float32), all in network order; then varints: requests without a
 * measurable duration, and runs of neighbouring buckets, each as the zig-zag distance from the end of the run before,
 * the run's length and its counts. A minute of 600 requests takes 66 to 300 bytes.
 */
export type Histogram = {
  count: number
  /** ms. */
  sum: number
  /** ms, to float32; Infinity when empty. */
  min: number
  /** ms, to float32; -Infinity when empty. */
  max: number
  /** Requests with no measurable duration. */
  zero: number
  /** Bucket of `counts[0]`. */
  offset: number
  /** Buckets in use; `counts` may have room for more. */
  length: number
  counts: Float64Array
}

/** Buckets per octave are 2^scale. */
export const histogramScale = 5

const VERSION = 1
const HEADER_LENGTH = 17
/** One empty bucket inside a run costs a byte, a new run costs two: break only at longer gaps. */
const MERGE_GAP = 2
/** Far beyond any latency (2^128 ms): what lies outside is no histogram, and would only ask for memory. */
const GREATEST_BUCKET = 4096

/**
 * Packs a histogram; counts are rounded to whole requests.
 * @example encodeHistogram({ count: 2, sum: 3, min: 1, max: 2, zero: 0, offset: -1, length: 33, counts })
 */
export function encodeHistogram(histogram: Readonly<Histogram>): Uint8Array {
  const { counts, length, offset } = histogram
  // A bucket takes at most an empty neighbour's byte, a run's header of eight and its own count's eight.
  const bytes = new Uint8Array(HEADER_LENGTH + 8 + length * 17)
  const view = new DataView(bytes.buffer)
  bytes[0] = VERSION
  view.setFloat64(1, histogram.sum)
  view.setFloat32(9, histogram.count > 0 ? histogram.min : 0)
  view.setFloat32(13, histogram.count > 0 ? histogram.max : 0)
  let at = writeVarint(bytes, HEADER_LENGTH, Math.round(histogram.zero))
  let previous = 0
  for (let start = nextFilled(counts, 0, length); start < length; ) {
    let end = start
    for (let next = start; next < length && next - end <= MERGE_GAP; next = nextFilled(counts, next + 1, length))
      end = next
    at = writeVarint(bytes, at, zigzag(offset + start - previous))
    at = writeVarint(bytes, at, end - start + 1)
    for (let i = start; i <= end; i++) at = writeVarint(bytes, at, Math.round(counts[i] ?? 0))
    previous = offset + end
    start = nextFilled(counts, end + 1, length)
  }
  return bytes.slice(0, at)
}

/**
 * Reads the packed form. Throws ContractError when the bytes are not one.
 * @example decodeHistogram(regression.after.histogram).count
 */
export function decodeHistogram(bytes: Uint8Array): Histogram {
  if (bytes.length <= HEADER_LENGTH || bytes[0] !== VERSION) throw malformed('is not in the packed form, version 1')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const buckets: number[] = []
  const cursor = { at: HEADER_LENGTH }
  const zero = readVarint(bytes, cursor)
  let count = zero
  let first = 0
  let end = 0
  while (cursor.at < bytes.length) {
    const start = end + unzigzag(readVarint(bytes, cursor))
    const run = readVarint(bytes, cursor)
    if (buckets.length === 0) first = start
    else if (start <= end) throw malformed('has runs of buckets out of order')
    if (run < 1 || Math.abs(start) > GREATEST_BUCKET || start + run > GREATEST_BUCKET) {
      throw malformed(`has buckets ${start} to ${start + run}, beyond ${GREATEST_BUCKET}`)
    }
    while (first + buckets.length < start) buckets.push(0)
    for (let i = 0; i < run; i++) {
      const times = readVarint(bytes, cursor)
      buckets.push(times)
      count += times
    }
    end = start + run - 1
  }
  return {
    count,
    sum: count > 0 ? view.getFloat64(1) : 0,
    min: count > 0 ? view.getFloat32(9) : Number.POSITIVE_INFINITY,
    max: count > 0 ? view.getFloat32(13) : Number.NEGATIVE_INFINITY,
    zero,
    offset: first,
    length: buckets.length,
    counts: Float64Array.from(buckets),
  }
}

/** First bucket at or after `from` with a request in it, `length` when there is none. */
function nextFilled(counts: Float64Array, from: number, length: number): number {
  let at = from
  while (at < length && Math.round(counts[at] ?? 0) <= 0) at++
  return at
}

function zigzag(n: number): number {
  return n < 0 ? -2 * n - 1 : 2 * n
}

function unzigzag(n: number): number {
  return n % 2 === 0 ? n / 2 : -(n + 1) / 2
}

/** Division instead of shifts: counts may pass 2^31. */
function writeVarint(bytes: Uint8Array, start: number, value: number): number {
  let rest = value
  let at = start
  while (rest >= 128) {
    bytes[at++] = (rest % 128) | 128
    rest = Math.floor(rest / 128)
  }
  bytes[at++] = rest
  return at
}

function readVarint(bytes: Uint8Array, cursor: { at: number }): number {
  let value = 0
  let factor = 1
  for (;;) {
    const byte = bytes[cursor.at++]
    if (byte === undefined || factor > 2 ** 49) throw malformed('ends inside a number')
    value += (byte & 127) * factor
    if (byte < 128) return value
    factor *= 128
  }
}

function malformed(problem: string): ContractError {
  return new ContractError('contract.malformed', `a histogram ${problem}`)
}
