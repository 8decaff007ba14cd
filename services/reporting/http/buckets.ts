/** Latency buckets as plain arrays, for drawing. counts[i] lies in (2^((offset+i)/2^scale), 2^((offset+i+1)/2^scale)]. */
export type Buckets = {
  scale: number
  offset: number
  /** Requests with no measurable duration. */
  zero: number
  counts: number[]
}

const version = 1
const headerBytes = 17
const scale = 5

/**
 * Reads the packed form: version, sum, min, max, then the zero count and runs of (distance to the run's first bucket,
 * its length, counts), all varints. Null in, null out; throws RangeError when the bytes are not such a histogram.
 */
export function bucketsOf(bytes: Uint8Array | null): Buckets | null {
  if (bytes === null) return null
  if (bytes.length <= headerBytes || bytes[0] !== version) throw new RangeError('The histogram is of an unknown form.')
  const numbers = varints(bytes.subarray(headerBytes))
  const zero = numbers.next().value ?? 0
  const byIndex = new Map<number, number>()
  let at = 0
  for (let distance = numbers.next(); !distance.done; distance = numbers.next()) {
    at += distance.value % 2 === 0 ? distance.value / 2 : -(distance.value + 1) / 2
    const length = numbers.next().value ?? 0
    for (let i = 0; i < length; i++) byIndex.set(at + i, numbers.next().value ?? 0)
    at += length - 1
  }
  const offset = byIndex.size === 0 ? 0 : Math.min(...byIndex.keys())
  const last = byIndex.size === 0 ? -1 : Math.max(...byIndex.keys())
  const counts = Array.from({ length: last - offset + 1 }, (_, i) => byIndex.get(offset + i) ?? 0)
  return { scale, offset, zero, counts }
}

function* varints(bytes: Uint8Array): Generator<number, undefined> {
  let value = 0
  let factor = 1
  for (const byte of bytes) {
    value += (byte & 127) * factor
    factor *= 128
    if (byte >= 128) continue
    yield value
    value = 0
    factor = 1
  }
}
