import { setTimeout as pause } from 'node:timers/promises'
import { decodeEvent, type EventType } from '@plimsoll/contracts/events.ts'
import { examples } from '@plimsoll/contracts/examples.ts'
import { sql } from 'kysely'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../clock.ts'
import { bulkAppend } from '../db/bulk.ts'
import type { WorkerDatabase } from '../db/database.ts'
import { migrateService } from '../db/migrate.ts'
import { openDatabase, type ServiceDatabase } from '../db/pool.ts'
import { appError } from '../errors.ts'
import type { EventLog, OutgoingMessage } from '../log/log.ts'
import { createMemoryLog } from '../log/memory.ts'
import { createMetrics } from '../telemetry/prometheus.ts'
import { type Stack, startStack } from '../testing/stack.ts'
import { type Lanes, startLanes } from './lanes.ts'
import type { OutgoingEvent, Processor, Ticker } from './processor.ts'
import { ticker } from './processor.ts'
import { numberMessage, summing, summingMigrations, sums, until } from './testing.ts'

let stack: Stack
let database: ServiceDatabase
let db: WorkerDatabase<unknown>
let log: EventLog
const running: Lanes[] = []

beforeAll(async () => {
  stack = await startStack({ nats: false })
  await migrateService({ url: stack.databaseUrl, service: 'performance', migrations: summingMigrations })
  database = openDatabase({ url: stack.databaseUrl, service: 'performance', workerConnections: 30 })
  db = database.worker
})
afterAll(async () => {
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

type Work = { readonly processors?: Processor<unknown>[]; readonly tickers?: Ticker<unknown>[] }

async function start({ processors = [], tickers = [] }: Work, withLog: EventLog = log, owner?: string): Promise<Lanes> {
  const lanes = await startLanes({
    service: 'performance',
    processors,
    tickers,
    db,
    log: withLog,
    clock: systemClock,
    logger: pino({ level: 'silent' }),
    metrics: createMetrics({ processMetrics: false }),
    scanMs: 100,
    ...(owner === undefined ? {} : { owner }),
  })
  running.push(lanes)
  return lanes
}

const publishAll = (messages: readonly OutgoingMessage[]) =>
  Promise.all(messages.map((message) => log.publish(message)))
const numbers = (lane: number, count: number) => Array.from({ length: count }, (_, i) => numberMessage(lane, i + 1))
/** 1 + 2 + ... + count */
const triangle = (count: number) => (count * (count + 1)) / 2
const sumOf = (lane: number) => async () => (await sums(db))[lane] ?? 0

const factType = 'plimsoll.performance.v1.RegressionResolved' satisfies EventType
const fact = (sourceSeq?: number): OutgoingEvent => ({
  type: factType,
  key: 'one entity',
  time: 1_700_000_000_000,
  value: examples[factType],
  ...(sourceSeq === undefined ? {} : { sourceSeq }),
})

async function published(): Promise<string[]> {
  const { lastSeq } = await log.info('DERIVED')
  const messages = await Promise.all(Array.from({ length: lastSeq }, (_, i) => log.get('DERIVED', i + 1)))
  return messages.map((message) => message?.id ?? '')
}

test('all messages of all lanes are summed once', async () => {
  await publishAll([...numbers(3, 500), ...numbers(11, 700)])
  await start({ processors: [summing()] })
  await until(
    () => sums(db),
    (found) => found[3] === triangle(500) && found[11] === triangle(700),
  )
})

test('what is published while the lanes work is summed within a second', async () => {
  await start({ processors: [summing()] })
  await until(
    async () => (await sql`select from lane where owner is not null`.execute(db)).rows.length,
    (owned) => owned === 16,
  )
  const publishedAt = performance.now()
  await log.publish(numberMessage(3, 7))
  await until(sumOf(3), (sum) => sum === 7)
  expect(performance.now() - publishedAt).toBeLessThan(1_000)
})

test('a lane that is behind commits several pulls at once', async () => {
  await publishAll(numbers(3, 300))
  const sizes: number[] = []
  const slight: EventLog = { ...log, reader: (options) => log.reader({ ...options, maxMessages: 20 }) }
  await start({ processors: [summing({ onBatch: ({ length }) => sizes.push(length) })] }, slight)
  await until(sumOf(3), (sum) => sum === triangle(300))
  expect(Math.max(...sizes)).toBeGreaterThan(20)
})

test('types the processor does not name only move the checkpoint', async () => {
  await log.publish({ ...numberMessage(3, 1), headers: { 'Plimsoll-Type': 'another.v1.Type' } })
  await publishAll(numbers(3, 2))
  await start({ processors: [summing()] })
  await until(sumOf(3), (sum) => sum === triangle(2))
})

describe('invariant 2: the checkpoint belongs to the stream', () => {
  test('a stream that was made again halts the lane with the reason, and nothing is skipped or summed', async () => {
    await publishAll(numbers(3, 50))
    const first = await start({ processors: [summing()] })
    await until(sumOf(3), (sum) => sum === triangle(50))
    await first.stop()

    log = createMemoryLog({ now: () => Date.now() + 1_000 })
    await publishAll(numbers(3, 80))
    const second = await start({ processors: [summing()] })
    const status = await until(
      () => second.status(),
      (found) => found.some(({ state }) => state === 'halted'),
    )
    expect(status.find(({ state, lane }) => state === 'halted' && lane === 3)?.reason).toContain(
      'stream USAGE was made again',
    )
    expect(await sumOf(3)()).toBe(triangle(50))
  })

  test('an idle lane moves on with the stream when it is stopped, so that age cannot overtake it', async () => {
    await publishAll(numbers(3, 5))
    const lanes = await start({ processors: [summing()] })
    await until(sumOf(3), (sum) => sum === triangle(5))
    await lanes.stop()
    const { rows } = await sql<{ seq: number }>`select distinct seq from lane`.execute(db)
    expect(rows).toEqual([{ seq: 5 }])
  })
})

describe('invariant 3: a gap in the deliveries is read again', () => {
  test('from the checkpoint, by a reader of another name', async () => {
    await publishAll(numbers(3, 300))
    const names: string[] = []
    let gaps = 0
    const leaky: EventLog = {
      ...log,
      async reader(options) {
        names.push(options.name)
        const reader = await log.reader({ ...options, maxMessages: 50 })
        let batches = 0
        return {
          ...reader,
          async pull() {
            const batch = await reader.pull()
            if (batch.length === 0 || ++batches < 2 || gaps === 3) return batch
            gaps++ // this batch is lost on the way
            throw appError('log-gap', 'deliveries were lost')
          },
        }
      },
    }
    await start({ processors: [summing()] }, leaky)
    await until(sumOf(3), (sum) => sum === triangle(300))
    expect(gaps).toBe(3)
    expect(new Set(names).size).toBe(names.length)
    expect(names[0]).toMatch(/^performance-sum-v1-\d\d-1-[0-9a-z]+$/)
  })
})

describe('invariant 5: one transaction', () => {
  test('rows, checkpoint and events commit together or not at all', async () => {
    await publishAll(numbers(3, 10))
    let failing = true
    const processor = summing({
      events: () => [fact()],
      onWrite() {
        if (failing) throw appError('database-unavailable', 'between the rows and the commit')
      },
    })
    const lanes = await start({ processors: [processor] })
    await until(
      () => lanes.status(),
      (status) => status.some(({ lane, state }) => lane === 3 && state === 'retrying'),
    )
    expect(await sums(db)).toEqual({})
    expect((await sql`select from lane where seq > 0`.execute(db)).rows).toEqual([])
    expect(await published()).toEqual([])
    failing = false
    await until(sumOf(3), (sum) => sum === triangle(10))
    await until(published, (ids) => ids.length === 1)
  })

  test('events are published in order, under ids made of what caused them', async () => {
    await publishAll(numbers(3, 3))
    const events = (batch: readonly { readonly seq: number }[]) => batch.flatMap(({ seq }) => [fact(seq), fact(seq)])
    await start({ processors: [summing({ events })] })
    expect(await until(published, (ids) => ids.length === 6)).toEqual(
      [1, 2, 3].flatMap((seq) => [0, 1].map((i) => `performance.sum.v1.03.${seq}.${i}`)),
    )
    const message = await log.get('DERIVED', 1)
    expect(message?.headers).toMatchObject({
      'Plimsoll-Type': factType,
      'Plimsoll-Source': 'performance',
      'Plimsoll-Time': '2023-11-14T22:13:20.000Z',
    })
    expect(message && decodeEvent(message.data)).toEqual({ type: factType, value: examples[factType] })
    await until(
      async () => (await sql`select from outbox`.execute(db)).rows.length,
      (rows) => rows === 0,
    )
  })

  test('an event does not overtake one that the broker did not take', async () => {
    await publishAll(numbers(3, 40))
    let calls = 0
    const moody: EventLog = {
      ...log,
      publish(message) {
        calls++
        const refuse = calls < 40 && calls % 7 === 0
        return refuse ? Promise.reject(appError('broker-unavailable', 'not now')) : log.publish(message)
      },
    }
    await start({ processors: [summing({ events: (batch) => batch.map(({ seq }) => fact(seq)) })] }, moody)
    const ids = await until(published, (found) => found.length === 40)
    expect(ids).toEqual(Array.from({ length: 40 }, (_, i) => `performance.sum.v1.03.${i + 1}.0`))
  })

  test('a new owner publishes what the old one left before it reads on', async () => {
    await publishAll(numbers(3, 1))
    await sql`
      insert into outbox (processor, version, lane, id, subject, headers, data)
      values ('sum', 1, 3, 'left over', 'derived.03.performance.RegressionResolved', '{}', '\\x00')`.execute(db)
    await start({ processors: [summing({ events: (batch) => batch.map(({ seq }) => fact(seq)) })] })
    expect(await until(published, (ids) => ids.length === 2)).toEqual(['left over', 'performance.sum.v1.03.1.0'])
  })

  test('an owner whose lane was taken over cannot commit', async () => {
    await publishAll(numbers(3, 1))
    const taken = Promise.withResolvers<void>()
    const processor = summing({
      onBatch: () => taken.resolve(),
      onWrite: () => undefined,
    })
    const slow: Processor<unknown> = {
      ...processor,
      async handle(state, batch, context) {
        const outcome = await processor.handle(state, batch, context)
        await sql`update lane set epoch = epoch + 1, owner = 'a thief', lease_until = now() + interval '1 minute' where lane = 3`.execute(
          db,
        )
        return outcome
      },
    }
    const lanes = await start({ processors: [slow] })
    await taken.promise
    await until(
      () => lanes.status(),
      (status) => status.some(({ lane, state }) => lane === 3 && state === 'elsewhere'),
    )
    expect(await sums(db)).toEqual({})
  })
})

describe('invariant 6: a failed commit discards the state', () => {
  test.each([
    ['transient', () => appError('database-unavailable', 'deadlock')],
    ['unknown', () => new Error('a surprise')],
  ])('a %s error leaves no trace in the sum', async (_, error) => {
    await publishAll(numbers(3, 100))
    let failures = 0
    const onWrite = () => {
      if (failures++ < 3) throw error()
    }
    await start({ processors: [summing({ onWrite })] })
    await until(sumOf(3), (sum) => sum === triangle(100))
    expect(await sums(db)).toEqual({ 3: triangle(100) })
  })
})

describe('errors', () => {
  const letters = async () =>
    (
      await sql<{ seq: number; reason: string; body: string }>`
      select seq, reason, convert_from(data, 'utf8') as body from dead_letter order by seq`.execute(db)
    ).rows

  test('poison is found in its batch, kept as it was, and all others are handled', async () => {
    await publishAll([
      ...numbers(3, 60),
      numberMessage(3, 'poison'),
      ...numbers(3, 37),
      numberMessage(3, 'more'),
      numberMessage(3, 1),
    ])
    await start({ processors: [summing()] })
    await until(sumOf(3), (sum) => sum === triangle(60) + triangle(37) + 1)
    expect(await letters()).toEqual([
      { seq: 61, reason: 'not a number', body: 'poison' },
      { seq: 99, reason: 'not a number', body: 'more' },
    ])
    const dead = await until(
      () => log.info('DEADLETTER'),
      ({ lastSeq }) => lastSeq === 2,
    )
    expect(dead.lastSeq).toBe(2)
    expect((await log.get('DEADLETTER', 1))?.headers).toMatchObject({
      'Plimsoll-Stream': 'USAGE',
      'Plimsoll-Seq': '61',
      'Plimsoll-Reason': 'not a number',
    })
  })

  test('an undecodable event is poison', async () => {
    await log.publish(numberMessage(3, 'this is not Avro'))
    const decoding: Processor<unknown> = {
      ...summing(),
      handle(_, batch) {
        for (const { data } of batch) decodeEvent(data)
        return {}
      },
    }
    await start({ processors: [decoding] })
    const [letter] = await until(letters, (found) => found.length === 1)
    expect(letter?.reason).toContain('does not start with C3 01')
  })

  test('a message without a type is poison, not overlooked', async () => {
    await log.publish({ subject: 'usage.03.Number', data: new Uint8Array() })
    await start({ processors: [summing()] })
    expect(await until(letters, (found) => found.length === 1)).toMatchObject([
      { reason: 'the message has no Plimsoll-Type header' },
    ])
  })

  test('an unknown error is tried five times on its message alone, then it is poison', async () => {
    await publishAll(numbers(3, 8))
    let tries = 0
    const onBatch = (batch: readonly { readonly seq: number }[]) => {
      if (!batch.some(({ seq }) => seq === 5)) return
      if (batch.length === 1) tries++
      throw new TypeError('undefined is not a function')
    }
    await start({ processors: [summing({ onBatch })] })
    await until(sumOf(3), (sum) => sum === triangle(8) - 5)
    expect(tries).toBe(5)
    expect(await letters()).toMatchObject([{ seq: 5, reason: 'undefined is not a function' }])
  })

  test('a transient error skips nothing, however often it comes', async () => {
    await publishAll(numbers(3, 8))
    let failures = 0
    const onBatch = () => {
      if (failures++ < 6) throw appError('timeout', 'slow')
    }
    await start({ processors: [summing({ onBatch })] })
    await until(sumOf(3), (sum) => sum === triangle(8))
    expect(await letters()).toEqual([])
  })

  test('poison halts the lane where the processor says so, and the row and the status say why', async () => {
    await publishAll([numberMessage(3, 1), numberMessage(3, 'poison'), numberMessage(3, 1)])
    await publishAll(numbers(4, 2))
    const lanes = await start({ processors: [summing({ onPoison: 'halt' })] })
    await until(
      () => lanes.status(),
      (status) => status.some(({ state }) => state === 'halted'),
    )
    expect(lanes.status().filter(({ state }) => state === 'halted')).toMatchObject([
      { lane: 3, reason: 'message 2 of USAGE: not a number' },
    ])
    await until(
      () => sums(db),
      (found) => found[3] === 1 && found[4] === triangle(2),
    )
    expect(await letters()).toEqual([])
  })
})

describe('sharing', () => {
  const owners = async () =>
    (
      await sql<{
        lanes: number
      }>`select count(*) as lanes from lane where owner is not null group by owner order by 1`.execute(db)
    ).rows.map(({ lanes }) => lanes)

  test('processes share the lanes, give some up to a new one, and take over from one that left', async () => {
    await start({ processors: [summing()] })
    expect(await until(owners, ([lanes]) => lanes === 16)).toEqual([16])
    const second = await start({ processors: [summing()] })
    await until(owners, (found) => found.join() === '8,8')
    const third = await start({ processors: [summing()] })
    await until(owners, (found) => found.join() === '4,6,6')
    await second.stop()
    await third.stop()
    await until(owners, (found) => found.join() === '16')
  })

  test('a lane that could not be released is worked again once its lease has run out', async () => {
    await publishAll(numbers(3, 5))
    await start({ processors: [summing()] }, log, 'me').then((lanes) => lanes.stop())
    await publishAll(numbers(3, 1))
    // As if the database had been away at the release: the owner is there, and does not know of its lane.
    await sql`update lane set owner = 'me', lease_until = now() + interval '500 milliseconds' where lane = 3`.execute(
      db,
    )
    await start({ processors: [summing()] }, log, 'me')
    await until(sumOf(3), (sum) => sum === triangle(5) + 1)
  })

  test('the sums stay exact while owners change', async () => {
    await start({ processors: [summing()] })
    const publishing = (async () => {
      for (let i = 0; i < 40; i++) {
        await publishAll([...numbers(1, 50), ...numbers(9, 50)])
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    })()
    for (let i = 0; i < 3; i++) {
      const other = await start({ processors: [summing()] })
      await new Promise((resolve) => setTimeout(resolve, 300))
      await other.stop()
    }
    await publishing
    const expected = 40 * triangle(50)
    expect(
      await until(
        () => sums(db),
        (found) => found[1] === expected && found[9] === expected,
      ),
    ).toEqual({ 1: expected, 9: expected })
  })
})

describe('tickers', () => {
  const counting = (tick: (tx: Parameters<Ticker<unknown>['tick']>[1]) => Promise<void> = async () => {}) =>
    ticker<{ ticks: number }>({
      name: 'clockwork',
      version: 1,
      lanes: 1,
      everyMs: 20,
      load: async () => ({ ticks: 0 }),
      async tick(state, tx) {
        state.ticks++
        await sql`insert into counter (series, total) values (0, 1) on conflict (series) do update set total = counter.total + 1`.execute(
          tx,
        )
        await tick(tx)
        return { events: [fact()] }
      },
    })
  const ticks = async () =>
    (await sql<{ seq: number }>`select seq from lane where processor = 'clockwork'`.execute(db)).rows[0]?.seq ?? 0

  test('tick on one process only, and number their events by tick', async () => {
    await Promise.all([start({ tickers: [counting()] }), start({ tickers: [counting()] })])
    await until(ticks, (count) => count >= 5)
    await Promise.all(running.splice(0).map((lanes) => lanes.stop()))
    const count = await ticks()
    expect(await sums(db)).toEqual({ 0: count })
    expect(await published()).toEqual(Array.from({ length: count }, (_, i) => `performance.clockwork.v1.00.${i + 1}.0`))
  })

  test('a tick that fails leaves nothing behind and comes again', async () => {
    let failures = 0
    await start({
      tickers: [
        counting(async () => {
          if (failures++ < 2) throw new Error('half done')
        }),
      ],
    })
    await until(ticks, (count) => count >= 2)
    await Promise.all(running.splice(0).map((lanes) => lanes.stop()))
    expect(await sums(db)).toEqual({ 0: await ticks() })
  })

  test('one that has long work before it ends with its next statement when it is stopped, and leaves nothing behind', async () => {
    const underWay = Promise.withResolvers<void>()
    const lanes = await start({
      tickers: [
        counting(async (tx) => {
          for (let day = 0; day < 1_000; day++) {
            await bulkAppend(tx, 'counter', [
              { name: 'series', type: 'int4', values: [1 + day] },
              { name: 'total', type: 'float8', values: [0] },
            ])
            await pause(20)
            if (day === 5) underWay.resolve()
          }
        }),
      ],
    })
    await underWay.promise
    const stoppedAt = performance.now()
    await lanes.stop()
    expect(performance.now() - stoppedAt).toBeLessThan(1_000)
    expect([await sums(db), await ticks()]).toEqual([{}, 0])
    const { rows } = await sql`select from lane where owner is not null`.execute(db)
    expect(rows).toEqual([])
  })
})

test('stopping finishes and publishes what is under way, and leaves no owner', async () => {
  await publishAll(numbers(3, 200))
  const lanes = await start({ processors: [summing({ events: (batch) => batch.map(({ seq }) => fact(seq)) })] })
  await until(sumOf(3), (sum) => sum > 0)
  await lanes.stop()
  const { rows } = await sql<{ seq: number }>`select seq from lane where lane = 3 and owner is null`.execute(db)
  const seq = rows[0]?.seq ?? 0
  expect(await sumOf(3)()).toBe(triangle(seq))
  expect(await published()).toHaveLength(seq)
  expect((await sql`select from outbox`.execute(db)).rows).toEqual([])
})
