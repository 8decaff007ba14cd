import { expect, test } from 'vitest'
import { reportEffect } from './report.ts'

const asked = { holdoutShare: 0.2, leastEffect: 0.1 }

test.each([
  ['works', [480, 800], [80, 200]],
  ['harms', [320, 800], [120, 200]],
  ['no evidence', [2_400, 4_800], [600, 1_200]],
  ['not enough data', [44, 80], [10, 20]],
  ['not enough data', [40, 60], [1, 15]],
] as const)('%s: %j of the treated, %j of the held out', (verdict, [ofTreated, treated], [ofHeldOut, heldOut]) => {
  const report = reportEffect({ successes: ofTreated, n: treated }, { successes: ofHeldOut, n: heldOut }, asked)
  expect(report.verdict).toBe(verdict)
})

test('nothing is claimed from arms that are not of their sizes', () => {
  const report = reportEffect({ successes: 480, n: 800 }, { successes: 52, n: 130 }, asked)
  expect(report.interval.low).toBeGreaterThan(0)
  expect(report).toMatchObject({ sampleRatio: { isAlarming: true }, verdict: 'not enough data' })
})
