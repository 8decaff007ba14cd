import fc from 'fast-check'
import { expect, test } from 'vitest'
import { histogramOfBuckets, layoutOf } from './buckets.ts'
import { quantile } from './histogram.ts'
import { fromExplicit } from './histogramcodec.ts'

test('the bounds may come in any order', () => {
  const histogram = histogramOfBuckets(layoutOf([Infinity, 0.2, 0.1], 1000), Float64Array.of(100, 90, 60), 0)
  expect(histogram.count).toBe(100)
  expect(quantile(histogram, 0.5)).toBeGreaterThan(50)
  expect(quantile(histogram, 0.5)).toBeLessThanOrEqual(100)
  expect(quantile(histogram, 0.95)).toBeGreaterThan(200)
})

test('buckets that contradict each other give no negative count', () => {
  const histogram = histogramOfBuckets(layoutOf([0.1, 0.2, Infinity], 1000), Float64Array.of(10, 5, 12), 0)
  expect(histogram.count).toBe(12)
  expect(histogram.counts.every((count) => count >= 0)).toBe(true)
})

test('whole requests come out as the plain conversion has them', () => {
  const counts = fc.array(fc.integer({ min: 0, max: 5_000 }), { minLength: 6, maxLength: 6 })
  fc.assert(
    fc.property(counts, (between) => {
      const bounds = [0.005, 0.01, 0.1, 0.25, 3]
      const upTo = Float64Array.from(between, (_, i) => between.slice(0, i + 1).reduce((sum, n) => sum + n, 0))
      const fast = histogramOfBuckets(layoutOf([...bounds, Infinity], 1000), upTo, 0)
      const plain = fromExplicit({ bounds, counts: between, unitMs: 1000 })
      expect(fast.count).toBe(plain.count)
      if (fast.count === 0) return
      for (const p of [0.01, 0.5, 0.95, 0.99]) expect(quantile(fast, p) / quantile(plain, p)).toBeCloseTo(1, 1)
      let total = fast.zero
      for (const count of fast.counts) total += count
      expect(total).toBe(fast.count)
    }),
  )
})
