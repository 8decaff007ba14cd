import { afterEach, beforeEach, expect, test } from 'vitest'
import { NOW, storedFacts, type TestUsage, testUsage } from './harness.ts'

let usage: TestUsage
beforeEach(async () => {
  usage = await testUsage()
})
afterEach(() => usage.close())

const at = Date.parse('2026-11-20T00:00:00Z')
const base = { source: 'local', accountId: 'acme', receivedAt: NOW }

test.each([
  [
    'contacts',
    { accountId: 'acme', userId: 'ann', roles: ['admin', 'admin'], consent: false, doNotContact: 'no', updatedAt: at },
    { userId: 'ann', email: '', timeZone: '', roles: ['admin'], consent: false, doNotContact: false, updatedAt: at },
  ],
  [
    'tickets',
    { ticketId: 7, accountId: 'acme', openedAt: at, severity: 'Critical', csat: '4.5', updatedAt: at },
    {
      ticketId: '7',
      userId: '',
      severity: 'urgent',
      openedAt: at,
      resolvedAt: null,
      reopened: 0,
      csat: 4.5,
      text: '',
      updatedAt: at,
    },
  ],
  [
    'invoices',
    {
      invoiceId: 'i',
      accountId: 'acme',
      amountMinor: 1050,
      currency: 'EUR',
      dueAt: '2026-11-20',
      paidAt: at,
      attempts: 2,
    },
    {
      invoiceId: 'i',
      amountMinor: 1050,
      currency: 'EUR',
      status: 'paid',
      dueAt: at,
      paidAt: at,
      attempts: 2,
      updatedAt: NOW,
    },
  ],
  [
    'nps',
    { accountId: 'acme', userId: 'u', score: 10, answeredAt: at },
    { responseId: `acme|u|${at}`, userId: 'u', score: 10, comment: '', answeredAt: at },
  ],
  [
    'subscriptions',
    { accountId: 'acme', startedAt: at, mrr: 5000, currency: 'JPY', seats: 3, cancelledAt: at },
    {
      subscriptionId: 'acme',
      status: 'cancelled',
      plan: '',
      segment: '',
      seats: 3,
      mrrMinor: 5000,
      currency: 'JPY',
      startedAt: at,
      renewsAt: null,
      cancelledAt: at,
      reason: '',
      updatedAt: NOW,
    },
  ],
])('%s', async (name, given, value) => {
  expect((await usage.post(`/v1/${name}`, given)).json()).toMatchObject({ accepted: 1 })
  expect((await storedFacts(usage.log)).map((fact) => fact.value)).toEqual([{ ...base, ...value }])
})

test('every problem of a fact is named, and only it is refused', async () => {
  const good = { invoiceId: 'i', accountId: 'a', amount: 1, currency: 'EUR', dueAt: at }
  const bad = {
    invoiceId: '',
    amount: 'x',
    currency: 'euro',
    status: 'lost',
    dueAt: {},
    attempts: -1,
    updatedAt: NOW + 1e9,
  }
  const response = (await usage.post('/v1/invoices', [good, bad, 7])).json()
  expect(response).toMatchObject({
    accepted: 1,
    rejected: 2,
    verdicts: [{ code: null }, { code: 'invalid-fact' }, { code: 'not-an-object' }],
  })
  const fields = ['invoiceId', 'accountId', 'amount', 'currency', 'status', 'dueAt', 'attempts', 'updatedAt']
  for (const field of fields) expect(response.verdicts[1].detail).toContain(`${field} must be`)
})

test.each([
  ['invoices', 'amount', { invoiceId: 'i', amount: 1e300, dueAt: at }],
  ['invoices', 'amountMinor', { invoiceId: 'i', amountMinor: 1e300, dueAt: at }],
  ['subscriptions', 'mrr', { mrr: -1e300, startedAt: at }],
])('of %s, %s is refused where no number holds it', async (name, field, given) => {
  const response = await usage.post(`/v1/${name}`, { accountId: 'a', currency: 'EUR', ...given })
  expect(response.json()).toMatchObject({
    accepted: 0,
    verdicts: [{ code: 'invalid-fact', detail: expect.stringContaining(`${field} must be`) }],
  })
})

test('text that no database holds is stored without what it cannot hold', async () => {
  const given = { accountId: 'a\0', userId: 'u\ud800', roles: ['x\0', '\udc00'] }
  expect((await usage.post('/v1/contacts', given)).json()).toMatchObject({ accepted: 1 })
  const held = { accountId: 'a\uFFFD', userId: 'u\uFFFD', roles: ['x\uFFFD', '\uFFFD'] }
  expect((await storedFacts(usage.log)).map((fact) => fact.value)).toMatchObject([held])
})

test.each([10.5, 11, -1, 'ten', null])('a score of %j is none', async (score) => {
  const response = await usage.post('/v1/nps', { accountId: 'a', answeredAt: at, score })
  expect(response.json()).toMatchObject({ accepted: 0, rejected: 1 })
})

test('what is kept of a refusal does not quote what was sent, which may name a person', async () => {
  const name = 'ann.example'
  await usage.post('/v1/contacts', JSON.stringify([{ accountId: 'acme', userId: 'u', email: name, timeZone: name }]))
  await usage.post('/v1/nps', JSON.stringify([{ accountId: 'acme', score: name, answeredAt: name }]))
  await usage.post('/v1/track', JSON.stringify({ userId: 'u', event: 'searched', timestamp: name }))
  await usage.post('/v1/track', JSON.stringify({ userId: name.repeat(30), event: 'searched' }))
  await usage.post('/v1/track', `{"userId": "${name}", "email": ${name}}`)
  await usage.post('/v1/track', name)
  const kept = usage.ledger.entries().flatMap(({ refused }) => [...refused.values()])
  expect(kept.reduce((sum, { count }) => sum + count, 0)).toBe(6)
  expect(kept.map(({ example }) => example).filter((example) => example.includes('ann'))).toEqual([])
  expect(kept[1]?.example).toMatch(/^answeredAt must be a time such as .*; score must be a number from 0 to 10$/)
})
