/** Workers die by kill -9 in the middle of chunks; every event counts once all the same. */

import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { UsageEvent } from '@plimsoll/contracts/usage-batch.ts'
import { migrateService } from '@plimsoll/kit/db/migrate.ts'
import { openDatabase, type ServiceDatabase } from '@plimsoll/kit/db/pool.ts'
import { until } from '@plimsoll/kit/lanes/testing.ts'
import { connectJetStream } from '@plimsoll/kit/log/jetstream.ts'
import type { EventLog } from '@plimsoll/kit/log/log.ts'
import { ensureStreams } from '@plimsoll/kit/log/streams.ts'
import { type Stack, startStack } from '@plimsoll/kit/testing/stack.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DAY_MS, dayOf } from '../domain/day.ts'
import { ANY } from '../domain/usage-cells.ts'
import { readCells } from '../store/cells.ts'
import type { Tables } from '../store/tables.ts'
import { publishUsage, usageEvent } from './usage-batches.ts'
import { readFigures, trueFigures } from './usage-truth.ts'

const KILLS = 10
const EVENTS = 12_000
const [USERS, ACCOUNTS, DAYS] = [60, 6, 40]
const seed = Number(process.env.PLIMSOLL_SEED ?? Date.now() % 1_000_000)

let stack: Stack
let database: ServiceDatabase<Tables>
let log: EventLog
const workers: ChildProcess[] = []

beforeAll(async () => {
  stack = await startStack()
  await ensureStreams({ url: stack.natsUrl })
  const url = stack.databaseUrl
  await migrateService({
    url,
    service: 'customer-success',
    migrations: new URL('../store/migrations/', import.meta.url),
  })
  database = openDatabase<Tables>({ url, service: 'customer-success' })
  log = await connectJetStream({ url: stack.natsUrl })
})
afterAll(async () => {
  for (const worker of workers) worker.kill('SIGKILL')
  await log?.close()
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

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

function startWorker(): ChildProcess {
  const worker = spawn(process.execPath, [fileURLToPath(new URL('./usage-worker.ts', import.meta.url))], {
    env: { ...process.env, NATS_URL: stack.natsUrl, DATABASE_URL: stack.databaseUrl },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  workers.push(worker)
  return worker
}

test(`every event counts once under ${KILLS} kills (seed ${seed})`, async () => {
  const today = dayOf(Date.now())
  const events: UsageEvent[] = Array.from({ length: EVENTS }, (_, i) => {
    const user = random(USERS)
    const timeMs = (today - DAYS + random(DAYS)) * DAY_MS + random(DAY_MS)
    return usageEvent({ id: `e${i}`, userId: `u${user}`, accountId: `a${user % ACCOUNTS}`, timeMs })
  })
  const publishing = (async () => {
    for (let from = 0; from < events.length; from += 300) {
      const part = events.slice(from, from + 300)
      const repeated = events.slice(0, from).filter(() => random(400) === 0)
      await publishUsage(log, [...part, ...repeated], Date.now())
      await pause(50)
    }
  })()
  let worker = startWorker()
  for (let kill = 0; kill < KILLS; kill++) {
    await pause(1_800 + random(700))
    worker.kill('SIGKILL')
    worker = startWorker()
  }
  await publishing
  const stored = () =>
    database.worker
      .selectFrom('event_key')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow()
  await until(stored, ({ count }) => count >= EVENTS, 120_000)
  expect(await stored()).toEqual({ count: EVENTS })

  const uses = events.map(({ userId, timeMs }) => ({
    ...{ node: Number(userId.slice(1)) + 1, account: (Number(userId.slice(1)) % ACCOUNTS) + 1, feature: 3 },
    ...{ day: dayOf(timeMs), count: 1 },
  }))
  const [from, to] = [today - DAYS, today + 90]
  const truth = trueFigures(
    {
      ...{ uses, memberships: [], links: [], nodes: Array.from({ length: USERS }, (_, i) => i + 1) },
      groupsOf: () => [],
      accountSubjectOf: (account) => `account:a${account - 1}`,
    },
    from,
    to,
  )
  const subjects = ['all', ...Array.from({ length: ACCOUNTS }, (_, i) => `account:a${i}`)]
  const found = await readCells(database.worker, subjects, from, to)
  for (const subject of subjects) {
    expect(readFigures(found.get(subject) ?? new Map(), ANY, from, to)).toEqual(truth(subject, ANY))
  }
})
