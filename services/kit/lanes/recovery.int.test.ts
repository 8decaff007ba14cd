import { sql } from 'kysely'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../clock.ts'
import type { WorkerDatabase } from '../db/database.ts'
import { migrateService } from '../db/migrate.ts'
import { openDatabase, roleDatabase, type ServiceDatabase } from '../db/pool.ts'
import type { EventLog } from '../log/log.ts'
import { createMemoryLog } from '../log/memory.ts'
import { createMetrics } from '../telemetry/prometheus.ts'
import { type Stack, startStack } from '../testing/stack.ts'
import { type Lanes, startLanes } from './lanes.ts'
import type { Processor } from './processor.ts'
import { applyRebuild, planRebuild } from './rebuild.ts'
import { listDeadLetters, readDeadLetter, replayDeadLetter } from './replay.ts'
import { numberMessage, type SummingOptions, summing, summingMigrations, sums, until } from './testing.ts'

let stack: Stack
let database: ServiceDatabase
let db: WorkerDatabase<unknown>
let owner: WorkerDatabase<unknown>
let log: EventLog
const running: Lanes[] = []

beforeAll(async () => {
  stack = await startStack({ nats: false })
  await migrateService({ url: stack.databaseUrl, service: 'performance', migrations: summingMigrations })
  database = openDatabase({ url: stack.databaseUrl, service: 'performance' })
  owner = roleDatabase({ url: stack.databaseUrl, service: 'performance', role: 'owner', connections: 1 })
  db = database.worker
})
afterAll(async () => {
  await owner.destroy()
  await database.close()
  await stack.stop()
})
beforeEach(async () => {
  for (const table of ['lane', 'lane_member', 'outbox', 'dead_letter', 'counter']) {
    await sql`delete from ${sql.table(table)}`.execute(db)
  }
  log = createMemoryLog(systemClock)
})
afterEach(async () => {
  await Promise.all(running.splice(0).map((lanes) => lanes.stop()))
})

async function start(processor: Processor<unknown>): Promise<Lanes> {
  const lanes = await startLanes({
    service: 'performance',
    processors: [processor],
    tickers: [],
    db,
    log,
    clock: systemClock,
    logger: pino({ level: 'silent' }),
    metrics: createMetrics({ processMetrics: false }),
    scanMs: 100,
  })
  running.push(lanes)
  return lanes
}

const sumOf = (lane: number) => async () => (await sums(db))[lane] ?? 0
const publish = async (...contents: (number | string)[]) => {
  for (const content of contents) await log.publish(numberMessage(3, content))
}
const replay = (id: number, options: SummingOptions = {}) =>
  replayDeadLetter({ service: 'performance', db, log, processors: [summing(options)], now: Date.now }, id)

describe('dead letters', () => {
  /** Refuses sevens until told otherwise. */
  const noSevens: SummingOptions = {
    onBatch(batch) {
      if (batch.some(({ data }) => new TextDecoder().decode(data) === '7'))
        throw new TypeError('sevens are not supported yet')
    },
  }
  const refused = async () => {
    await publish(1, 7, 2)
    const lanes = await start(summing(noSevens))
    await until(
      () => listDeadLetters(db),
      (letters) => letters.length === 1,
    )
    await until(sumOf(3), (sum) => sum === 3)
    return lanes
  }

  test('are listed with where they came from and why, and shown as they were stored', async () => {
    await refused()
    const [letter] = await listDeadLetters(db)
    expect(letter).toMatchObject({ stream: 'USAGE', seq: 2, lane: 3, bytes: 1, reason: 'sevens are not supported yet' })
    const message = await readDeadLetter(db, letter?.id ?? 0)
    expect(message && new TextDecoder().decode(message.data)).toBe('7')
    expect(message).toMatchObject({
      subject: 'usage.03.Number',
      headers: { 'Plimsoll-Type': 'plimsoll.usage.v1.UsageBatch' },
    })
  })

  test('are replayed beside a running service, once the processor can handle them', async () => {
    await refused()
    const [letter] = await listDeadLetters(db)
    expect(await replay(letter?.id ?? 0)).toEqual({ kind: 'handled' })
    expect(await sumOf(3)()).toBe(10)
    expect(await listDeadLetters(db)).toEqual([])
    expect(await listDeadLetters(db, { all: true })).toHaveLength(1)
    // The service goes on from the new state, not from what it had in memory.
    await publish(100)
    await until(sumOf(3), (sum) => sum === 110)
  })

  test('stay when they are refused again', async () => {
    await refused()
    const [letter] = await listDeadLetters(db)
    expect(await replay(letter?.id ?? 0, noSevens)).toEqual({
      kind: 'refused again',
      reason: 'sevens are not supported yet',
    })
    expect(await sumOf(3)()).toBe(3)
    expect(await listDeadLetters(db)).toHaveLength(1)
  })

  test('that do not exist are said so', async () => {
    await expect(replay(999_999)).rejects.toThrow('There is no dead letter 999999')
  })
})

describe('rebuild', () => {
  const rebuild = async (options: Omit<Parameters<typeof planRebuild>[1], 'processor' | 'version'>) => {
    const plan = await planRebuild(owner, { processor: 'sum', version: 1, ...options })
    await applyRebuild(owner, plan)
    return plan
  }

  test('reads everything again into emptied tables, beside a running service', async () => {
    await publish(1, 2, 3)
    await start(summing())
    await until(sumOf(3), (sum) => sum === 6)
    await sql`update counter set total = 4711`.execute(db)
    const plan = await rebuild({ from: 'start', emptyTables: ['counter'] })
    expect(plan.steps).toContain('empty table counter')
    await until(sumOf(3), (sum) => sum === 6)
    await publish(4)
    await until(sumOf(3), (sum) => sum === 10)
  })

  test('lets a lane that halted on poison go on, once the processor can handle it', async () => {
    await publish(1, 'poison', 2)
    const first = await start(summing({ onPoison: 'halt' }))
    await until(
      () => first.status(),
      (status) => status.some(({ state }) => state === 'halted'),
    )
    await first.stop()
    await start(summing({ onPoison: 'skip' }))
    const plan = await rebuild({ from: 'checkpoint' })
    expect(plan.steps).toEqual(['sum v1 lane 03: go on from 1 (halted: message 2 of USAGE: not a number)'])
    await until(sumOf(3), (sum) => sum === 3)
  })

  test('lets lanes go on with a stream that was made again, keeping what they had', async () => {
    await publish(1, 2, 3)
    const first = await start(summing())
    await until(sumOf(3), (sum) => sum === 6)
    await first.stop()
    log = createMemoryLog({ now: () => Date.now() + 1_000 })
    await publish(10)
    const second = await start(summing())
    await until(
      () => second.status(),
      (status) => status.every(({ state }) => state === 'halted'),
    )
    await rebuild({ from: 'start' })
    await until(sumOf(3), (sum) => sum === 16)
  })

  test('does nothing by planning, and refuses what would lose data or does not exist', async () => {
    await publish(1)
    await start(summing())
    await until(sumOf(3), (sum) => sum === 1)
    const plan = (options: Partial<Parameters<typeof planRebuild>[1]>) =>
      planRebuild(owner, { processor: 'sum', version: 1, from: 'start', ...options })
    expect((await plan({ emptyTables: ['counter'] })).steps).toHaveLength(17)
    expect(await sumOf(3)()).toBe(1)
    await expect(plan({ from: 'checkpoint', emptyTables: ['counter'] })).rejects.toThrow(
      'only be emptied with --from start',
    )
    await expect(plan({ lane: 3, emptyTables: ['counter'] })).rejects.toThrow('shared by all lanes')
    await expect(plan({ emptyTables: ['nonsense'] })).rejects.toThrow('no such tables: nonsense')
    await sql`insert into lane (processor, version, lane, seq) values ('clockwork', 1, 0, 5)`.execute(db)
    await expect(plan({ processor: 'clockwork' })).rejects.toThrow('clockwork is a ticker')
    await expect(plan({ version: 9 })).rejects.toThrow('no such lanes: sum v9')
  })
})
