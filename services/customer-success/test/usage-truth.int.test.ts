import { inTransaction } from '@plimsoll/kit/db/transaction.ts'
/** Shuffled and repeated events over concurrent lanes, merges, splits, moves and erasures: not one wrong cell. */

import { createHash } from 'node:crypto'
import type { SubscriptionRecorded } from '@plimsoll/contracts/generated/types.ts'
import { USAGE_KIND } from '@plimsoll/contracts/usage-batch.ts'
import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import { migrateService } from '@plimsoll/kit/db/migrate.ts'
import { openDatabase, type ServiceDatabase } from '@plimsoll/kit/db/pool.ts'
import { isTransient } from '@plimsoll/kit/errors.ts'
import { type Stack, startStack } from '@plimsoll/kit/testing/stack.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DAY_MS, dayOf, startOf } from '../domain/day.ts'
import type { Link } from '../domain/identity.ts'
import { ANY, API_CALLS } from '../domain/usage-cells.ts'
import type { UsageRow } from '../domain/usage-event.ts'
import type { Membership, Use } from '../domain/usage-person.ts'
import { readCells, sumUpCells } from '../store/cells.ts'
import { erasePerson } from '../store/erase.ts'
import { noFacts, takeFacts } from '../store/facts.ts'
import { unlink } from '../store/identity.ts'
import type { Tables } from '../store/tables.ts'
import { createNumbers, takeUsage } from '../store/usage.ts'
import { personsBy, readFigures, trueFigures } from './usage-truth.ts'

const seed = Number(process.env.PLIMSOLL_SEED ?? Date.now() % 1_000_000)
const NOW = Date.UTC(2026, 10, 24, 9)
const [FIRST_DAY, LAST_DAY] = [dayOf(NOW) - 120, dayOf(NOW)]
const [USERS, ACCOUNTS, EVENTS] = [40, 5, 3_000]
const LIMITS = { lateDays: 400, rawDays: 90, features: 1_000 }
const FEATURES = ['searched', 'exported', 'api_called']

let stack: Stack
let database: ServiceDatabase<Tables>

beforeAll(async () => {
  stack = await startStack({ nats: false })
  const url = stack.databaseUrl
  await migrateService({
    url,
    service: 'customer-success',
    migrations: new URL('../store/migrations/', import.meta.url),
  })
  database = openDatabase<Tables>({ url, service: 'customer-success' })
})
afterAll(async () => {
  await database?.close()
  await stack?.stop()
})

let state = seed
/** Whole number below `n` (Mulberry32, T. Ettinger). */
function random(n: number): number {
  state = (state + 0x6d2b79f5) | 0
  let t = Math.imul(state ^ (state >>> 15), 1 | state)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * n)
}

function shuffled<T>(items: readonly T[]): T[] {
  const all = [...items]
  for (let i = all.length - 1; i > 0; i--) {
    const j = random(i + 1)
    ;[all[i], all[j]] = [all[j] as T, all[i] as T]
  }
  return all
}

const persistently = async <T>(work: (tx: WorkerTransaction) => Promise<T>): Promise<T> => {
  for (;;) {
    try {
      return await inTransaction(database.worker, work)
    } catch (error) {
      // A deadlock, say: the lane would try again.
      if (!isTransient(error)) throw error
    }
  }
}

function rowOf(id: string, kind: keyof typeof USAGE_KIND, part: Partial<UsageRow>): UsageRow {
  return {
    eventId: createHash('sha256').update(`${seed} ${id}`).digest().subarray(0, 16),
    source: 'test',
    kind: USAGE_KIND[kind],
    name: '',
    accountId: '',
    userId: '',
    anonymousId: '',
    quantity: 1,
    atMs: NOW,
    originalMs: NOW,
    sentMs: 0,
    receivedMs: NOW,
    properties: '',
    context: '',
    ...part,
  }
}

const timeIn = (day: number): number => startOf(day) + random(day === LAST_DAY ? 9 * 3_600_000 : DAY_MS)
const somewhere = (): string => (random(3) === 0 ? '' : `a${random(ACCOUNTS)}`)

function someEvent(i: number): UsageRow {
  const user = random(USERS)
  const isAnonymous = random(5) === 0
  const who = isAnonymous ? { anonymousId: `n${user}` } : random(40) === 0 ? {} : { userId: `u${user}` }
  const atMs = timeIn(FIRST_DAY + random(LAST_DAY - FIRST_DAY + 1))
  return rowOf(`e${i}`, 'track', { ...who, name: FEATURES[random(3)] ?? '', accountId: somewhere(), atMs })
}

const events = Array.from({ length: EVENTS }, (_, i) => someEvent(i))
const joins = Array.from({ length: 30 }, (_, i) =>
  rowOf(`g${i}`, 'group', {
    userId: `u${random(USERS)}`,
    accountId: `a${random(ACCOUNTS)}`,
    atMs: timeIn(FIRST_DAY + random(100)),
    properties: random(2) === 0 ? JSON.stringify({ plan: `p${random(2)}`, segment: `s${random(2)}` }) : '',
  }),
)
const identified = Array.from({ length: 12 }, (_, i) =>
  rowOf(`i${i}`, 'identify', { userId: `u${random(USERS)}`, anonymousId: `n${random(USERS)}` }),
)
const aliased = [rowOf('alias', 'alias', { userId: 'u1', properties: '{"previousId":"u2"}' })]

/** What is in the tables must be what counting from the events gives, after `erased` and without `unlinked`. */
async function expectEveryCell(erased: ReadonlySet<string>, unlinked: string): Promise<number> {
  const db = database.worker
  const identifiers = new Map(
    [...new Set([...events, ...joins, ...identified, ...aliased].flatMap(keysIn))].map((key, i) => [key, i + 1]),
  )
  const node = (key: string): number => identifiers.get(key) ?? 0
  const links: Link[] = [...identified, ...aliased].flatMap((row) =>
    keysIn(row)
      .slice(1)
      .filter((key) => `${key} ${keysIn(row)[0]}` !== unlinked && key !== keysIn(row)[0])
      .map((key) => [node(keysIn(row)[0] ?? ''), node(key)] as const),
  )
  const isErased = (row: UsageRow): boolean => erased.has(keysIn(row)[0] ?? '')
  const number = (accountId: string): number => (accountId === '' ? 0 : Number(accountId.slice(1)) + 1)
  const uses: Use[] = events
    .filter((row) => !isErased(row))
    .flatMap((row) => {
      const use = { node: node(keysIn(row)[0] ?? ''), account: number(row.accountId), day: dayOf(row.atMs), count: 1 }
      const feature = FEATURES.indexOf(row.name) + 10
      return [{ ...use, feature }, ...(row.name === 'api_called' ? [{ ...use, feature: API_CALLS }] : [])]
    })
  const memberships: Membership[] = joins
    .filter((row) => !isErased(row))
    .map((row) => ({ node: node(keysIn(row)[0] ?? ''), account: number(row.accountId), atMs: row.atMs }))
  const accounts = await db.selectFrom('account').selectAll().execute()
  const groups = new Map(accounts.map((row) => [row.account_id, groupsNow(row.account_id)]))
  for (const row of accounts) {
    expect([`plan:${row.plan}`, `segment:${row.segment}`], row.account_id).toEqual(
      expect.arrayContaining(groups.get(row.account_id) ?? []),
    )
  }
  const nobody = { nodes: [...identifiers].filter(([key]) => key.startsWith('nobody:')).map(([, id]) => id) }
  const [counted, unnamed] = [
    uses.filter(({ node: of }) => !nobody.nodes.includes(of)),
    uses.filter(({ node: of }) => nobody.nodes.includes(of)),
  ]
  const of = (some: readonly Use[]) => ({
    uses: some,
    memberships,
    links,
    nodes: [...identifiers.values()],
    groupsOf: (account: number) => groups.get(`a${account - 1}`) ?? [],
    accountSubjectOf: (account: number) => `account:a${account - 1}`,
  })
  const [from, to] = [FIRST_DAY, LAST_DAY + 90]
  const [truth, extra] = [trueFigures(of(counted), from, to), trueFigures(of(unnamed), from, to)]
  const subjects = ['all', ...accounts.map((row) => `account:${row.account_id}`), 'plan:p0', 'plan:p1', 'plan:sold']
  subjects.push('segment:s0', 'segment:s1')
  const found = await readCells(db, subjects, from, to)
  const features = new Map([
    [ANY, ANY],
    [API_CALLS, API_CALLS],
  ])
  for (const row of await db.selectFrom('feature').selectAll().execute()) {
    features.set(10 + FEATURES.indexOf(row.name), row.id)
  }
  let cells = 0
  for (const subject of subjects) {
    for (const [mine, theirs] of features) {
      const expected = truth(subject, mine)
      const unnamedEvents = extra(subject, mine).events
      const read = readFigures(found.get(subject) ?? new Map(), theirs, from, to)
      expect(read, `${subject} ${mine} (seed ${seed})`).toEqual({
        ...expected,
        events: expected.events.map((count, i) => count + (unnamedEvents[i] ?? 0)),
      })
      cells += (to - from + 1) * (2 + Object.keys(expected.windows).length)
    }
  }
  return cells
}

const sold = new Map<string, string>()

/** By the newest group call of an account that says something, and the subscription above it. */
function groupsNow(accountId: string): string[] {
  const told = joins.filter((row) => row.accountId === accountId && row.properties !== '')
  const [newest] = told.sort((a, b) => b.atMs - a.atMs)
  const traits = JSON.parse(newest?.properties || '{}') as { plan?: string; segment?: string }
  const plan = sold.get(accountId) ?? traits.plan
  return [
    ...(plan === undefined ? [] : [`plan:${plan}`]),
    ...(traits.segment === undefined ? [] : [`segment:${traits.segment}`]),
  ]
}

function keysIn(row: UsageRow): string[] {
  const { userId, anonymousId, accountId, kind } = row
  const own = userId !== '' ? `user:${userId}` : anonymousId !== '' ? `anonymous:${anonymousId}` : `nobody:${accountId}`
  if (kind === USAGE_KIND.identify) return [own, `anonymous:${anonymousId}`]
  if (kind === USAGE_KIND.alias) return [own, 'anonymous:u2', 'user:u2']
  return [own]
}

test(`every cell is exact (seed ${seed})`, async () => {
  const all = [...events, ...joins, ...identified, ...aliased]
  const repeated = shuffled(all).slice(0, all.length / 10)
  const stream = shuffled([...all, ...repeated])
  const batches = Array.from({ length: Math.ceil(stream.length / 80) }, (_, i) => stream.slice(i * 80, i * 80 + 80))
  // Four lanes at a time, any of which may carry any person.
  const lanes = Array.from({ length: 4 }, async (_, lane) => {
    for (let i = lane; i < batches.length; i += 4) {
      await persistently((tx) => takeUsage(tx, createNumbers(), batches[i] ?? [], LIMITS, NOW))
      if (lane === 0 && i % 16 === 0) await persistently(sumUpCells)
    }
  })
  await Promise.all(lanes)
  const [{ count }] = (await database.worker
    .selectFrom('event_key')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .execute()) as [{ count: number }]
  expect(count).toBe(all.length)
  expect(await expectEveryCell(new Set(), '')).toBeGreaterThan(100_000)

  sold.set('a1', 'sold')
  const subscription = {
    ...{ subscriptionId: 's1', source: 'crm', accountId: 'a1', status: 'active' as const, plan: 'sold', segment: '' },
    ...{ seats: 3, mrrMinor: 100, currency: 'EUR', startedAt: NOW, renewsAt: null, cancelledAt: null, reason: '' },
    ...{ updatedAt: NOW, receivedAt: NOW },
  } satisfies SubscriptionRecorded
  await persistently((tx) => takeFacts(tx, { ...noFacts(), subscriptions: [subscription, subscription] }))
  await expectEveryCell(new Set(), '')

  const wrong = identified[0] as UsageRow
  const [user = '', anonymous = ''] = keysIn(wrong)
  expect(await persistently((tx) => unlink(tx, [user, anonymous], { name: 'test', timeMs: NOW }))).toBe(true)
  await expectEveryCell(new Set(), `${anonymous} ${user}`)

  const keys = [...new Set(all.flatMap(keysIn))]
  const remaining = all.filter(
    (row) => row !== wrong || identified.slice(1).some((one) => keysIn(one).join() === keysIn(wrong).join()),
  )
  const links = remaining.flatMap((row) =>
    keysIn(row)
      .slice(1)
      .map((key) => [keys.indexOf(keysIn(row)[0] ?? ''), keys.indexOf(key)] as const),
  )
  const personOf = personsBy(
    keys.map((_, i) => i),
    links,
  )
  const victims = ['u1', 'u7', 'u13', `${user.slice(5)}`]
  const gone = new Set(
    keys.filter((_, i) => victims.some((one) => personOf.get(i) === personOf.get(keys.indexOf(`user:${one}`)))),
  )
  for (const userId of victims) await persistently((tx) => erasePerson(tx, { userId }, NOW))
  await expectEveryCell(gone, `${anonymous} ${user}`)

  // What comes of them afterwards is not taken in, and what came of others before is known.
  const again = [...events.slice(0, 200), rowOf('late', 'track', { userId: 'u1', name: 'searched', accountId: 'a1' })]
  await persistently((tx) => takeUsage(tx, createNumbers(), again, LIMITS, NOW))
  await persistently(sumUpCells)
  await expectEveryCell(gone, `${anonymous} ${user}`)
})
