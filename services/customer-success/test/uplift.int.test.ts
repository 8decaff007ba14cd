import { setTimeout as after } from 'node:timers/promises'
import { readConfig } from '@plimsoll/kit/config.ts'
import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import { openDatabase, type ServiceDatabase } from '@plimsoll/kit/db/pool.ts'
import { inTransaction } from '@plimsoll/kit/db/transaction.ts'
import type { Ticker } from '@plimsoll/kit/lanes/processor.ts'
import type { Running } from '@plimsoll/kit/run.ts'
import { createMetrics } from '@plimsoll/kit/telemetry/prometheus.ts'
import { startOn } from '@plimsoll/kit/testing/running.ts'
import { type Stack, startStack } from '@plimsoll/kit/testing/stack.ts'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { customerSuccessConfig } from '../config.ts'
import { DAY_MS, dayOf } from '../domain/day.ts'
import { FEATURE_NAMES } from '../domain/learn/features.ts'
import { createRandom } from '../domain/learn/random.ts'
import type { Playbook } from '../domain/playbook/playbook.ts'
import { accountState } from '../domain/playbook/testing.ts'
import { playbookTicker } from '../events/playbook.ts'
import { stepCounter } from '../events/success-metrics.ts'
import { upliftTicker } from '../events/uplift.ts'
import { customerSuccess } from '../service.ts'
import type { AccountStates } from '../store/account-states.ts'
import { saveContact } from '../store/contacts.ts'
import { savePlaybook } from '../store/playbooks.ts'
import type { Tables } from '../store/tables.ts'

/** Noon of a weekday, and the day its enrolments were triggered on, long enough ago that all outcomes are known. */
const NOON = Date.UTC(2026, 5, 10, 12)
const TODAY = dayOf(NOON)
const THEN = TODAY - 70

const write: Playbook = {
  ...{ name: 'Write', description: '', priority: 10, holdoutShare: 0.3, reenrolment: { kind: 'maxN', n: 1 } },
  trigger: { kind: 'event', event: 'risk_raised' },
  steps: [{ id: 'mail', kind: 'email', subject: 'Hello', text: 'Hello {{account}}.' }],
  goal: { metric: 'isCancelled', direction: 'down', target: 0, windowDays: 60, leastEffect: 0.05 },
}

let stack: Stack
let running: Running
let database: ServiceDatabase<Tables>

const transaction = <T>(work: (tx: WorkerTransaction) => Promise<T>): Promise<T> => inTransaction(database.worker, work)

beforeAll(async () => {
  stack = await startStack()
  // Ticks are the test's own.
  const { processors, tickers, start, ...routesOnly } = customerSuccess
  running = await startOn(stack, [routesOnly])
  database = openDatabase<Tables>({ url: stack.databaseUrl, service: 'customer-success' })
  await transaction((tx) => savePlaybook(tx, 'write', write, { name: 'test', timeMs: NOON }))
})
afterAll(async () => {
  await database?.close()
  await running?.stop()
  await stack?.stop()
})

/** Enrolments with their outcomes. The account's age decides what writing does: the youngest quarter is driven away. */
async function enrolments(n: number, prefix: string): Promise<void> {
  const random = createRandom(n)
  const rows = Array.from({ length: n }, (_, i) => {
    const age = random()
    const arm = random() < 0.7 ? 'treated' : 'holdout'
    const added = arm === 'holdout' ? 0 : age < 0.25 ? -0.4 : age > 0.5 ? 0.3 : 0
    return { id: `${prefix}-${i}`, age, arm, reached: random() < 0.5 + added }
  })
  const column = <K extends keyof (typeof rows)[number]>(name: K) => rows.map((row) => row[name])
  await features(THEN - 1, rows)
  await transaction((tx) =>
    sql`
      insert into action (
        id, playbook_id, version, priority, account_id, user_id, mode, arm, holdout_share, state, triggered_at,
        episode_id, reason, started_by, step, goal, window_ends_at, outcome_at, reached
      )
      select id, 'write', 1, 10, id, '', 'automatic', arm, 0.3, 'finished', ${new Date(THEN * DAY_MS)},
        '', '', '', 'end', ${JSON.stringify(write.goal)}::jsonb, ${new Date(NOON)}, ${new Date(NOON)}, reached
      from unnest(${column('id')}::text[], ${column('arm')}::text[], ${column('reached')}::bool[]) as t (id, arm, reached)
    `.execute(tx),
  )
}

async function features(day: number, rows: readonly { readonly id: string; readonly age: number }[]): Promise<void> {
  await transaction(async (tx) => {
    await sql`insert into churn_day (day, names) values (${day}, ${[...FEATURE_NAMES]}::text[])
      on conflict do nothing`.execute(tx)
    for (const { id, age } of rows) {
      const values = Float64Array.from(FEATURE_NAMES, (name) => (name === 'ageDays' ? age : Number.NaN))
      await sql`insert into churn_features values (${day}, ${id}, ${new Uint8Array(values.buffer)})`.execute(tx)
    }
  })
}

const context = { lane: 0, now: () => NOON }
const tick = <State>(ticker: Ticker<State>, state: State) => transaction((tx) => ticker.tick(state, tx, context))
const load = <State>(ticker: Ticker<State>): Promise<State> => transaction((tx) => ticker.load(tx, context))

type Estimate = { value: number; low: number; high: number }
type Uplift = {
  reason: string
  missing: number
  fitted: {
    treated: number
    heldOut: number
    coefficient: Estimate
    points: { share: number; gain: Estimate }[]
  } | null
}

async function uplift(): Promise<Uplift> {
  const answer = await fetch(`${running.url}/v1/customer-success/playbooks/write/effect`)
  return ((await answer.json()) as { uplift: Uplift }).uplift
}

test('with too few accounts nothing is fitted, and it is said how many are missing', async () => {
  await enrolments(300, 'first')
  const state = await load(upliftTicker)
  await tick(upliftTicker, state)
  expect(state.fit).toBeUndefined()
  const heldOut = await database.reader.selectFrom('action').select('id').where('arm', '=', 'holdout').execute()
  expect(await uplift()).toEqual({
    reason: `the smaller arm needs ${500 - heldOut.length} more accounts with an outcome, 500 in all`,
    missing: 500 - heldOut.length,
    fitted: null,
  })
})

test('with enough, who is helped is told from who is driven away, as a curve with its interval', {
  timeout: 60_000,
}, async () => {
  await enrolments(2_200, 'second')
  const state = await load(upliftTicker)
  await tick(upliftTicker, state)
  while (state.fit !== undefined) {
    await after(100)
    await tick(upliftTicker, state)
  }
  const { missing, fitted, reason } = await uplift()
  expect(missing).toBe(0)
  expect((fitted?.treated ?? 0) + (fitted?.heldOut ?? 0)).toBe(2_500)
  expect(fitted?.coefficient.low).toBeGreaterThan(0)
  expect(reason).toContain('who would do worse when contacted is not contacted')
  const gains = fitted?.points.map(({ gain }) => gain.value) ?? []
  expect(Math.max(...gains)).toBeGreaterThan((gains.at(-1) ?? 0) + 0.05)
  // Nothing new is known: nothing is fitted again.
  await tick(upliftTicker, state)
  expect(state.fit).toBeUndefined()
})

test('who would do worse when contacted is not, and that is on record; others are', async () => {
  await features(TODAY - 1, [
    { id: 'dog', age: 0.1 },
    { id: 'helped', age: 0.9 },
  ])
  for (const accountId of ['dog', 'helped']) await enrolled(accountId)
  const [config] = readConfig([customerSuccessConfig], {})
  const accounts: AccountStates = {
    latestDay: async () => TODAY - 1,
    at: async (_, day, ids = []) => ids.map((accountId) => accountState({ accountId, day })),
    each: () => {
      throw new Error('nothing is judged here')
    },
    during: () => {
      throw new Error('no dry run here')
    },
  }
  const metrics = createMetrics({ processMetrics: false })
  const ticker = playbookTicker(config, accounts, stepCounter(metrics))
  await tick(ticker, await load(ticker))
  const steps = database.reader.selectFrom('action_step').select(['account_id', 'outcome', 'reason'])
  expect(await steps.orderBy('account_id').execute()).toEqual([
    { account_id: 'dog', outcome: 'suppressed', reason: 'likely to do worse when contacted' },
    { account_id: 'helped', outcome: 'sent', reason: '' },
  ])
  const counted = await metrics.expose()
  expect(counted).toContain('steps_total{outcome="suppressed",reason="likely to do worse when contacted"} 1')
  expect(counted).toContain('steps_total{outcome="sent",reason=""} 1')
})

async function enrolled(accountId: string): Promise<void> {
  await transaction(async (tx) => {
    await saveContact(tx, {
      ...{ account_id: accountId, user_id: 'ann', email: 'ann@example.org', roles: ['admin'], time_zone: 'UTC' },
      ...{ consent: true, do_not_contact: false, updated_at: new Date(NOON) },
    })
    await sql`
      insert into action (
        id, playbook_id, version, priority, account_id, user_id, mode, arm, holdout_share, state, triggered_at,
        episode_id, reason, started_by, step, due_at, goal, window_ends_at
      ) values (
        ${accountId}, 'write', 1, 10, ${accountId}, '', 'automatic', 'treated', 0.3, 'running', ${new Date(NOON)},
        '', '', '', 'mail', ${new Date(NOON)}, ${JSON.stringify(write.goal)}::jsonb, ${new Date(NOON + 60 * DAY_MS)}
      )`.execute(tx)
  })
}
