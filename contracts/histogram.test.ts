import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ContractError } from './errors.ts'
import { decodeHistogram, encodeHistogram, type Histogram } from './histogram.ts'

/** A histogram with these counts from bucket `offset` on. */
function histogramOf(offset: number, counts: readonly number[], zero = 0): Histogram {
  const count = zero + counts.reduce((sum, times) => sum + times, 0)
  const empty = count === 0
  return {
    count,
    sum: empty ? 0 : count * 12.5,
    min: empty ? Number.POSITIVE_INFINITY : 0.5,
    max: empty ? Number.NEGATIVE_INFINITY : 4096,
    zero,
    offset,
    length: counts.length,
    counts: Float64Array.from(counts),
  }
}

/** Requests by bucket, whatever the array they lie in. */
function filled({ offset, length, counts }: Histogram): [number, number][] {
  return Array.from(counts.subarray(0, length), (times, i): [number, number] => [offset + i, times]).filter(
    ([, times]) => times > 0,
  )
}

test('any histogram comes back with its totals and its buckets', () => {
  const someCounts = fc.array(
    fc.oneof(
      fc.constant(0),
      fc.nat(300),
      fc.maxSafeNat().map((n) => n % 2 ** 40),
    ),
    { maxLength: 200 },
  )
  fc.assert(
    fc.property(fc.integer({ min: -900, max: 1_600 }), someCounts, fc.nat(5), (offset, counts, zero) => {
      const before = histogramOf(offset, counts, zero)
      const { length: _, counts: __, offset: ___, ...totals } = decodeHistogram(encodeHistogram(before))
      expect(totals).toEqual({ count: before.count, sum: before.sum, min: before.min, max: before.max, zero })
      expect(filled(decodeHistogram(encodeHistogram(before)))).toEqual(filled(before))
    }),
  )
})

test('the bytes are the documented ones', () => {
  const bytes = encodeHistogram(histogramOf(-2, [3, 0, 1, 0, 0, 0, 200], 1))
  expect(Buffer.from(bytes.subarray(17)).toString('hex')).toBe(
    ['01', '03', '03', '030001', '08', '01', 'c801'].join(''),
  )
})

test('spare room behind the buckets is not written', () => {
  const exact = histogramOf(10, [1, 2])
  const roomy = { ...exact, counts: Float64Array.of(1, 2, 99, 99) }
  expect(encodeHistogram(roomy)).toEqual(encodeHistogram(exact))
})

test('what is cut short or made up is refused, without asking for memory', () => {
  const bytes = encodeHistogram(histogramOf(100, [1, 2, 0, 0, 0, 3]))
  for (let length = 0; length < 18; length++)
    expect(() => decodeHistogram(bytes.subarray(0, length))).toThrow(ContractError)
  expect(() => decodeHistogram(bytes.subarray(0, bytes.length - 1))).toThrow('ends inside a number')
  const header = [1, ...new Array<number>(16).fill(0), 0]
  expect(() => decodeHistogram(Uint8Array.from([...header, 0, 0xff, 0xff, 0xff, 0x7f]))).toThrow('beyond 4096')
  expect(() => decodeHistogram(Uint8Array.from([...header, 0xfe, 0xff, 0xff, 0x7f, 1, 1]))).toThrow('beyond 4096')
  expect(() => decodeHistogram(Uint8Array.from([...header, 20, 1, 1, 3, 1, 1]))).toThrow('out of order')
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (tail) => {
      try {
        expect(decodeHistogram(Uint8Array.from([...header.slice(0, 17), ...tail])).length).toBeLessThanOrEqual(8_192)
      } catch (error) {
        expect(error).toBeInstanceOf(ContractError)
      }
    }),
    { numRuns: 1_000 },
  )
})
