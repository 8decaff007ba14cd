import type { EventType } from '@plimsoll/contracts/events.ts'
import { openDatabase } from '@plimsoll/kit/db/pool.ts'
import { connectJetStream } from '@plimsoll/kit/log/jetstream.ts'
import type { EventLog } from '@plimsoll/kit/log/log.ts'
import type { Running } from '@plimsoll/kit/run.ts'
import { askJson, startOn } from '@plimsoll/kit/testing/running.ts'
import { type Stack, startStack } from '@plimsoll/kit/testing/stack.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DAY_MS, dayOf, isoDay, startOf } from '../domain/day.ts'
import { assign } from '../events/assignment.ts'
import { customerSuccess } from '../service.ts'
import type { Tables } from '../store/tables.ts'
import { derivedOf } from './derived.ts'
import { publishUsage, usageEvent } from './usage-batches.ts'

/**
 * A month in which 24 accounts adopt `export` on their 16th day: a third use, the day after the second. `late` begins later
 * and never does; `tardy` did it too, but its third use is told late. `shared` has a person who opted out of profiling.
 */
const today = dayOf(Date.now())
const DAYS = 30
const first = today - DAYS
const ADOPTED_ON = 16
/** It has waited a day longer than the others at yesterday's end. */
const LATE_FROM = DAYS - 1 - (ADOPTED_ON + 1)
/** History stops here at first. */
const HALT = DAYS - 3
const quick = Array.from({ length: 24 }, (_, i) => `quick-${i}`)
const shares = { control: 0.05, holdout: 0.2 }
const [late = ''] = Array.from({ length: 50 }, (_, i) => `late-${i}`).filter(
  (name) => assign('adoption-lag', name, shares) === 'treated',
)

let stack: Stack
let running: Running
let log: EventLog

const start = async () => {
  running = await startOn(stack, [customerSuccess])
}

beforeAll(async () => {
  stack = await startStack()
  await start()
  log = await connectJetStream({ url: stack.natsUrl })
})
afterAll(async () => {
  await log?.close()
  await running?.stop()
  await stack?.stop()
})

const call = <T>(method: string, path: string, body?: unknown) =>
  askJson<T>(`${running.url}/v1/customer-success${path}`, method, body)

const use = (accountId: string, name: string, dayIndex: number, second = 0) =>
  usageEvent({
    ...{ id: `${accountId}-${name}-${dayIndex}-${second}`, accountId, userId: `${accountId}-ann`, name },
    timeMs: startOf(first + dayIndex) + DAY_MS / 2 + second * 1_000,
  })
const days = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)
const exported = (accountId: string, ...indexes: number[]) => indexes.map((index) => use(accountId, 'export', index))

const derived = <T extends EventType>(type: T) => derivedOf(log, type)
const adopted = async (feature: string) =>
  (await derived('plimsoll.customer_success.v1.FeatureAdopted')).filter((event) => event.feature === feature)
const lagging = () => derived('plimsoll.customer_success.v1.AdoptionLagDetected')

const measured = async () => await (await fetch(`${running.url}/metrics`)).text()

type Use = { feature: string; adoptedOn: string | null; lag: { raisedOn: string; outcome: string | null } | null }
const adoptionOf = async (accountId: string) => {
  const { features } = await call<{ features: Use[] }>('GET', `/accounts/${accountId}/adoption`)
  return (feature: string) => features.find((one) => one.feature === feature)
}

const history = [
  ...quick.flatMap((id) => [use(id, 'login', 0), ...exported(id, 14, 15, ADOPTED_ON)]),
  ...[use('tardy', 'login', 0), ...exported('tardy', 0, 15)],
  ...days(LATE_FROM, HALT).map((index) => use(late, 'login', index)),
  // Four uses in a week, and a fifth in the next.
  ...[0, 2, 4, 6, 9].map((index) => use('quick-0', 'report', index)),
  ...days(20, 24).map((index) => use('quick-1', 'report', index)),
  // Bob opted out: with his the third use was on the second day, without it on the fourth, which he begins as well.
  use('shared', 'login', 0),
  ...[0, 1, 3].flatMap((index) => exported('shared', index)),
  ...[0, 1, 3].map((index) => ({ ...use('shared', 'export', index, -1), userId: 'bob' })),
]

test('an account adopts a feature once, at the use that made it so, as often as that use is told', {
  timeout: 120_000,
}, async () => {
  // What features are has to be said before the days close.
  await publishUsage(log, [use('quick-0', 'report', 0), use('quick-0', 'login', 0)], Date.now())
  for (const name of ['login', 'report'])
    await expect
      .poll(() => call('PUT', `/features/${name}`, { isCore: false, plans: null }).catch(() => undefined), {
        timeout: 20_000,
      })
      .toMatchObject({ isCore: false })
  await call('PUT', '/privacy/opt-outs/user/bob')
  const definition = { uses: 5, windowDays: 7 }
  expect(await call('PUT', '/features/report/adoption', definition)).toEqual(definition)
  await publishUsage(log, history, Date.now())
  await publishUsage(log, history, Date.now())

  await expect.poll(() => adopted('export'), { timeout: 90_000, interval: 1_000 }).toHaveLength(quick.length + 1)
  const all = await adopted('export')
  const shared = all.find(({ accountId }) => accountId === 'shared')
  const events = all.filter((event) => event !== shared)
  expect(shared).toMatchObject({ at: startOf(first + 3) + DAY_MS / 2, uses: 3 })
  expect(events.map(({ accountId }) => accountId).sort()).toEqual([...quick].sort())
  for (const { at, uses, windowDays } of events)
    expect({ at, uses, windowDays }).toEqual({
      at: startOf(first + ADOPTED_ON) + DAY_MS / 2,
      uses: 3,
      windowDays: 28,
    })
  await expect.poll(() => adopted('report'), { timeout: 60_000, interval: 1_000 }).toHaveLength(1)
  expect(await adopted('report')).toMatchObject([
    { accountId: 'quick-1', at: startOf(first + 24) + DAY_MS / 2, uses: 5, windowDays: 7 },
  ])
  expect((await adoptionOf('quick-0'))('report')).toMatchObject({ adoptedOn: null })
  expect(await measured()).toMatch(/plimsoll_customer_success_events_total\{outcome="stored"\} [1-9]/)
  expect(await measured()).toMatch(/plimsoll_customer_success_events_total\{outcome="repeated"\} [1-9]/)
})

test('one that waits longer than most is late, once, and a use told late ends it', { timeout: 120_000 }, async () => {
  await expect
    .poll(async () => (await adoptionOf('tardy'))('export')?.lag, { timeout: 60_000 })
    .toMatchObject({
      raisedOn: isoDay(first + ADOPTED_ON + 1),
      outcome: null,
    })
  expect(await lagging()).toMatchObject([
    { accountId: 'tardy', at: startOf(first + ADOPTED_ON + 2) - 1, breadth: 0, missing: ['export'] },
  ])
  // Activated before the days that now close: what happened earlier would trigger nothing.
  await call('POST', '/playbooks/adoption-lag/activate', {})
  const database = openDatabase<Tables>({ url: stack.databaseUrl, service: 'customer-success' })
  await database.worker
    .updateTable('playbook')
    .set({ activated_at: new Date(startOf(today - 2)) })
    .execute()
  await database.close()
  await running.stop()
  await start()
  await publishUsage(log, exported('tardy', ADOPTED_ON), Date.now())
  await publishUsage(
    log,
    days(HALT + 1, DAYS).map((index) => use(late, 'login', index)),
    Date.now(),
  )

  await expect.poll(lagging, { timeout: 60_000, interval: 1_000 }).toHaveLength(2)
  const [, event] = await lagging()
  expect(event).toMatchObject({ accountId: late, at: startOf(today) - 1, missing: ['export'], expected: 1 })
  expect(event?.reason).toContain('came to it within 16 days; this one has not in 17')
  expect((await adoptionOf('tardy'))('export')).toMatchObject({
    adoptedOn: isoDay(first + ADOPTED_ON),
    lag: { raisedOn: isoDay(first + ADOPTED_ON + 1), outcome: 'adopted' },
  })
  expect(await adopted('export')).toHaveLength(quick.length + 2)
  expect((await adoptionOf(late))('export')?.lag).toMatchObject({ raisedOn: isoDay(today - 1), outcome: null })
  const figures = await call<{ features: { feature: string; everAdopted: number; late: number }[] }>(
    'GET',
    '/analytics/adoption',
  )
  expect(figures.features.find(({ feature }) => feature === 'export')).toMatchObject({
    everAdopted: quick.length + 2,
    late: 1,
  })
})

test('being late enters the account into the playbook of education', { timeout: 60_000 }, async () => {
  const actions = () => call<{ items: object[] }>('GET', `/actions?accountId=${late}`).then(({ items }) => items)
  await expect.poll(actions, { timeout: 30_000 }).toMatchObject([{ playbook: 'adoption-lag', arm: 'treated' }])
  expect(await derived('plimsoll.customer_success.v1.ActionTriggered')).toMatchObject([
    { playbook: 'adoption-lag', accountId: late, reason: expect.stringContaining('"export"') },
  ])
})

test('how far the days are closed, and how many risks are open, can be measured', { timeout: 60_000 }, async () => {
  const closed = `plimsoll_customer_success_day_closed_seconds{ticker="risk"} ${startOf(today) / 1_000}\n`
  await expect.poll(measured, { timeout: 30_000, interval: 1_000 }).toContain(closed)
  const { items } = await call<{ items: object[] }>('GET', '/churn-risk?limit=500')
  expect(items.length).toBeGreaterThan(0)
  const open = `plimsoll_customer_success_risks_open ${items.length}\n`
  await expect.poll(measured, { timeout: 20_000, interval: 1_000 }).toContain(open)
})

test('who opted out of profiling is shown nothing that was chosen by what their account does', async () => {
  const story = { kind: 'story', title: 'Others export', text: 'See how.', feature: 'export', holdoutShare: 0 }
  await call('PUT', '/guidance/others-export', story)
  const shownTo = async (userId: string) =>
    (await call<{ items: { id: string }[] }>('GET', `/guidance?accountId=${late}&userId=${userId}`)).items
  expect(await shownTo('cyd')).toMatchObject([{ id: 'others-export' }])
  expect(await shownTo('bob')).toEqual([])
})
