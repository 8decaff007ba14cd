import { expect, test } from 'vitest'
import { estimateOf, shrink } from './pooling.ts'

test('a small playbook is drawn to the others, a large one hardly', () => {
  const estimates = [
    { effect: 0.1, variance: 0.0004 },
    { effect: 0.2, variance: 0.0004 },
    { effect: 0.5, variance: 0.04 },
  ]
  const [first, second, small] = shrink(estimates)
  expect(Math.abs((first?.effect ?? 0) - 0.1)).toBeLessThan(0.01)
  expect(Math.abs((second?.effect ?? 0) - 0.2)).toBeLessThan(0.01)
  expect(small?.effect).toBeLessThan(0.25)
})

test('effects that differ by no more than their noise are one effect', () => {
  const pooled = shrink([
    { effect: 0.1, variance: 0.01 },
    { effect: 0.14, variance: 0.01 },
  ])
  expect(pooled.map(({ effect }) => effect)).toEqual([expect.closeTo(0.12, 12), expect.closeTo(0.12, 12)])
})

test('alone, an effect stays what it is', () => {
  const estimate = estimateOf({ successes: 60, n: 100 }, { successes: 8, n: 20 })
  const [pooled] = shrink([estimate])
  expect(pooled?.effect).toBeCloseTo(estimate.effect, 12)
  expect(pooled?.interval.high).toBeCloseTo(estimate.effect + 1.96 * Math.sqrt(estimate.variance), 3)
})
