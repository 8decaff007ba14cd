import { openDatabase, type ServiceDatabase } from '@plimsoll/kit/db/pool.ts'
import { connectJetStream } from '@plimsoll/kit/log/jetstream.ts'
import type { EventLog } from '@plimsoll/kit/log/log.ts'
import type { Running } from '@plimsoll/kit/run.ts'
import { startOn } from '@plimsoll/kit/testing/running.ts'
import { type Stack, startStack } from '@plimsoll/kit/testing/stack.ts'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DAY_MS, dayOf, startOf } from '../domain/day.ts'
import { customerSuccess } from '../service.ts'
import type { Tables } from '../store/tables.ts'
import { publishUsage, usageEvent } from './usage-batches.ts'

const DAYS = 20
const last = dayOf(Date.now()) - 1

let stack: Stack
let log: EventLog
let database: ServiceDatabase<Tables>
let running: Running | undefined

beforeAll(async () => {
  stack = await startStack()
  running = await start()
  log = await connectJetStream({ url: stack.natsUrl })
  database = openDatabase<Tables>({ url: stack.databaseUrl, service: 'customer-success' })
})
afterAll(async () => {
  await database?.close()
  await log?.close()
  await running?.stop()
  await stack?.stop()
})

const start = () => startOn(stack, [customerSuccess])

const scoredDays = async () => {
  const rows = await database.reader.selectFrom('health_score').select('day').orderBy('day').execute()
  return rows.map(({ day }) => day)
}

test('a service that is stopped while it closes days ends within a second, and closes them all when it is back', {
  timeout: 60_000,
}, async () => {
  const days = Array.from({ length: DAYS }, (_, i) => last - DAYS + 1 + i)
  const uses = days.map((day) =>
    usageEvent({ id: `${day}`, accountId: 'acme', userId: 'ann', name: 'login', timeMs: startOf(day) + DAY_MS / 2 }),
  )
  // Holds the close of the first day between two of its statements until the service has been told to stop.
  const { stopped, toldAt } = await database.worker.transaction().execute(async (tx) => {
    await sql`lock table health_segment in share mode`.execute(tx)
    await publishUsage(log, uses, Date.now())
    const waiting = async () => {
      const query = sql`select from pg_locks where relation = 'health_segment'::regclass and not granted`
      return (await query.execute(tx)).rows.length
    }
    await expect.poll(waiting, { timeout: 30_000 }).toBe(1)
    return { stopped: running?.stop(), toldAt: performance.now() }
  })
  await stopped
  expect(performance.now() - toldAt).toBeLessThan(1_000)
  expect(await scoredDays()).toEqual([])

  running = await start()
  await expect.poll(scoredDays, { timeout: 30_000 }).toEqual(days.slice(0, -1))
})
