import { expect, test } from 'vitest'
import { assemble } from '../assemble.ts'
import { type AccountSnapshot, HISTORY_DAYS } from '../snapshot.ts'
import { FEATURE_NAMES, featuresOf } from './features.ts'

/** An account whose users a day are given by how many days ago it was. */
function account(usersAgo: (daysAgo: number) => number, more: Partial<AccountSnapshot> = {}): AccountSnapshot {
  const users = Uint32Array.from({ length: HISTORY_DAYS }, (_, i) => usersAgo(HISTORY_DAYS - 1 - i))
  const lastAt = users.findLastIndex((n) => n > 0)
  return {
    accountId: 'a',
    day: 500,
    name: '',
    segment: 'smb',
    plan: 'pro',
    seats: 10,
    mrrMinor: 5000,
    currency: 'EUR',
    startedDay: 300,
    activity: {
      users,
      events: Float64Array.from(users, (n) => 5 * n),
      apiCalls: new Float64Array(HISTORY_DAYS),
      apiErrors: new Float64Array(HISTORY_DAYS),
      users7: 4,
      users28: 6,
      users84: 8,
      users28Before: 6,
      lastDay: lastAt < 0 ? undefined : 500 - (HISTORY_DAYS - 1 - lastAt),
    },
    features: [],
    tickets: [],
    invoices: [],
    nps: [],
    subscription: undefined,
    ...more,
  }
}

const read = (snapshot: AccountSnapshot): Record<string, number> =>
  Object.fromEntries(FEATURE_NAMES.map((name, j) => [name, featuresOf(snapshot)[j] ?? Number.NaN]))

test('steady use has no trend; what is not known is NaN', () => {
  const features = read(account(() => 4))
  expect(features).toMatchObject({ usersTrend14: 0, usersTrend28: 0, silentDays: 0, fallStrength: 0 })
  expect(features).toMatchObject({ activeDays28: 28, usersPerDay28: 4, seatsActive28: 0.6, mrrPerSeat: 500 })
  for (const name of ['nps', 'csat84', 'coreBreadth56', 'missedDays', 'seatsKept'])
    expect(features[name], name).toBeNaN()
  expect(read(account(() => 4, { seats: 0 })).seatsActive28).toBeNaN()
})

test('a fall is dated, and told from a rise', () => {
  const fallen = read(account((ago) => (ago < 20 ? 2 : 8)))
  expect(fallen.fallDays).toBe(20)
  expect(fallen.fallStrength).toBeGreaterThan(50)
  expect(fallen.usersTrend14).toBeLessThan(-0.5)
  expect(read(account((ago) => (ago < 20 ? 8 : 2))).fallStrength).toBeLessThan(-50)
})

test('days before the account began are no days of silence', () => {
  const young = read(account((ago) => (ago < 14 ? 3 : 0), { startedDay: 487 }))
  expect(young.usersPerDay28).toBe(3)
  expect(young.eventsTrend7).toBeCloseTo(0, 12)
  expect(young.usersTrend28).toBeNaN()
})

test('tickets and invoices count by their days', () => {
  const ticket = { severity: 'urgent', reopened: 1, csat: undefined } as const
  const features = read(
    account(() => 4, {
      tickets: [
        { ...ticket, openedDay: 490, resolvedDay: undefined },
        { ...ticket, openedDay: 450, resolvedDay: 453, csat: 2 },
        { ...ticket, openedDay: 495, resolvedDay: 496, severity: 'low', csat: 5 },
      ],
      invoices: [
        { dueDay: 430, paidDay: 431, status: 'paid', amountMinor: 1 },
        { dueDay: 480, paidDay: undefined, status: 'failed', amountMinor: 1 },
      ],
    }),
  )
  expect(features).toMatchObject({ tickets28: 2, severe14: 1, severe56: 2, openTickets: 1, oldestOpenDays: 10 })
  expect(features).toMatchObject({ csat84: 3.5, reopened84: 3 })
  expect(features).toMatchObject({ failed28: 1, overdueDays: 20, daysSinceFailed: 20 })
})

test('what happens after the day changes nothing: neither facts of later days nor how those of before went on', () => {
  const { activity, features, day, ...facts } = account(() => 4)
  const ticket = { openedDay: day - 5, severity: 'urgent', reopened: 0 } as const
  const invoice = { dueDay: day - 20, amountMinor: 1 } as const
  const known = {
    tickets: [{ ...ticket, resolvedDay: undefined, csat: undefined }],
    invoices: [{ ...invoice, paidDay: undefined, status: 'open' as const }],
    nps: [{ userId: 'u', day: day - 3, score: 9 }],
    subscription: { status: 'active' as const, seatsBefore: 10, renewsDay: day + 5, cancelledDay: undefined },
  }
  const told = {
    tickets: [
      { ...ticket, resolvedDay: day + 1, csat: 1 },
      { ...ticket, openedDay: day + 2, resolvedDay: undefined, csat: undefined },
    ],
    invoices: [
      { ...invoice, paidDay: day + 3, status: 'paid' as const },
      { dueDay: day + 10, paidDay: undefined, amountMinor: 1, status: 'final_failed' as const },
    ],
    nps: [...known.nps, { userId: 'u', day: day + 1, score: 0 }],
    subscription: { ...known.subscription, status: 'cancelled' as const, cancelledDay: day + 9 },
  }
  const usage = { activity, features, champion: undefined }
  const at = (more: typeof known | typeof told) => featuresOf(assemble({ ...facts, ...more }, usage, day))
  expect(at(told)).toEqual(at(known))
})
