import { describe, expect, it } from 'vitest'
import { normalQuantile } from './normal.ts'
import { createShift, evidenceOf, feedShift, feedSign, resetShift, shiftEvidence } from './shift.ts'

const NEEDED = 600

describe('evidence for a shift', () => {
  it('given small scores that are never below the median, comes from the sign when no size of shift explains them', () => {
    const shift = createShift()
    for (let i = 0; i < 20; i++) {
      feedShift(shift, 0.45)
      feedSign(shift, 1, 0.5, 0.5)
    }
    expect(shiftEvidence(shift, 1)).toBeGreaterThan(NEEDED)
    expect([0, 1, 2].map((size) => evidenceOf(shift, 1, size)).every((evidence) => evidence < NEEDED / 10)).toBe(true)
    expect(shiftEvidence(shift, -1)).toBeLessThan(1)
  })

  it('given windows on the median, which most windows of a constant series are, does not count them as beyond it', () => {
    const shift = createShift()
    for (let i = 0; i < 20; i++) feedSign(shift, 0, 0.01, 0.01)
    expect(shiftEvidence(shift, 1)).toBeLessThan(1)
    expect(shiftEvidence(shift, -1)).toBeLessThan(1)
  })

  it('given nothing but noise, passes what is needed at most once in that many windows', () => {
    const windows = 200_000
    let state = 7
    let alarms = 0
    const shift = createShift()
    for (let i = 0; i < windows; i++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      const score = normalQuantile((state + 0.5) / 2 ** 32)
      feedShift(shift, score)
      feedSign(shift, Math.sign(score), 0.5, 0.5)
      if (shiftEvidence(shift, 1) < NEEDED) continue
      alarms++
      resetShift(shift)
    }
    expect(alarms, 'seed 7').toBeLessThanOrEqual(windows / NEEDED)
  })
})
