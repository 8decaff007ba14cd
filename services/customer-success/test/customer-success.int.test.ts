import { openDatabase } from '@plimsoll/kit/db/pool.ts'
import { until } from '@plimsoll/kit/lanes/testing.ts'
import { connectJetStream } from '@plimsoll/kit/log/jetstream.ts'
import type { EventLog } from '@plimsoll/kit/log/log.ts'
import type { Running } from '@plimsoll/kit/run.ts'
import { askJson, startOn } from '@plimsoll/kit/testing/running.ts'
import { type Stack, startStack } from '@plimsoll/kit/testing/stack.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DAY_MS, dayOf, isoDay, startOf } from '../domain/day.ts'
import { customerSuccess } from '../service.ts'
import { loadDays, loadSnapshots } from '../store/snapshot.ts'
import type { Tables } from '../store/tables.ts'
import { publishFact, publishUsage, usageEvent } from './usage-batches.ts'

const today = dayOf(Date.now())
const noon = (daysAgo: number): number => startOf(today - daysAgo) + DAY_MS / 2

let stack: Stack
let running: Running
let log: EventLog

beforeAll(async () => {
  stack = await startStack()
  running = await startOn(stack, [customerSuccess])
  log = await connectJetStream({ url: stack.natsUrl })
})

afterAll(async () => {
  await log?.close()
  await running?.stop()
  await stack?.stop()
})

const get = <T>(path: string) => askJson<T>(`${running.url}/v1/customer-success${path}`)

type Active = {
  days: { day: string; events: number; new: number; active1: number | null; active7: number | null; active28: number }[]
}

const active = (query: string) => get<Active>(`/analytics/active?from=${isoDay(today - 9)}&to=${isoDay(today)}${query}`)

test('events become active persons of everybody, their account, plan and feature, each event once', async () => {
  const event = (id: string, userId: string, accountId: string, daysAgo: number, name: string) =>
    usageEvent({ id, userId, accountId, name, timeMs: noon(daysAgo) })
  const events = [
    usageEvent({
      id: 'g1',
      kind: 'group',
      userId: 'ann',
      accountId: 'acme',
      properties: '{"plan":"pro"}',
      timeMs: noon(9),
    }),
    event('e1', 'ann', 'acme', 8, 'exported'),
    event('e2', 'ann', 'acme', 2, 'exported'),
    event('e3', 'bob', 'acme', 2, 'searched'),
    event('e4', 'cyd', 'beta', 1, 'searched'),
  ]
  await publishUsage(log, events, Date.now())
  await publishUsage(log, [...events.slice(2), event('e5', 'cyd', 'beta', 0, 'searched')], Date.now())
  await expect.poll(async () => (await active('')).days.at(-1)?.events, { timeout: 20_000 }).toBe(1)
  await expect.poll(async () => (await active('')).days[1]?.events, { timeout: 20_000 }).toBe(1)

  const all = await active('')
  expect(all.days.map(({ events: count }) => count)).toEqual([0, 1, 0, 0, 0, 0, 0, 2, 1, 1])
  expect(all.days.map(({ active1 }) => active1)).toEqual([0, 1, 0, 0, 0, 0, 0, 2, 1, 1])
  expect(all.days.map(({ active7 }) => active7)).toEqual([0, 1, 1, 1, 1, 1, 1, 2, 3, 3])
  expect(all.days.map((day) => day.new)).toEqual([0, 1, 0, 0, 0, 0, 0, 1, 1, 0])
  expect((await active('&account=acme')).days.at(-1)).toMatchObject({ active7: 2, active28: 2 })
  expect((await active('&plan=pro')).days.at(-1)).toMatchObject({ active7: 2, active28: 2 })
  expect((await active('&feature=searched')).days.at(-1)).toMatchObject({ active1: 1, active7: 2 })
  expect((await active('&account=acme&feature=exported')).days.at(-1)).toMatchObject({ active7: null, active28: 1 })
})

describe('once the facts are in', () => {
  const told = { source: 'crm', accountId: 'acme', receivedAt: Date.now(), updatedAt: noon(8) }

  beforeAll(async () => {
    await publishFact(log, 'plimsoll.usage.v1.SubscriptionRecorded', {
      ...{ ...told, subscriptionId: 's1', status: 'active', plan: '', segment: 'smb', seats: 4, mrrMinor: 9_900 },
      ...{ currency: 'EUR', startedAt: noon(9), renewsAt: null, cancelledAt: null, reason: '' },
    })
    await publishFact(log, 'plimsoll.usage.v1.TicketRecorded', {
      ...{ ...told, ticketId: 't1', userId: 'bob', severity: 'high', openedAt: noon(3), resolvedAt: noon(1) },
      ...{ reopened: 0, csat: 2, text: 'It is slow.', updatedAt: noon(1) },
    })
    await publishFact(log, 'plimsoll.usage.v1.NpsRecorded', {
      ...{ source: 'crm', accountId: 'acme', receivedAt: Date.now(), responseId: 'r1', userId: 'bob', score: 9 },
      ...{ comment: 'Good.', answeredAt: noon(2) },
    })
    await publishFact(log, 'plimsoll.usage.v1.InvoiceRecorded', {
      ...{ ...told, invoiceId: 'i1', amountMinor: 9_900, currency: 'EUR', status: 'failed', dueAt: noon(4) },
      ...{ paidAt: null, attempts: 1, updatedAt: noon(4) },
    })
    await publishFact(log, 'plimsoll.usage.v1.InvoiceRecorded', {
      ...{ ...told, accountId: 'beta', invoiceId: 'i2', amountMinor: 5_000, currency: 'JPY', status: 'paid' },
      ...{ dueAt: noon(4), paidAt: noon(4), attempts: 1, updatedAt: noon(4) },
    })
    type Entry = { items: unknown[] }
    await until(
      () => get<Entry>('/accounts/acme/timeline'),
      ({ items }) => items.length === 5,
    )
  })

  test('they are told newest first, page by page', async () => {
    type Page = { items: { kind: string; id: string; text: string }[]; next: string | null }
    const first = await get<Page>('/accounts/acme/timeline?limit=3')
    const second = await get<Page>(`/accounts/acme/timeline?limit=3&cursor=${first.next}`)
    expect([...first.items, ...second.items].map(({ kind, text }) => [kind, text])).toEqual([
      ['ticket_resolved', 'satisfaction 2'],
      ['nps', '9'],
      ['ticket', 'high'],
      ['invoice', 'failed 99.00 EUR'],
      ['subscription', 'active'],
    ])
    expect(second.next).toBeNull()
  })

  test('an amount is in the main unit of its currency, which not all divide by a hundred', async () => {
    const { items } = await until(
      () => get<{ items: { text: string }[] }>('/accounts/beta/timeline'),
      (answer) => answer.items.length === 1,
    )
    expect(items[0]?.text).toBe('paid 5000 JPY')
  })

  test('an account is listed with its plan, segment and contract, and found by a part of its id', async () => {
    const acme = { accountId: 'acme', plan: 'pro', segment: 'smb', status: 'active', seats: 4, mrrMinor: 9_900 }
    expect(await get('/accounts?search=CM')).toMatchObject({ items: [acme], next: null })
    expect(await get('/accounts?segment=none')).toEqual({ items: [], next: null })
    expect((await active('&segment=smb')).days.at(-1)).toMatchObject({ active7: 2 })
  })

  test('a snapshot knows what was known at the end of its day', async () => {
    const database = openDatabase<Tables>({ url: stack.databaseUrl, service: 'customer-success' })
    const [yesterday, before] = [
      await loadSnapshots(database.reader, today - 1),
      await loadSnapshots(database.reader, today - 3),
    ]
    const several: (typeof before)[] = []
    const days = [today - 40, today - 3, today - 1]
    for await (const [, snapshots] of loadDays(database.reader, days)) several.push(snapshots)
    expect(await loadDays(database.reader, []).next()).toEqual({ done: true, value: undefined })
    await database.close()
    expect(several).toEqual([[], before, yesterday])
    const acme = yesterday.find(({ accountId }) => accountId === 'acme')
    expect(yesterday.map(({ accountId }) => accountId)).toEqual(['acme', 'beta'])
    expect(acme).toMatchObject({ segment: 'smb', plan: 'pro', seats: 4, startedDay: today - 9 })
    expect(acme?.activity).toMatchObject({ users7: 2, users28: 2, users84: 2, users28Before: 0, lastDay: today - 2 })
    expect([...(acme?.activity.users ?? [])].slice(-8)).toEqual([1, 0, 0, 0, 0, 0, 2, 0])
    const exported = { feature: 'exported', uses28: 2, users28: 1, uses28Before: 0, firstDay: today - 8 }
    expect(acme?.features).toContainEqual(expect.objectContaining(exported))
    expect(acme?.tickets).toMatchObject([{ openedDay: today - 3, resolvedDay: today - 1, csat: 2 }])
    expect(acme?.nps).toEqual([{ day: today - 2, score: 9 }])
    expect(before.map(({ accountId }) => accountId)).toEqual(['acme'])
    expect(before[0]).toMatchObject({ tickets: [{ resolvedDay: undefined, csat: undefined }], nps: [] })
    expect(before[0]?.invoices).toMatchObject([{ status: 'failed', paidDay: undefined }])
  })

  test('stickiness, lifecycle and retention are read from the same counts', async () => {
    const range = `from=${isoDay(today - 9)}&to=${isoDay(today)}`
    type Stickiness = { days: { dauOverMau: number | null }[]; periods: { activeDays: number[] }[] }
    const { days, periods } = await get<Stickiness>(`/analytics/stickiness?${range}`)
    expect(days.at(-1)?.dauOverMau).toBeCloseTo((1 + 2 + 1 + 1) / 28 / 3, 12)
    expect(periods.flatMap(({ activeDays }) => activeDays.map((n, i) => n * (i + 1))).reduce((a, b) => a + b)).toBe(5)
    const { intervals } = await get<{ intervals: object[] }>(`/analytics/lifecycle?${range}&interval=day`)
    expect(intervals.slice(-3)).toMatchObject([
      { new: 1, returning: 0, resurrecting: 1, dormant: 0 },
      { new: 1, returning: 0, resurrecting: 0, dormant: 2 },
      { new: 0, returning: 1, resurrecting: 0, dormant: 0 },
    ])
    const { cohorts } = await get<{ cohorts: { size: number }[] }>(`/analytics/retention?${range}`)
    expect(cohorts.reduce((sum, { size }) => sum + size, 0)).toBe(3)
  })

  test('adoption is of those who could; what is no core feature does not count', async () => {
    type Adoption = { breadth: number; features: { feature: string; eligible: number; adopted: number }[] }
    const adoption = () => get<Adoption>('/analytics/adoption?rampDays=0')
    expect((await adoption()).features).toMatchObject([
      { feature: 'exported', eligible: 2, adopted: 1, rate: 0.5 },
      { feature: 'searched', eligible: 2, adopted: 2, rate: 1 },
    ])
    const answer = await fetch(`${running.url}/v1/customer-success/features/exported`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ isCore: true, plans: ['pro'] }),
    })
    expect(answer.status).toBe(200)
    expect((await adoption()).features[0]).toMatchObject({ eligible: 1, adopted: 1 })
    expect((await adoption()).breadth).toBe(1)
    expect(await get('/features?limit=1')).toMatchObject({ items: [{ feature: 'exported', plans: ['pro'] }] })
    expect(await get('/analytics/ttfv?event=exported')).toMatchObject({ accounts: 2, reached: 1, medianDays: 1 })
    const { kpis } = await get<{ kpis: { name: string; value: number }[] }>('/kpis')
    expect(kpis.find(({ name }) => name === 'engagement')).toMatchObject({ value: 1, n: 2, isMet: true })
  })

  test('who was erased is in no figure, and does not come back', async () => {
    const erase = () =>
      fetch(`${running.url}/v1/customer-success/privacy/erase`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ userId: 'bob' }),
      })
    const answer = await erase()
    expect([answer.status, await answer.json()]).toMatchObject([
      200,
      { identifiers: 1, events: 1, days: 1, tickets: 1 },
    ])
    expect((await active('&account=acme')).days.at(-1)).toMatchObject({ active7: 1, active28: 1 })
    await publishUsage(log, [usageEvent({ id: 'e9', userId: 'bob', accountId: 'acme', timeMs: noon(1) })], Date.now())
    await publishUsage(
      log,
      [usageEvent({ id: 'e10', userId: 'eve', accountId: 'acme', name: 'shared', timeMs: noon(1) })],
      Date.now(),
    )
    await expect.poll(async () => (await active('&account=acme')).days.at(-1)?.active7, { timeout: 20_000 }).toBe(2)
    expect((await erase()).status).toBe(404)
    // A feature that comes later is one like the first.
    expect((await active('&feature=shared')).days.at(-1)).toMatchObject({ active7: 1 })
  })
})
