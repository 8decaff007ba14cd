import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ContractError } from './errors.ts'
import { decodeHistogram, type ExponentialHistogram, encodeHistogram } from './histogram.ts'

const histograms: fc.Arbitrary<ExponentialHistogram> = fc
  .record({
    zero: fc.nat(1000),
    offset: fc.integer({ min: -900, max: 900 }),
    counts: fc.array(
      fc.oneof(
        fc.constant(0),
        fc.nat(500),
        fc.maxSafeNat().map((n) => n % 2 ** 45),
      ),
      { maxLength: 200 },
    ),
  })
  .map(({ zero, offset, counts }) => {
    const count = zero + counts.reduce((sum, n) => sum + n, 0)
    const filled = count > 0
    return {
      count,
      sum: filled ? 12.5 : 0,
      min: filled ? 0.25 : Infinity,
      max: filled ? 4096 : -Infinity,
      zero,
      offset,
      length: counts.length,
      counts: Float64Array.from(counts),
    }
  })

/** Bucket index -> count, without the empty ones: what two histograms must agree on. */
function buckets({ counts, length, offset }: ExponentialHistogram): Map<number, number> {
  const all = [...counts.subarray(0, length)].map((n, i) => [offset + i, n] as const)
  return new Map(all.filter(([, n]) => n > 0))
}

describe('an encoded histogram', () => {
  it('comes back with the same buckets, count, sum and extremes', () => {
    fc.assert(
      fc.property(histograms, (before) => {
        const after = decodeHistogram(encodeHistogram(before))
        expect(buckets(after)).toEqual(buckets(before))
        expect([after.count, after.zero, after.sum]).toEqual([before.count, before.zero, before.sum])
        expect([after.min, after.max]).toEqual([before.min, before.max])
      }),
    )
  })

  it('is refused when cut off anywhere inside a number, and never read beyond its end', () => {
    const bytes = encodeHistogram({
      count: 1_000_300,
      sum: 1,
      min: 1,
      max: 2,
      zero: 300,
      offset: -700,
      length: 1,
      counts: Float64Array.of(1_000_000),
    })
    for (let end = 0; end < bytes.length; end++) {
      if (end === 19) continue // right behind the zero count: a histogram of zeros
      expect(() => decodeHistogram(bytes.subarray(0, end))).toThrow(ContractError)
    }
  })

  it('is refused when hostile bytes ask for endless runs or run backwards', () => {
    const header = encodeHistogram({
      count: 0,
      sum: 0,
      min: 0,
      max: 0,
      zero: 0,
      offset: 0,
      length: 0,
      counts: new Float64Array(0),
    })
    for (const tail of [
      [0, 0xff, 0xff, 0xff, 0x7f],
      [0xff, 0xff, 0x7f, 1, 1],
      [2, 1, 1, 1, 1, 1],
    ]) {
      expect(() => decodeHistogram(Uint8Array.of(...header, ...tail))).toThrow(ContractError)
    }
  })
})
