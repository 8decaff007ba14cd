import type { EventValue } from '@plimsoll/contracts/events.ts'
import { openDatabase, type ServiceDatabase } from '@plimsoll/kit/db/pool.ts'
import { connectJetStream } from '@plimsoll/kit/log/jetstream.ts'
import type { EventLog } from '@plimsoll/kit/log/log.ts'
import type { Running } from '@plimsoll/kit/run.ts'
import { askJson, startOn } from '@plimsoll/kit/testing/running.ts'
import { type Stack, startStack } from '@plimsoll/kit/testing/stack.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DAY_MS, dayOf, isoDay, startOf } from '../domain/day.ts'
import { LEAD_DAYS, WINDOW_DAYS } from '../domain/health/backtest.ts'
import { customerSuccess } from '../service.ts'
import type { Tables } from '../store/tables.ts'
import { derivedOf } from './derived.ts'
import { publishFact, publishUsage, usageEvent } from './usage-batches.ts'

/**
 * Five months in which 170 of 220 accounts leave, each with an urgent ticket some weeks before; some that stay have one as
 * well. Two more, of which one has such a ticket, ask to cancel on the last day.
 */
const today = dayOf(Date.now())
const DAYS = 147
const first = today - DAYS
const HALT = DAYS - 1
const LEAVERS = 170
const STAYERS = 50
const leavesOn = (i: number): number => 30 + Math.floor((i * (HALT - 32)) / LEAVERS)

let stack: Stack
let running: Running
let log: EventLog
let database: ServiceDatabase<Tables>

beforeAll(async () => {
  stack = await startStack()
  running = await startOn(stack, [customerSuccess])
  log = await connectJetStream({ url: stack.natsUrl })
  database = openDatabase<Tables>({ url: stack.databaseUrl, service: 'customer-success' })
})
afterAll(async () => {
  await database?.close()
  await log?.close()
  await running?.stop()
  await stack?.stop()
})

const get = <T>(path: string) => askJson<T>(`${running.url}/v1/customer-success${path}`)

type Subscription = EventValue<'plimsoll.usage.v1.SubscriptionRecorded'>

const contract = (accountId: string, dayIndex: number, given: Partial<Subscription> = {}) =>
  publishFact(log, 'plimsoll.usage.v1.SubscriptionRecorded', {
    ...{
      subscriptionId: accountId,
      source: 'crm',
      accountId,
      status: 'active',
      plan: 'pro',
      segment: 'small',
      seats: 5,
    },
    ...{ mrrMinor: 10_000, currency: 'EUR', startedAt: startOf(first), renewsAt: null, cancelledAt: null, reason: '' },
    ...{ updatedAt: startOf(first + dayIndex), receivedAt: Date.now(), ...given },
  })

const ticket = (accountId: string, dayIndex: number) =>
  publishFact(log, 'plimsoll.usage.v1.TicketRecorded', {
    ...{ ticketId: `${accountId}-${dayIndex}`, source: 'desk', accountId, userId: '', severity: 'urgent', reopened: 0 },
    ...{ text: '', csat: null, resolvedAt: null, receivedAt: Date.now() },
    ...{ openedAt: startOf(first + dayIndex), updatedAt: startOf(first + dayIndex) },
  })

/** Somebody comes every day: days close by that. */
const use = (from: number, to: number) =>
  publishUsage(
    log,
    Array.from({ length: to - from + 1 }, (_, i) =>
      usageEvent({
        ...{ id: `use-${from + i}`, accountId: 'daily', userId: 'ann', name: 'login' },
        timeMs: startOf(first + from + i) + DAY_MS / 2,
      }),
    ),
    Date.now(),
  )

type Model = {
  version: number
  promoted: boolean
  inUse: boolean
  reasons: string[]
  trainedOn: { churners: number } | null
}
type Learned = {
  day: string
  modelVersion: number
  probability: number
  baseLogOdds: number
  drivers: { feature: string; logOdds: number }[]
}
const models = async () => (await get<{ items: Model[] }>('/models')).items

test('a history of who left makes a model, which is tested on days it knew nothing of before it is used', {
  timeout: 400_000,
}, async () => {
  for (let i = 0; i < LEAVERS; i++) {
    await contract(`leaver-${i}`, 0)
    await contract(`leaver-${i}`, leavesOn(i), { status: 'cancelled', cancelledAt: startOf(first + leavesOn(i)) })
    await ticket(`leaver-${i}`, leavesOn(i) - 9 - (i % 20))
  }
  for (let i = 0; i < STAYERS; i++) {
    await contract(`stayer-${i}`, 0)
    if (i % 5 === 0) await ticket(`stayer-${i}`, 20 + 2 * i)
  }
  await contract('calm', 0, { mrrMinor: 30_000 })
  await contract('troubled', 0)
  await ticket('troubled', HALT - 10)
  await use(0, HALT)

  await expect
    .poll(models, { timeout: 380_000, interval: 1_000 })
    .toContainEqual(expect.objectContaining({ promoted: true, inUse: true }))
  const listed = await models()
  expect(listed.filter(({ inUse }) => inUse)).toHaveLength(1)
  expect(listed.every(({ promoted, reasons }) => promoted || reasons.length > 0)).toBe(true)
  const used = await get<{
    items: (Model & { learnedUpTo: string; backtest: { from: string; auc: { low: number } } })[]
  }>('/models?limit=50').then(({ items }) => items.find(({ inUse }) => inUse))
  expect(used?.trainedOn?.churners).toBeGreaterThanOrEqual(50)
  expect(used?.backtest.auc.low).toBeGreaterThan(0.5)
  expect(used?.learnedUpTo && used.learnedUpTo <= isoDay(first + HALT - 1 - LEAD_DAYS - WINDOW_DAYS)).toBe(true)
})

test('what is learned from is what was known then, whatever became of the account', async () => {
  const days = await database.reader.selectFrom('churn_features').select('day').distinct().orderBy('day').execute()
  const newest = days.at(-1)?.day
  expect(days.every(({ day }) => day % 7 === 0 || day === newest)).toBe(true)
  // The two are alike until one of them gets its ticket and leaves.
  const [sick, well] = ['leaver-169', 'stayer-1']
  const before = first + leavesOn(169) - 9 - (169 % 20)
  const rows = await database.reader
    .selectFrom('churn_features')
    .selectAll()
    .where('account_id', 'in', [sick, well])
    .orderBy('day')
    .execute()
  const by = Map.groupBy(rows, ({ day }) => day)
  const isAlike = (day: number): boolean => {
    const [one, other] = by.get(day) ?? []
    return one !== undefined && other !== undefined && Buffer.compare(one.features, other.features) === 0
  }
  const shared = [...by.keys()].filter((day) => by.get(day)?.length === 2)
  expect(shared.filter((day) => day < before).length).toBeGreaterThan(5)
  expect(shared.map(isAlike)).toEqual(shared.map((day) => day < before))
})

test('the days after it are scored by it: in health with exact drivers, in risk, and in what is told', {
  timeout: 120_000,
}, async () => {
  for (const [accountId, mrrMinor] of [
    ['calm', 30_000],
    ['troubled', 10_000],
  ] as const)
    await contract(accountId, HALT, { status: 'cancel_requested', mrrMinor })
  const taken = () =>
    database.reader.selectFrom('subscription_state').select('source').where('status', '=', 'cancel_requested').execute()
  await expect.poll(async () => (await taken()).length, { timeout: 20_000 }).toBe(2)
  // Activated before the day that now closes: what happened earlier would trigger nothing.
  await fetch(`${running.url}/v1/customer-success/playbooks/high-churn-risk/activate`, {
    ...{ method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' },
  })
  await database.worker
    .updateTable('playbook')
    .set({ activated_at: new Date(startOf(today - 2)) })
    .execute()
  await use(HALT + 1, DAYS)

  type Risk = { accountId: string; churnProbability: number; rankedBy: number; learned: Learned; actions: object[] }
  const risks = async () => (await get<{ items: Risk[] }>('/churn-risk')).items
  const action = { playbook: 'high-churn-risk' }
  await expect
    .poll(risks, { timeout: 60_000, interval: 1_000 })
    .toMatchObject([{ actions: [action] }, { actions: [action] }])
  const [worst, other] = await risks()
  // A third of the revenue, but far likelier to leave.
  expect([worst?.accountId, other?.accountId]).toEqual(['troubled', 'calm'])
  expect(worst?.rankedBy).toBeCloseTo((worst?.churnProbability ?? 0) * 10_000, 6)

  const health = await get<{ day: string; churnProbability: number; learned: Learned }>('/accounts/troubled/health')
  const { probability, baseLogOdds, drivers } = health.learned
  expect(health).toMatchObject({ day: isoDay(first + HALT), churnProbability: probability })
  expect(health.learned).toEqual(worst?.learned)
  const sum = drivers.reduce((total, { logOdds }) => total + logOdds, baseLogOdds)
  expect(Math.abs(sum - Math.log(probability / (1 - probability)))).toBeLessThan(1e-9)
  expect(
    drivers
      .slice(0, 5)
      .map(({ feature }) => feature)
      .join(),
  ).toMatch(/severe|openTickets|tickets28|oldestOpenDays/)

  const told = await raised()
  expect(told.map(({ accountId, churnProbability }) => [accountId, churnProbability]).sort()).toEqual([
    ['calm', other?.churnProbability],
    ['troubled', probability],
  ])
})

const raised = () => derivedOf(log, 'plimsoll.customer_success.v1.ChurnRiskRaised')
