import { describe, expect, it } from 'vitest'
import { detected, resolved, startMs } from '../test/facts.ts'
import { foldDetected, foldResolved } from './regression.ts'

const minute = 60_000

describe('an episode', () => {
  it('takes the state and the evidence of its newest event', () => {
    const suspected = foldDetected(undefined, detected({ state: 'suspected', afterValue: 180 }), startMs)
    const confirmed = foldDetected(suspected, detected({ state: 'confirmed', afterValue: 237 }), startMs + minute)
    expect(confirmed).toMatchObject({ state: 'confirmed', afterValue: 237, changedAt: startMs + minute })
  })

  it('given an older event that arrives late, stays as it is', () => {
    const confirmed = foldDetected(undefined, detected({ state: 'confirmed' }), startMs + minute)
    expect(foldDetected(confirmed, detected({ state: 'suspected' }), startMs)).toBe(confirmed)
    expect(foldResolved(confirmed, resolved(), startMs)).toBe(confirmed)
  })

  it('given the same event twice, is the same', () => {
    const once = foldDetected(undefined, detected(), startMs)
    expect(foldDetected(once, detected(), startMs)).toEqual(once)
  })

  it('when resolved, keeps the evidence it was opened with', () => {
    const open = foldDetected(undefined, detected(), startMs)
    const closed = foldResolved(open, resolved(), startMs + minute)
    expect(closed).toMatchObject({ state: 'resolved', resolvedAt: startMs + 2_400_000, afterValue: 237 })
    expect(closed).toMatchObject({ before: open.before, after: open.after, auc: 0.84, cost: 1_840, detector: 'shift' })
  })

  it('when its opening was never seen, is closed without evidence', () => {
    expect(foldResolved(undefined, resolved(), startMs)).toMatchObject({ state: 'resolved', before: null, auc: null })
  })

  it('when it comes back after it was resolved, is open again', () => {
    const closed = foldResolved(undefined, resolved(), startMs)
    const again = foldDetected(closed, detected(), startMs + minute)
    expect(again).toMatchObject({ state: 'confirmed', resolvedAt: null })
  })
})
