import { describe, expect, it } from 'vitest'
import { normalQuantile } from './normal.ts'
import { createShift, evidenceOf, feedShift, feedSide, resetShift, shiftEvidence } from './shift.ts'

const NEEDED = 600
/** Places in SIDES, and where the outer tenth of a standard normal begins. */
const [MEDIAN, TENTH] = [0, 1]
const EDGE = normalQuantile(0.9)

describe('evidence for a shift', () => {
  it('given small scores that are never below the median, comes from the sign when no size of shift explains them', () => {
    const shift = createShift()
    for (let i = 0; i < 20; i++) {
      feedShift(shift, 0.45)
      feedSide(shift, MEDIAN, 1, 0.5, 0.5)
    }
    expect(shiftEvidence(shift, 1)).toBeGreaterThan(NEEDED)
    expect([0, 1, 2].map((size) => evidenceOf(shift, 1, size)).every((evidence) => evidence < NEEDED / 10)).toBe(true)
    expect(shiftEvidence(shift, -1)).toBeLessThan(1)
  })

  it('given windows on the median, which most windows of a constant series are, does not count them as beyond it', () => {
    const shift = createShift()
    for (let i = 0; i < 20; i++) feedSide(shift, MEDIAN, 0, 0.01, 0.01)
    expect(shiftEvidence(shift, 1)).toBeLessThan(1)
    expect(shiftEvidence(shift, -1)).toBeLessThan(1)
  })

  it('given scores that a long tail keeps small, comes within five windows from how few of the reference lie beyond them', () => {
    const shift = createShift()
    for (let i = 0; i < 5; i++) {
      feedShift(shift, 1.3)
      feedSide(shift, MEDIAN, 1, 0.5, 0.5)
      feedSide(shift, TENTH, 1, 0.1, 0.1)
    }
    expect(evidenceOf(shift, 1, 4)).toBeGreaterThan(NEEDED)
    expect([0, 1, 2, 3].every((component) => evidenceOf(shift, 1, component) < NEEDED / 10)).toBe(true)
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
      feedSide(shift, MEDIAN, Math.sign(score), 0.5, 0.5)
      feedSide(shift, TENTH, Math.abs(score) > EDGE ? Math.sign(score) : 0, 0.1, 0.1)
      if (shiftEvidence(shift, 1) < NEEDED) continue
      alarms++
      resetShift(shift)
    }
    expect(alarms, 'seed 7').toBeLessThanOrEqual(windows / NEEDED)
  })
})
