import { createHash } from 'node:crypto'
import { roleDatabase } from '@plimsoll/kit/db/pool.ts'
import type { Running } from '@plimsoll/kit/run.ts'
import { type Stack, startStack } from '@plimsoll/kit/testing/stack.ts'
import { type Kysely, sql } from 'kysely'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { ReportingTables } from '../store/tables.ts'
import {
  actionTriggered,
  featureAdopted,
  healthChanged,
  lagDetected,
  outcomeRecorded,
  riskCleared,
  riskRaised,
} from './account-facts.ts'
import { createPublisher, eventually, type Published, type Publisher, startReporting } from './running.ts'

type Book = { accounts: number; bands: Record<string, number>; openRisks: number; mrrAtRisk: unknown }
type Accounts = { items: readonly Record<string, unknown>[]; next: string | null }

const hour = 3_600_000
const start = Date.UTC(2026, 10, 23)
let published = 0

/** A fact of an account, `hours` after the start. */
function fact<T extends Published['type']>(type: T, value: Extract<Published, { type: T }>['value'], hours: number) {
  const { accountId } = value as { accountId: string }
  return { type, key: accountId, value, id: `customer-success.${published++}`, time: start + hours * hour } as Published
}

const health = (accountId: string, given: Parameters<typeof healthChanged>[0], hours: number) =>
  fact(
    'plimsoll.customer_success.v1.HealthScoreChanged',
    healthChanged({ accountId, at: start + hours * hour, ...given }),
    hours,
  )
const raised = (accountId: string, mrrMinor: number, hours: number) =>
  fact(
    'plimsoll.customer_success.v1.ChurnRiskRaised',
    riskRaised({ accountId, episodeId: `${accountId}@1`, at: start + hours * hour, mrrMinor }),
    hours,
  )
const action = (accountId: string, actionId: string, arm: 'treated' | 'holdout') =>
  fact(
    'plimsoll.customer_success.v1.ActionTriggered',
    actionTriggered({ accountId, actionId, arm, at: start + 3 * hour }),
    3,
  )

const facts: readonly Published[] = [
  health('calm', { score: 88, band: 'healthy', previousBand: 'healthy' }, 1),
  health('calm-too', { score: 93, band: 'healthy', previousBand: 'unknown' }, 1),
  health('slipping', { score: 58, band: 'at_risk', previousBand: 'healthy' }, 1),
  health('Small_100%', { score: 31, band: 'churn_risk', previousBand: 'at_risk' }, 1),
  raised('Small_100%', 4_900, 2),
  health('large', { score: 36, band: 'churn_risk', previousBand: 'at_risk' }, 1),
  raised('large', 149_900, 2),
  action('large', 'a-1', 'treated'),
  action('large', 'a-2', 'treated'),
  action('large', 'a-3', 'holdout'),
  fact(
    'plimsoll.customer_success.v1.ActionOutcomeRecorded',
    outcomeRecorded({ accountId: 'large', actionId: 'a-2', triggeredAt: start + 3 * hour, at: start + 9 * hour }),
    9,
  ),
  health('recovered', { score: 52, band: 'at_risk', previousBand: 'churn_risk' }, 1),
  raised('recovered', 99_900, 2),
  fact(
    'plimsoll.customer_success.v1.ChurnRiskCleared',
    riskCleared({ accountId: 'recovered', episodeId: 'recovered@1', at: start + 8 * hour }),
    8,
  ),
  fact(
    'plimsoll.customer_success.v1.AdoptionLagDetected',
    lagDetected({ accountId: 'slipping', at: start + 4 * hour, missing: ['Share', 'Alert'] }),
    4,
  ),
  fact(
    'plimsoll.customer_success.v1.FeatureAdopted',
    featureAdopted({ accountId: 'slipping', feature: 'Alert', at: start + 5 * hour }),
    5,
  ),
]

let stack: Stack
let publisher: Publisher
let running: Running
let owner: Kysely<ReportingTables>

beforeAll(async () => {
  stack = await startStack()
  running = await startReporting(stack)
  publisher = await createPublisher(stack)
  owner = roleDatabase<ReportingTables>({ url: stack.databaseUrl, service: 'reporting', role: 'owner', connections: 2 })
  for (const each of facts) await publisher.publish(each)
  await lanesCaughtUp()
})
afterAll(async () => {
  await owner.destroy()
  await publisher.close()
  await running.stop()
  await stack.stop()
})

async function get<T>(path: string): Promise<T> {
  const response = await fetch(`${running.url}/v1/reporting/${path}`)
  return (await response.json()) as T
}

/** Waits until every lane has committed the last fact published on it. */
const lanesCaughtUp = () =>
  vi.waitFor(
    async () => {
      const lanes = await sql<{ lane: number; seq: number }>`select lane, seq from lane`.execute(owner)
      const behind = lanes.rows.filter(({ lane, seq }) => seq < (publisher.lastSeqs.get(lane) ?? 0))
      expect(behind).toEqual([])
    },
    { timeout: 10_000 },
  )

const worstFirst = ['large', 'Small_100%', 'recovered', 'slipping', 'calm', 'calm-too']

test('accounts are listed worst first: open risk, band, revenue at risk, score', async () => {
  const { items, next } = await get<Accounts>('accounts')
  expect(items.map(({ accountId }) => accountId)).toEqual(worstFirst)
  expect(next).toBeNull()
  expect(items[0]).toMatchObject({
    health: { score: 36, band: 'churn_risk' },
    risk: { episodeId: 'large@1', mrrMinor: 149_900, currency: 'EUR' },
    // a-2 has its outcome and a-3 is never contacted.
    openActions: 1,
  })
  expect(items[2]).toMatchObject({ risk: null })
  expect(items[3]).toMatchObject({ lag: { missing: ['Share'] } })
})

test('pages follow one another without a gap or a repeat', async () => {
  const seen: unknown[] = []
  let cursor = ''
  do {
    const { items, next } = await get<Accounts>(`accounts?limit=1${cursor}`)
    seen.push(...items.map(({ accountId }) => accountId))
    cursor = next === null ? '' : `&cursor=${next}`
  } while (cursor !== '')
  expect(seen).toEqual(worstFirst)
})

test.each([
  ['band=at_risk', ['recovered', 'slipping']],
  ['risk=open', ['large', 'Small_100%']],
  ['search=CALM', ['calm', 'calm-too']],
  ['search=100%25', ['Small_100%']],
  ['search=_', ['Small_100%']],
  ['band=healthy&risk=open', []],
])('given %s, only those', async (query, expected) => {
  const { items } = await get<Accounts>(`accounts?${query}`)
  expect(items.map(({ accountId }) => accountId)).toEqual(expected)
})

test('the book in figures counts each account once, and revenue only while it is at risk', async () => {
  expect(await get<Book>('book')).toMatchObject({
    accounts: 6,
    bands: { healthy: 2, at_risk: 2, churn_risk: 2, unknown: 0 },
    openRisks: 2,
    mrrAtRisk: [{ currency: 'EUR', minor: 154_800 }],
  })
})

test('an account has its actions, open ones first, and its story, newest first', async () => {
  const { actions, timeline } = await get<{ actions: Record<string, unknown>[]; timeline: Record<string, unknown>[] }>(
    'accounts/large',
  )
  expect(actions.map(({ actionId, arm }) => [actionId, arm])).toEqual([
    ['a-1', 'treated'],
    ['a-3', 'holdout'],
    ['a-2', 'treated'],
  ])
  expect(actions[2]).toMatchObject({ outcome: { reached: true, before: 37.8, after: 61.2 } })
  expect(timeline.map(({ kind }) => kind)).toEqual(['outcome', 'action', 'action', 'action', 'risk-raised', 'band'])
})

test('an account nobody has told of is not found', async () => {
  const response = await fetch(`${running.url}/v1/reporting/accounts/nobody`)
  expect(response.status).toBe(404)
})

test('given the whole stream a second time, under ids nobody remembers, nothing changes', async () => {
  const everything = async () => ({
    accounts: await owner.selectFrom('account_health').selectAll().orderBy('account_id').execute(),
    actions: await owner.selectFrom('account_action').selectAll().orderBy('action_id').execute(),
    events: await owner
      .selectFrom('account_event')
      .selectAll()
      .orderBy('account_id')
      .orderBy('at')
      .orderBy('kind')
      .orderBy('subject')
      .execute(),
  })
  const before = await everything()
  for (const each of facts) await publisher.publish({ ...each, id: `${each.id}-again` })
  await lanesCaughtUp()
  expect(await everything()).toEqual(before)
})

test('a change of an account is told to those who listen within a second', async () => {
  const abort = new AbortController()
  const startedAt = performance.now()
  const response = await fetch(`${running.url}/v1/reporting/events`, { signal: abort.signal })
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  let told = (await reader?.read())?.value ?? ''
  await publisher.publish(raised('calm', 10_000, 12))
  while (!told.includes('event: change')) told += (await reader?.read())?.value ?? ''
  const change = JSON.parse(/^data: (.*"account".*)$/m.exec(told)?.[1] ?? '{}')
  expect(change).toMatchObject({ kind: 'account', id: 'calm', state: 'ChurnRiskRaised' })
  await eventually<Accounts>(`${running.url}/v1/reporting/accounts?risk=open`, ({ items }) => items.length === 3)
  expect(performance.now() - startedAt).toBeLessThan(1_000)
  abort.abort()
})

test('what was erased is gone from every table, and the whole stream again does not bring it back', async () => {
  const accountHash = createHash('sha256').update('account:slipping').digest('hex')
  const at = start + 20 * hour
  const erasures: Published[] = [
    {
      type: 'plimsoll.customer_success.v1.AccountErased',
      ...{ key: 'slipping', id: 'erased.1', time: at, value: { accountHash, at } },
    },
    {
      type: 'plimsoll.customer_success.v1.PersonErased',
      ...{ key: 'large', id: 'erased.2', time: at },
      value: { personHash: '00', accountId: 'large', actionIds: ['a-1'], at },
    },
  ]
  for (const round of ['first', 'second']) {
    for (const [i, each] of [...erasures, ...facts, ...erasures.slice(1)].entries()) {
      await publisher.publish({ ...each, id: `${round}.${i}` })
    }
    await lanesCaughtUp()
    expect(await tracesOf('slipping')).toEqual([])
    const { timeline } = await get<{ timeline: { kind: string; text: string }[] }>('accounts/large')
    expect(timeline.filter(({ text }) => text === 'Erased with the person it was for.')).toHaveLength(1)
  }
  const { rows } = await sql`select action_id from account_action where reason = ''`.execute(owner)
  expect(rows).toEqual([{ action_id: 'a-1' }])
  expect((await get<Accounts>('accounts')).items.map(({ accountId }) => accountId)).not.toContain('slipping')
})

/** Tables of the service that hold this text in any column. */
async function tracesOf(text: string): Promise<string[]> {
  const { rows: tables } = await sql<{ name: string }>`
    select relname as name from pg_class
    where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p') and not relispartition`.execute(owner)
  const found = tables.map(async ({ name }) => {
    const { rows } = await sql`select from ${sql.table(name)} as t where strpos(t::text, ${text}) > 0`.execute(owner)
    return rows.length === 0 ? [] : [name]
  })
  return (await Promise.all(found)).flat()
}
