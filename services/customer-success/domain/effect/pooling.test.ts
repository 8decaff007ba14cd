import { expect, test } from 'vitest'
import { estimateOf, shrink } from './pooling.ts'

test('a small playbook is drawn to the others, a large one hardly', () => {
  const large = [0.1, 0.15, 0.2, 0.25].map((effect) => ({ effect, variance: 0.0004 }))
  const pooled = shrink([...large, { effect: 0.6, variance: 0.04 }])
  large.forEach(({ effect }, index) => {
    expect(Math.abs((pooled[index]?.effect ?? 1) - effect)).toBeLessThan(0.015)
  })
  expect(pooled[4]?.effect).toBeLessThan(0.45)
  expect(pooled[4]?.effect).toBeGreaterThan(0.2)
})

test('effects that differ by no more than their noise are drawn together by as much as five of them allow', () => {
  const [lowest, , , , highest] = shrink([0.1, 0.11, 0.12, 0.13, 0.14].map((effect) => ({ effect, variance: 0.01 })))
  expect(lowest?.effect).toBeCloseTo(0.11, 12)
  expect(highest?.effect).toBeCloseTo(0.13, 12)
})

test('three effects say nothing about how much effects differ', () => {
  const three = [0.1, 0.2, 0.9].map((effect) => ({ effect, variance: 0.04 }))
  expect(shrink(three).map(({ effect }) => effect)).toEqual([0.1, 0.2, 0.9])
})

test('alone, an effect stays what it is', () => {
  const estimate = estimateOf({ successes: 60, n: 100 }, { successes: 8, n: 20 })
  const [pooled] = shrink([estimate])
  expect(pooled?.effect).toBeCloseTo(estimate.effect, 12)
  expect(pooled?.interval.high).toBeCloseTo(estimate.effect + 1.96 * Math.sqrt(estimate.variance), 3)
})
