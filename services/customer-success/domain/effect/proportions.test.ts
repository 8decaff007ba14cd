import { describe, expect, test } from 'vitest'
import {
  chiSquareP,
  compareProportions,
  criticalValue,
  minimumDetectable,
  newcombe,
  normalDistribution,
  normalQuantile,
  sampleRatio,
  wilson,
} from './proportions.ts'

describe('the published report of Cookie Cats, retention on day 7', () => {
  const gate30 = { successes: 8_502, n: 44_700 }
  const gate40 = { successes: 8_279, n: 45_489 }

  test('is reproduced to six digits', () => {
    const { difference, interval, z, p } = compareProportions(gate30, gate40)
    expect(difference).toBeCloseTo(-0.008201, 6)
    expect(interval.low).toBeCloseTo(-0.013282, 6)
    expect(interval.high).toBeCloseTo(-0.003121, 6)
    expect(z).toBeCloseTo(-3.164, 3)
    expect(p).toBeCloseTo(0.00155, 5)
  })

  test('has arms that were not meant to be of these sizes', () => {
    const { chi2, p } = sampleRatio(gate30.n, gate40.n)
    expect(chi2).toBeCloseTo(6.902, 3)
    expect(p).toBeCloseTo(0.00861, 5)
  })
})

// Newcombe 1998, table II, row "56/70 - 48/80", method 10.
test('the hybrid score interval is that of its paper', () => {
  const { low, high } = newcombe({ successes: 48, n: 80 }, { successes: 56, n: 70 })
  expect(low).toBeCloseTo(0.0524, 4)
  expect(high).toBeCloseTo(0.3339, 4)
})

// The same table's row "0/10 - 0/10", where Wald's interval is a point.
test('the hybrid score interval has a width where nothing happened in either arm', () => {
  const { low, high } = newcombe({ successes: 0, n: 10 }, { successes: 0, n: 10 })
  expect(high).toBeCloseTo(0.2775, 4)
  expect(low).toBeCloseTo(-0.2775, 4)
  expect(wilson({ successes: 0, n: 10 })).toEqual({ low: expect.closeTo(0, 12), high: expect.closeTo(0.2775, 4) })
})

// 20 % held out: 981 accounts show churn falling from 30 % to 20 %, 13,343 from 3 % to 2 %.
test.each([
  [0.3, 0.1, 981],
  [0.03, 0.01, 13_343],
])('what falls from %d by %d is just seen with %d accounts', (reference, difference, n) => {
  const sizes = { nA: 0.2 * n, nB: 0.8 * n, sign: -1 as const }
  expect(minimumDetectable(reference, sizes)).toBeCloseTo(difference, 4)
})

test('no arm is large enough to see a rate fall below zero', () => {
  expect(minimumDetectable(0.02, { nA: 20, nB: 80, sign: -1 })).toBe(0.02)
})

// Abramowitz and Stegun, tables 26.1 and 26.8.
test('tails agree with the tables', () => {
  expect(normalDistribution(1.96)).toBeCloseTo(0.97500210485178, 13)
  expect(normalDistribution(-3)).toBeCloseTo(0.00134989803163, 13)
  expect(chiSquareP(3.841458820694124, 1)).toBeCloseTo(0.05, 13)
  expect(chiSquareP(9.487729036781154, 4)).toBeCloseTo(0.05, 13)
  expect(criticalValue(0.95)).toBeCloseTo(1.959963984540054, 12)
  for (const p of [0.0001, 0.2, 0.5, 0.8, 0.9999]) expect(normalDistribution(normalQuantile(p))).toBeCloseTo(p, 12)
})
