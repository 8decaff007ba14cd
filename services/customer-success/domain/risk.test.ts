import { describe, expect, test } from 'vitest'
import { quietAccount } from './health/testing.ts'
import { evaluateRisk, gradeOf, hardEventOf, type RiskChange, type RiskEvaluation, type RiskState } from './risk.ts'
import { type AccountSnapshot, HISTORY_DAYS } from './snapshot.ts'

/** Evaluates a day after another; what changed, by day. */
function run(days: readonly Partial<RiskEvaluation>[]): Record<number, RiskChange> {
  let state: RiskState | undefined
  const changes: Record<number, RiskChange> = {}
  days.forEach((given, day) => {
    const evaluation = { day, score: 80, probability: undefined, hard: undefined, isCancelled: false, ...given }
    const next = evaluateRisk(state, evaluation)
    state = next.state
    if (next.change !== undefined) changes[day] = next.change
  })
  return changes
}

const days = (count: number, evaluation: Partial<RiskEvaluation>) =>
  Array<Partial<RiskEvaluation>>(count).fill(evaluation)

describe('an episode', () => {
  test('is raised at the second evaluation below 40 and cleared at the third from 47 on', () => {
    expect(run([...days(2, { score: 20 }), ...days(12, { score: 80 })])).toEqual({
      1: { kind: 'raised', trigger: 'score' },
      // 20 -> 34.5 -> 45.5 -> 53.9: the smoothed score is above 47 from day 4 on
      6: { kind: 'cleared', raisedDay: 1, outcome: 'recovered' },
    })
  })

  test('is not raised by one bad day', () => {
    expect(run([...days(5, { score: 80 }), { score: 0 }, ...days(5, { score: 80 })])).toEqual({})
  })

  test('is not raised again within 14 days of its end', () => {
    const changes = run([...days(2, { score: 20 }), ...days(5, { score: 80 }), ...days(40, { score: 10 })])
    expect(changes).toMatchObject({ 6: { kind: 'cleared' }, 21: { kind: 'raised' } })
  })

  test('is not raised or cleared by what is not known', () => {
    expect(run([...days(2, { score: 20 }), ...days(20, { score: undefined })])).toEqual({
      1: { kind: 'raised', trigger: 'score' },
    })
  })

  test('is raised at once by a hard event, also in the cooldown, and once only', () => {
    const hard = { score: 90, hard: 'cancel_requested' as const }
    const changes = run([...days(2, { score: 20 }), ...days(5, { score: 80 }), ...days(9, hard)])
    expect(changes[7]).toEqual({ kind: 'raised', trigger: 'cancel_requested' })
    expect(Object.keys(changes)).toHaveLength(3)
  })

  test('ends with the contract', () => {
    expect(run([...days(2, { score: 20 }), { score: undefined, isCancelled: true }])[2]).toEqual({
      kind: 'cleared',
      raisedDay: 1,
      outcome: 'cancelled',
    })
  })

  test('does not change when a day is evaluated again', () => {
    const evaluation = { day: 7, score: 10, probability: undefined, hard: undefined, isCancelled: false }
    const once = evaluateRisk(undefined, evaluation)
    expect(evaluateRisk(once.state, evaluation)).toEqual({ state: once.state, change: undefined })
  })

  test('is raised by a learned probability where one is set', () => {
    const rules = {
      ...{ halfLifeDays: 2.5, enterBelow: 40, enterAfter: 1, leaveFrom: 47, leaveAfter: 3, cooldownDays: 14 },
      probability: 0.2,
    }
    const evaluation = { day: 0, score: 90, probability: 0.25, hard: undefined, isCancelled: false }
    expect(evaluateRisk(undefined, evaluation, rules).change).toEqual({ kind: 'raised', trigger: 'probability' })
  })
})

describe('a hard event', () => {
  const silentFor = (silentDays: number, usersOf: (i: number) => number): AccountSnapshot => {
    const users = Uint32Array.from({ length: HISTORY_DAYS }, (_, i) => (i < HISTORY_DAYS - silentDays ? usersOf(i) : 0))
    const lastDay = quietAccount.day - silentDays
    return { ...quietAccount, activity: { ...quietAccount.activity, users, lastDay } }
  }

  test('is two weeks without use, where use was daily', () => {
    const weekdays = (i: number) => (i % 7 < 5 ? 3 : 0)
    expect(hardEventOf(silentFor(14, weekdays))).toBe('silent')
    expect(hardEventOf(silentFor(13, weekdays))).toBeUndefined()
    expect(hardEventOf(silentFor(14, (i) => (i % 7 === 0 ? 3 : 0)))).toBeUndefined()
  })

  test('is a payment that failed for good, until a later invoice is paid', () => {
    const invoice = { dueDay: 100, paidDay: undefined, status: 'final_failed' as const, amountMinor: 1 }
    const paid = { ...invoice, dueDay: 130, paidDay: 130, status: 'paid' as const }
    expect(hardEventOf({ ...quietAccount, invoices: [invoice] })).toBe('payment_failed')
    expect(hardEventOf({ ...quietAccount, invoices: [invoice, paid] })).toBeUndefined()
  })

  test('is a cancellation that was asked for', () => {
    const subscription = {
      status: 'cancel_requested' as const,
      seatsBefore: 0,
      renewsDay: undefined,
      cancelledDay: undefined,
    }
    expect(hardEventOf({ ...quietAccount, subscription })).toBe('cancel_requested')
  })
})

test.each([
  [160, 120, 'right'],
  [161, 161, 'wrong'],
  [undefined, 160, undefined],
  [undefined, 161, 'wrong'],
])('raised on day 100, left on %s, looked at on %s: %s', (cancelledDay, today, grade) => {
  expect(gradeOf(100, cancelledDay, today)).toBe(grade)
})
