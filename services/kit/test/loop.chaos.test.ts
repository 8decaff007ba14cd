import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { defaultLaneCount } from '@plimsoll/contracts/lane.ts'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { migrateService } from '../db/migrate.ts'
import { openDatabase, type ServiceDatabase } from '../db/pool.ts'
import { until } from '../lanes/testing.ts'
import { connectJetStream } from '../log/jetstream.ts'
import type { EventLog } from '../log/log.ts'
import { ensureStreams } from '../log/streams.ts'
import { type Stack, startStack } from '../testing/stack.ts'
import { addSamples, type SeriesSum, sampleMessage, samplesPerMessage } from './folding.ts'
import { retried } from './retried.ts'

/** PLIMSOLL_CHAOS=full is the long run, half of whose harms are kills of workers; the short one is part of every test run. */
const size =
  process.env.PLIMSOLL_CHAOS === 'full'
    ? { harms: 400, samples: 20_000_000, timeoutMs: 2_400_000 }
    : { harms: 12, samples: 400_000, timeoutMs: 240_000 }
const messages = size.samples / samplesPerMessage
const seed = Number(process.env.PLIMSOLL_SEED ?? Date.now() % 1_000_000)

let stack: Stack
let database: ServiceDatabase
let log: EventLog
const workers: ChildProcess[] = []

beforeAll(async () => {
  stack = await startStack()
  await ensureStreams({ url: stack.natsUrl })
  await migrateService({
    url: stack.databaseUrl,
    service: 'performance',
    migrations: new URL('./migrations/', import.meta.url),
  })
  database = openDatabase({ url: stack.databaseUrl, service: 'performance' })
  log = await connectJetStream({ url: stack.natsUrl })
})
afterAll(async () => {
  for (const worker of workers) worker.kill('SIGKILL')
  await log.close()
  await database.close()
  await stack.stop()
})

function startWorker(): void {
  const worker = spawn(process.execPath, [fileURLToPath(new URL('./chaos-worker.ts', import.meta.url))], {
    env: { ...process.env, NATS_URL: stack.natsUrl, DATABASE_URL: stack.databaseUrl },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  workers.push(worker)
}

/** Mulberry32 (T. Ettinger): a run can be repeated from its seed, up to what the machine does. */
function randomOf(state: number): () => number {
  let a = state
  return () => {
    a = (a + 0x6d2b79f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
const random = randomOf(seed)
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

const expected = new Map<number, SeriesSum>()
let published = 0

async function publishUpTo(count: number): Promise<void> {
  const window: Promise<unknown>[] = []
  for (; published < count; published++) {
    const message = sampleMessage(published)
    addSamples(expected, published % defaultLaneCount, message.data)
    window.push(retried(() => log.publish(message)))
    if (window.length === 256) await Promise.all(window.splice(0))
  }
  await Promise.all(window)
}

async function actual(): Promise<Map<number, SeriesSum>> {
  const { rows } = await retried(() =>
    sql<{ series: number } & SeriesSum>`select series, samples, total from series_sum`.execute(database.worker),
  )
  return new Map(rows.map(({ series, samples, total }) => [series, { samples, total }]))
}

const samplesIn = (sums: ReadonlyMap<number, SeriesSum>) =>
  [...sums.values()].reduce((sum, { samples }) => sum + samples, 0)

const halted = async () =>
  (
    await sql<{ lane: number; reason: string }>`
      select lane, halted_reason as reason from lane where halted_reason is not null`.execute(database.worker)
  ).rows

function live(): ChildProcess[] {
  return workers.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)
}

/** Does one bad thing. Workers die by kill -9, are frozen past their lease, or meet a newcomer; servers restart. */
async function harm(k: number): Promise<string> {
  const all = live()
  const victim = all[Math.floor(random() * all.length)]
  if (k % 12 === 5) {
    await stack.killNats()
    return 'kill -9 of the broker'
  }
  if (k % 12 === 8) {
    await stack.restartPostgres()
    return 'restart of PostgreSQL'
  }
  if (k % 12 === 10) {
    await stack.killPostgres()
    return 'kill -9 of PostgreSQL'
  }
  if (k % 4 === 3 && victim) {
    victim.kill('SIGSTOP')
    await pause(2_500) // longer than the lease: its lanes go to others before it wakes
    victim.kill('SIGCONT')
    return 'a worker frozen past its lease'
  }
  victim?.kill('SIGKILL')
  startWorker()
  return 'kill -9 of a worker'
}

test(
  `sums over ${size.samples} samples are exact under ${size.harms} harms (seed ${seed})`,
  async () => {
    for (let i = 0; i < 3; i++) startWorker()
    await until(actual, () => live().length === 3)
    const done: Record<string, number> = {}
    for (let k = 0; k < size.harms; k++) {
      const publishing = publishUpTo(Math.ceil(((k + 1) / size.harms) * messages))
      await pause(150 + random() * 350)
      const what = await harm(k)
      done[what] = (done[what] ?? 0) + 1
      await publishing
    }
    const found = await until(actual, (sums) => samplesIn(sums) >= size.samples, size.timeoutMs / 3)
    expect(found).toEqual(expected)
    expect(await halted()).toEqual([])
    // Whatever happens to its servers, a worker does not end by itself.
    expect(workers.filter(({ exitCode }) => exitCode !== null)).toEqual([])

    const facts = async () =>
      (
        await retried(() =>
          sql<{ facts: number; deliveries: number }>`
            select count(*) as facts, coalesce(sum(deliveries), 0) as deliveries from fact`.execute(database.worker),
        )
      ).rows[0]
    await until(facts, (row) => row?.facts === messages, size.timeoutMs / 3)
    expect(await facts()).toEqual({ facts: messages, deliveries: messages })
    expect((await log.info('DERIVED')).messages).toBe(messages)
    const { rows } = await sql<{ epochs: number }>`select sum(epoch)::int as epochs from lane`.execute(database.worker)
    process.stderr.write(
      `chaos: ${JSON.stringify({ seed, samples: size.samples, harms: done, epochs: rows[0]?.epochs })}\n`,
    )
  },
  size.timeoutMs,
)

test('a broker that lost everything halts every lane that had read it, with the reason, and sums stay', async () => {
  const before = await actual()
  await stack.wipeNats()
  await retried(() => ensureStreams({ url: stack.natsUrl }))
  // More than before: nothing in the numbers alone would tell.
  for (let i = 0; i < 64; i++) await retried(() => log.publish({ ...sampleMessage(i), id: `after-wipe-${i}` }))
  if (live().length === 0) startWorker()
  const lanes = await until(halted, (found) => found.length === 2 * defaultLaneCount, 60_000)
  for (const { reason } of lanes) expect(reason).toMatch(/was made again at/)
  expect(await actual()).toEqual(before)
})
