import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  add,
  bucketFloor,
  bucketOf,
  copy,
  createHistogram,
  merge,
  quantile,
  quantileInterval,
  subtract,
} from './histogram.ts'
import { decodeHistogram, encodeHistogram, fromExplicit, fromExponential, histogramOf } from './histogramcodec.ts'

const latencies = fc.array(fc.double({ min: 0.01, max: 60_000, noNaN: true }), { minLength: 1, maxLength: 300 })
const seeded = { numRuns: 100, seed: 20_261_123, verbose: true }

describe('histogram', () => {
  it('given any latencies, quantiles are within 1.1 % of the exact ones', () => {
    fc.assert(
      fc.property(latencies, fc.constantFrom(0.5, 0.9, 0.95, 0.99), (values, p) => {
        const sorted = [...values].sort((a, b) => a - b)
        const exact = sorted[Math.max(0, Math.ceil(p * values.length) - 1)] ?? 0
        expect(Math.abs(quantile(histogramOf(values), p) / exact - 1)).toBeLessThanOrEqual(0.011)
      }),
      seeded,
    )
  })

  it('given two halves, merging them equals adding all, and subtracting gives the first half back', () => {
    fc.assert(
      fc.property(latencies, latencies, (a, b) => {
        const merged = histogramOf(a)
        merge(merged, histogramOf(b))
        const all = histogramOf([...a, ...b])
        expect(merged.count).toBe(all.count)
        expect(merged.sum).toBeCloseTo(all.sum, 3)
        for (const p of [0.1, 0.5, 0.99]) expect(quantile(merged, p)).toBe(quantile(all, p))
        subtract(merged, histogramOf(b))
        expect(merged.count).toBe(a.length)
        expect(Math.abs(quantile(merged, 0.5) / quantile(histogramOf(a), 0.5) - 1)).toBeLessThan(0.011)
      }),
      seeded,
    )
  })

  it('given any histogram, its bytes decode to the same counts', () => {
    fc.assert(
      fc.property(latencies, (values) => {
        const before = histogramOf([0, ...values])
        const after = decodeHistogram(encodeHistogram(before))
        expect(after.count).toBe(before.count)
        expect(after.zero).toBe(1)
        for (const p of [0.01, 0.5, 0.95])
          expect(Math.abs(quantile(after, p) - quantile(before, p))).toBeLessThanOrEqual(1e-6 * quantile(before, p))
      }),
      seeded,
    )
  })

  it('given 600 requests of a log-normal minute, takes at most 300 bytes', () => {
    const histogram = createHistogram()
    for (let i = 0; i < 600; i++) {
      const u = (i + 0.5) / 600
      add(histogram, 40 * Math.exp(0.8 * Math.sqrt(2) * inverseErf(2 * u - 1)))
    }
    expect(encodeHistogram(histogram).length).toBeLessThanOrEqual(300)
  })

  it('given a power of the base, puts it into the bucket below, as OTLP does', () => {
    expect(bucketOf(1)).toBe(-1)
    expect(bucketOf(2)).toBe(31)
    expect(bucketOf(2.0001)).toBe(32)
    expect(bucketFloor(32)).toBe(2)
  })

  it('given no requests or impossible ones, says NaN and refuses', () => {
    const histogram = createHistogram()
    expect(add(histogram, -1)).toBe(false)
    expect(add(histogram, Number.NaN)).toBe(false)
    expect(quantile(histogram, 0.5)).toBeNaN()
    expect(quantileInterval(histogram, 0.5)[0]).toBeNaN()
  })

  it('given n requests, the interval of the median covers the true median about 95 % of the time', () => {
    let state = 7
    const random = () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return state / 2 ** 32
    }
    let covered = 0
    for (let run = 0; run < 400; run++) {
      const histogram = createHistogram()
      for (let i = 0; i < 200; i++) add(histogram, -100 * Math.log(1 - random()))
      const [low, high] = quantileInterval(histogram, 0.5)
      if (low <= 100 * Math.LN2 && high >= 100 * Math.LN2) covered++
    }
    expect(covered).toBeGreaterThanOrEqual(372)
  })

  it('given OTLP buckets of a finer scale, only shifts the index', () => {
    const ours = fromExponential({ scale: 8, zeroCount: 2, offset: 256 * 5, counts: [3, 0, 4, 0, 0, 0, 0, 0, 5] })
    expect(ours.count).toBe(14)
    expect(ours.counts[0]).toBe(7)
    expect(ours.counts[1]).toBe(5)
    expect(ours.offset).toBe(160)
  })

  it('given native buckets in seconds or explicit bounds, keeps every request and the quantiles near', () => {
    const values = Array.from({ length: 1000 }, (_, i) => 20 + i * 0.1)
    const coarse = new Float64Array(400)
    for (const value of values) {
      const index = Math.ceil(Math.log2(value / 1000) * 8) - 1 + 200
      coarse[index] = (coarse[index] ?? 0) + 1
    }
    const native = fromExponential({ scale: 3, zeroCount: 0, offset: -200, counts: coarse, unitMs: 1000 })
    expect(native.count).toBe(1000)
    expect(Math.abs(quantile(native, 0.5) / 70 - 1)).toBeLessThan(0.05)
    const explicit = fromExplicit({ bounds: [0.025, 0.05, 0.1, 0.25], counts: [50, 250, 500, 200, 0], unitMs: 1000 })
    expect(explicit.count).toBe(1000)
    expect(Math.abs(quantile(explicit, 0.5) / 70 - 1)).toBeLessThan(0.1)
  })

  it('given a copy, changes do not reach the original', () => {
    const original = histogramOf([5])
    const other = copy(original)
    add(other, 7)
    expect(original.count).toBe(1)
  })
})

/** Winitzki's approximation; good enough to place test latencies. */
function inverseErf(x: number): number {
  const a = 0.147
  const l = Math.log(1 - x * x)
  const b = 2 / (Math.PI * a) + l / 2
  return Math.sign(x) * Math.sqrt(Math.sqrt(b * b - l / a) - b)
}
