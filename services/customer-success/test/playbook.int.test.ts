import { decodeEvent, type EventType, type EventValue, encodeEvent } from '@plimsoll/contracts/events.ts'
import { readConfig } from '@plimsoll/kit/config.ts'
import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import { migrateService } from '@plimsoll/kit/db/migrate.ts'
import { openDatabase, type ServiceDatabase } from '@plimsoll/kit/db/pool.ts'
import { inTransaction } from '@plimsoll/kit/db/transaction.ts'
import type { LaneMessage, OutgoingEvent, Processor, Ticker } from '@plimsoll/kit/lanes/processor.ts'
import { listEffects } from '@plimsoll/kit/ledger/ledger.ts'
import { type Stack, startStack } from '@plimsoll/kit/testing/stack.ts'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { customerSuccessConfig } from '../config.ts'
import { DAY_MS, dayOf, daysUpTo } from '../domain/day.ts'
import type { AccountState } from '../domain/playbook/account-state.ts'
import type { Playbook } from '../domain/playbook/playbook.ts'
import { accountState } from '../domain/playbook/testing.ts'
import { outcomeTicker } from '../events/outcome.ts'
import { playbookTicker } from '../events/playbook.ts'
import { criticalAlerts, derivedSignals } from '../events/playbook-signal.ts'
import type { AccountStates } from '../store/account-states.ts'
import { countArms } from '../store/actions.ts'
import { saveContact } from '../store/contacts.ts'
import type { PlaybookTables } from '../store/playbook-tables.ts'
import { activatePlaybook, savePlaybook } from '../store/playbooks.ts'

/** Noon in UTC of a weekday. */
const NOON = Date.UTC(2026, 5, 10, 12)
const TODAY = dayOf(NOON)

const playbook: Playbook = {
  name: 'Test',
  description: '',
  trigger: { kind: 'condition', condition: { metric: 'activeUsers28', is: '<', value: 3 }, dwellDays: 2 },
  reenrolment: { kind: 'maxN', n: 1 },
  priority: 10,
  holdoutShare: 0.3,
  steps: [
    { id: 'write', kind: 'email', subject: 'Hello {{account}}', text: 'Because {{reason}}.' },
    { id: 'settle', kind: 'wait', hours: 48 },
    { id: 'call', kind: 'task', title: 'Call {{account}}' },
  ],
  goal: { metric: 'activeUsers28', direction: 'up', target: 3, windowDays: 14, leastEffect: 0.1 },
}

let stack: Stack
let database: ServiceDatabase<PlaybookTables>
/** Active users of each account by day. */
let book: Map<string, (day: number) => number>
let nowMs: number
let latestDay: number

const accounts: AccountStates = {
  latestDay: async () => latestDay,
  at: async (_, day, ids = [...book.keys()]) => ids.flatMap((id) => stateAt(id, day) ?? []),
  async each(_, wanted) {
    const states = wanted.map((one) => [one, stateAt(one.accountId, one.day)] as const)
    return new Map(states.flatMap(([one, state]) => (state === undefined ? [] : [[one, state] as const])))
  },
  async *during(reader, fromDay, toDay) {
    for (const day of daysUpTo(fromDay, toDay)) yield [day, await accounts.at(reader, day)] as const
  },
}

function stateAt(accountId: string, day: number): AccountState | undefined {
  const users = book.get(accountId)?.(day)
  if (users === undefined) return undefined
  const { activity } = accountState().snapshot
  return accountState({ accountId, day, activity: { ...activity, users28: users } })
}

const [config] = readConfig([customerSuccessConfig], {})
const transaction = <T>(work: (tx: WorkerTransaction) => Promise<T>): Promise<T> => inTransaction(database.worker, work)

beforeAll(async () => {
  stack = await startStack({ nats: false })
  const migrations = new URL('../store/migrations/', import.meta.url)
  await migrateService({ url: stack.databaseUrl, service: 'customer-success', migrations })
  database = openDatabase<PlaybookTables>({ url: stack.databaseUrl, service: 'customer-success' })
})
beforeEach(async () => {
  book = new Map()
  nowMs = NOON
  latestDay = TODAY - 1
  for (const table of ['playbook_signal', 'critical_alert', 'playbook_match', 'playbook', 'playbook_version'] as const)
    await database.worker.deleteFrom(table).execute()
  await database.worker.deleteFrom('action').execute()
  await database.worker.deleteFrom('contact').execute()
  await transaction((tx) => (tx as unknown as typeof database.worker).deleteFrom('effect' as never).execute())
})
afterAll(async () => {
  await database?.close()
  await stack?.stop()
})

async function tick<State>(ticker: Ticker<State>): Promise<OutgoingEvent[]> {
  const context = { lane: 0, now: () => nowMs }
  return await transaction(async (tx) => {
    const { events = [] } = await ticker.tick(await ticker.load(tx, context), tx, context)
    // What is told can be written: encoding checks the shape.
    for (const { type, value } of events) encodeEvent(type, value as never)
    return [...events]
  })
}

const ticker = playbookTicker(config, accounts, () => {})

/** The day after, at the same hour, once it is over. */
async function nextDay(): Promise<OutgoingEvent[]> {
  nowMs += DAY_MS
  latestDay += 1
  return await tick(ticker)
}

async function activate(id: string, definition: Playbook): Promise<void> {
  await transaction(async (tx) => {
    const version = await savePlaybook(tx, id, definition, { name: 'test', timeMs: nowMs })
    await activatePlaybook(tx, id, version, { timeMs: nowMs, day: latestDay })
  })
}

async function person(accountId: string, userId: string, given: Partial<PlaybookTables['contact']> = {}) {
  const contact = {
    ...{ account_id: accountId, user_id: userId, email: `${userId}@example.org`, roles: ['admin'] },
    ...{ time_zone: 'UTC', consent: true, do_not_contact: false, updated_at: new Date(nowMs) },
  }
  await transaction((tx) => saveContact(tx, { ...contact, ...given }))
}

const actions = () => database.reader.selectFrom('action').selectAll().orderBy('account_id').execute()
const steps = () =>
  database.reader
    .selectFrom('action_step')
    .select(['account_id', 'step', 'user_id', 'outcome', 'reason'])
    .orderBy('at')
    .orderBy('outcome')
    .execute()
const tasks = () => database.reader.selectFrom('action_task').select(['account_id', 'title']).execute()
const mails = async () => (await listEffects(database.reader, {}, 500)).map(({ payload }) => payload)

async function tell<T extends EventType>(processor: Processor<undefined>, id: string, type: T, value: EventValue<T>) {
  const message = {
    ...{ id, type, data: encodeEvent(type, value), stream: processor.stream },
  } as unknown as LaneMessage
  expect(decodeEvent(message.data).type).toBe(type)
  await transaction(async (tx) => {
    const outcome = await processor.handle(undefined, [message], { lane: 0, now: () => nowMs })
    await outcome.write?.(tx)
  })
}

const raised = (accountId: string, at: number) => ({
  ...{ episodeId: `${accountId}-1`, accountId, at, trigger: 'score' as const, score: 30, churnProbability: null },
  ...{ mrrMinor: 0, currency: '', drivers: [], reason: 'the score fell' },
})

test('two hundred accounts: a fifth and more are held out, nobody of them is contacted, and every arm gets its outcome', async () => {
  for (let i = 0; i < 200; i++) {
    const id = `a${i}`
    // Half of them come back by themselves: outcomes are told apart.
    book.set(id, (day) => (day > TODAY + 5 && i % 2 === 0 ? 5 : 1))
    await person(id, `u${i}`)
  }
  await activate('training', playbook)
  expect(await nextDay()).toEqual([])
  const triggered = await nextDay()
  expect(triggered).toHaveLength(200)
  const enrolled = await actions()
  const arms = Object.groupBy(enrolled, ({ arm }) => arm)
  expect(arms.control?.length).toBeGreaterThan(2)
  expect(arms.holdout?.length).toBeGreaterThan(35)
  expect(triggered.map(({ value }) => (value as { arm: string }).arm).sort()).toEqual(
    enrolled.map(({ arm }) => arm).sort(),
  )

  for (let i = 0; i < 4; i++) await nextDay()
  await tick(ticker)
  const treated = (arms.treated ?? []).map(({ account_id }) => account_id).sort()
  expect((await tasks()).map(({ account_id }) => account_id).sort()).toEqual(treated)
  expect((await mails()).map((payload) => (payload as { accountId: string }).accountId).sort()).toEqual(treated)
  const stepped = new Set((await steps()).map(({ account_id }) => account_id))
  expect([...stepped].sort()).toEqual(treated)

  for (let i = 0; i < 12; i++) await nextDay()
  const told = await tick(outcomeTicker(accounts))
  expect(told).toHaveLength(200)
  expect(await tick(outcomeTicker(accounts))).toEqual([])
  const counts = new Map((await countArms(database.reader)).map((count) => [count.arm, count]))
  for (const [arm, of] of Object.entries(arms)) {
    const reached = of.filter(({ account_id }) => Number(account_id.slice(1)) % 2 === 0).length
    expect(counts.get(arm as 'treated')).toMatchObject({ n: of.length, reached, holdoutShare: expect.closeTo(0.3, 12) })
  }
})

test('an event triggers once, whatever is told again, and what is old triggers nothing', async () => {
  book.set('acme', () => 5)
  book.set('old', () => 5)
  await activate('retention', { ...playbook, trigger: { kind: 'event', event: 'risk_raised' }, holdoutShare: 0 })
  nowMs += 1_000
  const type = 'plimsoll.customer_success.v1.ChurnRiskRaised'
  await tell(derivedSignals, 'e1', type, raised('acme', nowMs))
  await tell(derivedSignals, 'e1', type, raised('acme', nowMs))
  await tell(derivedSignals, 'e2', type, raised('old', nowMs - 30 * DAY_MS))
  expect(await tick(ticker)).toMatchObject([
    {
      value: {
        playbook: 'retention',
        accountId: 'acme',
        episodeId: 'acme-1',
        arm: 'treated',
        reason: 'the score fell',
      },
    },
  ])
  expect(await tick(ticker)).toEqual([])
})

describe('a person is contacted only when they may be', () => {
  const event: Playbook = { ...playbook, trigger: { kind: 'event', event: 'risk_raised' }, holdoutShare: 0 }
  // In neither the control group nor, at these shares, any hold-out.
  const free = 'acme'

  beforeEach(async () => {
    book.set(free, () => 5)
    await activate('retention', event)
  })

  const trigger = async () => {
    nowMs += 60_000
    await tell(derivedSignals, `e${nowMs}`, 'plimsoll.customer_success.v1.ChurnRiskRaised', raised(free, nowMs))
    await tick(ticker)
  }

  test('one without consent is not, one who asks for peace is not, and both are told why', async () => {
    await person(free, 'ann', { consent: false })
    await person(free, 'bob', { do_not_contact: true })
    await person(free, 'cem')
    await trigger()
    expect(await steps()).toEqual([
      expect.objectContaining({ user_id: 'cem', outcome: 'sent' }),
      expect.objectContaining({ user_id: 'ann', outcome: 'suppressed', reason: 'no consent' }),
      expect.objectContaining({ user_id: 'bob', outcome: 'suppressed', reason: 'do not contact' }),
    ])
    expect(await mails()).toMatchObject([{ userId: 'cem', subject: 'Hello acme', text: 'Because the score fell.' }])
  })

  test('at night, where they are, the mail waits for the morning', async () => {
    await person(free, 'ann', { time_zone: 'Pacific/Auckland' })
    await trigger()
    expect(await steps()).toMatchObject([{ outcome: 'deferred', reason: 'quiet hours in Pacific/Auckland' }])
    nowMs = NOON + 9 * 3_600_000
    await tick(ticker)
    expect(await steps()).toMatchObject([{ outcome: 'deferred' }, { user_id: 'ann', outcome: 'sent' }])
  })

  test('a critical alert goes first, and after a week of it the mail is not sent at all', async () => {
    await person(free, 'ann')
    const alert = (
      status: 'firing' | 'resolved',
      startsAt: number,
    ): EventValue<'plimsoll.incident.v1.AlertReceived'> => ({
      ...{
        alertId: `x${startsAt}`,
        source: '',
        sender: 'alertmanager_api',
        name: 'Down',
        status,
        severity: 'critical',
      },
      ...{ environment: '', service: '', startsAt, endsAt: null, receivedAt: startsAt, groupKey: '', fingerprint: '' },
      ...{ labels: {}, annotations: {}, generatorUrl: '' },
    })
    const began = nowMs
    await tell(criticalAlerts, 'i1', 'plimsoll.incident.v1.AlertReceived', alert('firing', began))
    await trigger()
    for (let day = 1; day <= 7; day++) {
      await tell(
        criticalAlerts,
        `i${day + 1}`,
        'plimsoll.incident.v1.AlertReceived',
        alert('firing', began + day * DAY_MS),
      )
      await nextDay()
    }
    const reason = 'critical alert Down is open'
    expect(await steps()).toMatchObject([
      { outcome: 'deferred', reason },
      { outcome: 'suppressed', reason },
    ])
    expect(await mails()).toEqual([])
  })

  test('a playbook of higher priority keeps the other from writing', async () => {
    await person(free, 'ann')
    await activate('dunning', { ...event, priority: 99 })
    await trigger()
    const sent = await steps()
    expect(sent.filter(({ outcome }) => outcome === 'sent')).toHaveLength(1)
    expect(sent.filter(({ outcome }) => outcome === 'deferred')).toMatchObject([
      { reason: 'playbook dunning goes first' },
    ])
  })
})
