import { describe, expect, test } from 'vitest'
import { calibrationOf, meaningOf, missedOf, recordOf } from './assessment.ts'
import { createRandom } from './learn/random.ts'
import { GRADE_DAYS } from './risk.ts'

const on = (accountId: string, day: number) => ({ accountId, day })
const period = { fromDay: 100, toDay: 200, today: 240 }

describe('raises of a period', () => {
  const raises = [
    on('warned', 110),
    on('wrongly', 120),
    on('too-early', 190),
    on('before-it', 95),
    on('came-back', 150),
    on('long-ago', 100),
  ]
  const leavings = [
    on('warned', 110 + GRADE_DAYS),
    on('before-it', 101),
    on('came-back', 130),
    on('long-ago', 100 + GRADE_DAYS + 1),
    on('silently', 180),
    on('after-it', 201),
  ]

  test('are right when the account left in time after them, open while that may still be', () => {
    expect(recordOf(raises, leavings, period)).toEqual({
      raised: 5,
      open: 1,
      // Right: warned. Wrong: wrongly, came-back (had left before), long-ago.
      precision: { successes: 1, n: 4 },
      coverage: { successes: 2, n: 5 },
    })
  })

  test('leave out those who left unwarned, in the period', () => {
    expect(missedOf(raises, leavings, period).map(({ accountId }) => accountId)).toEqual([
      'came-back',
      'long-ago',
      'silently',
    ])
  })
})

describe('calibration', () => {
  test('of honest probabilities has observed rates at what was predicted, in ten bins of a size', () => {
    const random = createRandom(7)
    const probabilities = Float64Array.from({ length: 20_000 }, () => random() ** 3)
    const churned = Uint8Array.from(probabilities, (p) => (random() < p ? 1 : 0))
    const told = calibrationOf(probabilities, churned)
    expect(told?.bins.map(({ observed }) => observed.n)).toEqual(Array.from({ length: 10 }, () => 2_000))
    expect(told?.bins.reduce((sum, { observed }) => sum + observed.successes, 0)).toBe(told?.left)
    expect(told?.n).toBe(20_000)
    expect(told?.calibrationError).toBeLessThan(0.01)
  })

  test('of probabilities told three times too high says by how much', () => {
    const told = calibrationOf(
      Float64Array.from({ length: 100 }, () => 0.3),
      Uint8Array.from({ length: 100 }, (_, i) => (i < 10 ? 1 : 0)),
    )
    expect(told?.bins).toEqual([
      { low: 0.3, high: 0.3, meanPredicted: expect.closeTo(0.3, 12), observed: { successes: 10, n: 100 } },
    ])
    expect(told?.calibrationError).toBeCloseTo(0.2, 12)
    expect(told?.brier).toBeCloseTo(0.1 * 0.49 + 0.9 * 0.09, 12)
  })

  test('keeps equal predictions in one bin', () => {
    const probabilities = Float64Array.from({ length: 100 }, (_, i) => (i < 55 ? 0.1 : i / 100))
    const sizes = calibrationOf(probabilities, new Uint8Array(100))?.bins.map(({ observed }) => observed.n)
    expect(sizes).toEqual([55, 5, 10, 10, 10, 10])
    expect(calibrationOf(new Float64Array(0), new Uint8Array(0))).toBeUndefined()
  })
})

test('a score stands for how many left of those who had it', () => {
  const scores = Float64Array.from([10, 10, 50, 50, 90, 90])
  const meaning = meaningOf(scores, Uint8Array.from([1, 1, 1, 0, 0, 0]))
  expect([10, 50, 90].map((score) => meaning?.(score))).toEqual([1, 0.5, 0])
  expect(meaningOf(scores, new Uint8Array(6))).toBeUndefined()
})
