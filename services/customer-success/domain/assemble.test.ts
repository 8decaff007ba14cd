import { expect, test } from 'vitest'
import { type AccountFacts, assemble } from './assemble.ts'
import { HISTORY_DAYS } from './snapshot.ts'

const none = new Float64Array(HISTORY_DAYS)
const usage = {
  activity: {
    users: new Uint32Array(HISTORY_DAYS),
    events: none,
    apiCalls: none,
    apiErrors: none,
    users7: 0,
    users28: 0,
    users84: 0,
    users28Before: 0,
    lastDay: undefined,
  },
  features: [],
}
const acme: AccountFacts = {
  accountId: 'acme',
  name: '',
  segment: 'smb',
  plan: 'pro',
  seats: 10,
  mrrMinor: 10_000,
  currency: 'EUR',
  startedDay: 10,
  tickets: [{ openedDay: 100, resolvedDay: 103, severity: 'high', reopened: 0, csat: 2 }],
  invoices: [{ dueDay: 100, paidDay: 104, status: 'paid', amountMinor: 10_000 }],
  nps: [
    { userId: 'u1', day: 50, score: 9 },
    { userId: 'u1', day: 120, score: 3 },
    { userId: '', day: 120, score: 7 },
    { userId: '', day: 121, score: 8 },
  ],
  subscription: { status: 'cancelled', seatsBefore: 12, renewsDay: 375, cancelledDay: 130 },
}

test('what had not begun is not there', () => {
  const { tickets, invoices, nps } = assemble(acme, usage, 99)
  expect({ tickets, invoices, nps }).toEqual({ tickets: [], invoices: [], nps: [{ day: 50, score: 9 }] })
})

test('what had not ended was open, unasked, unpaid and running', () => {
  const { tickets, invoices, subscription } = assemble(acme, usage, 102)
  expect(tickets).toEqual([{ openedDay: 100, resolvedDay: undefined, severity: 'high', reopened: 0, csat: undefined }])
  expect(invoices).toEqual([{ dueDay: 100, paidDay: undefined, status: 'open', amountMinor: 10_000 }])
  expect(subscription).toMatchObject({ status: 'active', cancelledDay: undefined })
  const later = assemble(acme, usage, 130)
  expect(later.tickets).toEqual(acme.tickets)
  expect(later.invoices).toEqual(acme.invoices)
  expect(later.subscription).toEqual(acme.subscription)
})

test('a user has one answer, the latest of the last 90 days; nobody in particular has each of theirs', () => {
  expect(assemble(acme, usage, 125).nps).toEqual([
    { day: 120, score: 3 },
    { day: 120, score: 7 },
    { day: 121, score: 8 },
  ])
  expect(assemble(acme, usage, 139).nps).toHaveLength(3)
  expect(assemble(acme, usage, 300).nps).toEqual([])
})
