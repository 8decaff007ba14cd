import { inTransaction } from '@plimsoll/kit/db/transaction.ts'
/** Accounts change their plans by subscriptions and group calls while they are used: nobody waits in a circle. */

import { createHash } from 'node:crypto'
import { USAGE_KIND } from '@plimsoll/contracts/usage-batch.ts'
import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import { migrateService } from '@plimsoll/kit/db/migrate.ts'
import { openDatabase, type ServiceDatabase } from '@plimsoll/kit/db/pool.ts'
import { type Stack, startStack } from '@plimsoll/kit/testing/stack.ts'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { dayOf } from '../domain/day.ts'
import { createRandom } from '../domain/learn/random.ts'
import { ANY, daysBetween, series } from '../domain/usage-cells.ts'
import type { UsageRow } from '../domain/usage-event.ts'
import { accountSubject } from '../domain/usage-figures.ts'
import { readCells } from '../store/cells.ts'
import { noFacts, takeFacts } from '../store/facts.ts'
import { planSubject } from '../store/identity.ts'
import type { Tables } from '../store/tables.ts'
import { createNumbers, takeUsage } from '../store/usage.ts'

const seed = Number(process.env.PLIMSOLL_SEED ?? Date.now() % 1_000_000)
const NOW = Date.UTC(2026, 10, 24, 9)
const LIMITS = { lateDays: 400, rawDays: 90, features: 1_000 }
/** Few of each, so that everybody meets everybody. */
const [USERS, ACCOUNTS, PLANS, BATCHES] = [12, 6, 3, 60]

let stack: Stack
let database: ServiceDatabase<Tables>

beforeAll(async () => {
  stack = await startStack({ nats: false })
  const migrations = new URL('../store/migrations/', import.meta.url)
  await migrateService({ url: stack.databaseUrl, service: 'customer-success', migrations })
  database = openDatabase<Tables>({ url: stack.databaseUrl, service: 'customer-success' })
})
afterAll(async () => {
  await database?.close()
  await stack?.stop()
})

/** Not tried again: a deadlock fails the test. */
const transaction = <T>(work: (tx: WorkerTransaction) => Promise<T>): Promise<T> => inTransaction(database.worker, work)

async function useLane(lane: number): Promise<void> {
  const random = createRandom(seed + lane)
  const some = (n: number): number => Math.floor(random() * n)
  const numbers = createNumbers()
  for (let batch = 0; batch < BATCHES; batch++) {
    const rows = Array.from({ length: 8 }, (_, i): UsageRow => {
      const isGroup = i === 0 && some(3) === 0
      return {
        eventId: createHash('sha256').update(`${lane} ${batch} ${i}`).digest().subarray(0, 16),
        ...{ source: 'test', kind: isGroup ? USAGE_KIND.group : USAGE_KIND.track, name: 'searched' },
        ...{ accountId: `a${some(ACCOUNTS)}`, userId: `u${some(USERS)}`, anonymousId: '', quantity: 1 },
        ...{ atMs: NOW, originalMs: NOW + batch, sentMs: 0, receivedMs: NOW, context: '' },
        properties: isGroup ? JSON.stringify({ plan: `p${some(PLANS)}` }) : '',
        ...(isGroup && { atMs: NOW + batch }),
      }
    })
    await transaction((tx) => takeUsage(tx, numbers, rows, LIMITS, NOW))
  }
}

/** Of accounts of its own, as a lane has. */
async function sellLane(lane: number): Promise<void> {
  const random = createRandom(seed - lane)
  const own = Array.from({ length: ACCOUNTS }, (_, i) => i).filter((i) => i % 2 === lane)
  for (let batch = 0; batch < BATCHES; batch++) {
    const subscriptions = own.map((i) => ({
      ...{ subscriptionId: `s${i}`, source: 'crm', accountId: `a${i}`, status: 'active' as const, segment: '' },
      ...{ plan: `p${Math.floor(random() * PLANS)}`, seats: 3, mrrMinor: 100, currency: 'EUR', startedAt: NOW },
      ...{ renewsAt: null, cancelledAt: null, reason: '', updatedAt: NOW + batch, receivedAt: NOW },
    }))
    await transaction((tx) => takeFacts(tx, { ...noFacts(), subscriptions }))
  }
}

test(`plans change under use without a deadlock, and figures move with them (seed ${seed})`, {
  timeout: 120_000,
}, async () => {
  await Promise.all([...[0, 1, 2, 3].map(useLane), ...[0, 1].map(sellLane)])
  const { rows } = await sql<{ deadlocks: number }>`
    select deadlocks from pg_stat_database where datname = current_database()`.execute(database.worker)
  expect(Number(rows[0]?.deadlocks)).toBe(0)

  const accounts = await database.reader.selectFrom('account').select(['account_id', 'plan']).execute()
  const plans = Array.from({ length: PLANS }, (_, i) => `p${i}`)
  const subjects = [...accounts.map((one) => accountSubject(one.account_id)), ...plans.map(planSubject)]
  const day = dayOf(NOW)
  const cells = await readCells(database.reader, subjects, day, day)
  const eventsOf = (subject: string): number =>
    daysBetween(cells.get(subject) ?? new Map(), ANY, series.events, day, day)[0] ?? 0
  for (const plan of plans) {
    const own = accounts.filter((account) => account.plan === plan)
    const expected = own.reduce((sum, one) => sum + eventsOf(accountSubject(one.account_id)), 0)
    expect([plan, eventsOf(planSubject(plan))]).toEqual([plan, expected])
  }
  expect(accounts.reduce((sum, one) => sum + eventsOf(accountSubject(one.account_id)), 0)).toBeGreaterThan(1_500)
})
