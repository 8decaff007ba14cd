/**
 * What a lane worker carries on real servers, written to disk: `node tools/bench/lane.ts [--json] [--samples N] [--series N,...]`.
 * Pull, decode, fold and commit, beside the same stream read by the same client without a handler, and by a durable
 * consumer that acknowledges every message.
 */
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { laneFilter } from '@plimsoll/contracts/subjects.ts'
import { systemClock } from '@plimsoll/kit/clock.ts'
import { migrateService } from '@plimsoll/kit/db/migrate.ts'
import { openDatabase } from '@plimsoll/kit/db/pool.ts'
import { type Lanes, startLanes } from '@plimsoll/kit/lanes/lanes.ts'
import { loadPages } from '@plimsoll/kit/lanes/pages.ts'
import { connectJetStream, connectWire } from '@plimsoll/kit/log/jetstream.ts'
import type { EventLog } from '@plimsoll/kit/log/log.ts'
import { ensureStreams } from '@plimsoll/kit/log/streams.ts'
import { createLogger } from '@plimsoll/kit/telemetry/logger.ts'
import { createMetrics } from '@plimsoll/kit/telemetry/prometheus.ts'
import { benchMessage, samplesPerMessage } from './lane/batches.ts'
import { countingFold, samplesIn } from './lane/fold.ts'
import { laneCount } from './lanes.ts'
import { withServers } from './servers.ts'

export type LaneRow = {
  readonly series: number
  readonly what: 'lane worker' | 'raw pull' | 'durable, explicit acks'
  readonly samples: number
  readonly samplesPerSecond: number
  readonly messagesPerSecond: number
  /** CPU of this process, per sample. */
  readonly cpuNsPerSample: number
  /** Rows written to the database, by the worker only. */
  readonly rows: number
}

export type LaneBenchOptions = {
  readonly json: boolean
  readonly samples?: number
  /** Runs to make, by their number of series. */
  readonly series?: readonly number[]
}

/** Prints and returns a row per reader and number of series. Throws when a sum is not exact. */
export async function laneBench(options: LaneBenchOptions): Promise<LaneRow[]> {
  const { json, samples = 4_000_000, series: runs = [1_000, 10_000, 100_000] } = options
  const rows: LaneRow[] = []
  for (const series of runs) rows.push(...(await measure(series, Math.ceil(samples / samplesPerMessage))))
  if (json) console.log(JSON.stringify({ cpus: cpus().length, node: process.version, rows }))
  else print(rows)
  return rows
}

async function measure(series: number, messages: number): Promise<LaneRow[]> {
  return await withServers(async ({ natsUrl, databaseUrl }) => {
    await ensureStreams({ url: natsUrl }, { lanes: laneCount })
    // Each message is synced to disk before its ack, which a busy machine may take long over.
    const log = await connectJetStream({ url: natsUrl, publisher: { window: 64, ackTimeoutMs: 60_000 } })
    await publishAll(log, series, messages)
    const rowOf = (what: LaneRow['what'], spent: Spent, rows: number): LaneRow => ({
      series,
      what,
      samples: messages * samplesPerMessage,
      samplesPerSecond: (messages * samplesPerMessage) / spent.seconds,
      messagesPerSecond: messages / spent.seconds,
      cpuNsPerSample: spent.cpuNs / (messages * samplesPerMessage),
      rows,
    })
    await pullAll(log, messages) // compiles the client, fills the page cache
    const raw = rowOf('raw pull', await spentOn(() => pullAll(log, messages)), 0)
    const acked = rowOf('durable, explicit acks', await spentOn(() => ackAll(natsUrl, messages)), 0)
    const { worked, rows } = await workAll(log, databaseUrl, messages)
    await log.close()
    return [rowOf('lane worker', worked, rows), raw, acked]
  })
}

async function publishAll(log: EventLog, series: number, messages: number): Promise<void> {
  for (let i = 0; i < messages; ) {
    const window: Promise<unknown>[] = []
    for (const end = Math.min(i + 512, messages); i < end; i++) window.push(log.publish(benchMessage(i, series)))
    await Promise.all(window)
  }
}

type Spent = { readonly seconds: number; readonly cpuNs: number }

async function spentOn(work: () => Promise<void>): Promise<Spent> {
  const cpu = process.cpuUsage()
  const startedAt = performance.now()
  await work()
  const { user, system } = process.cpuUsage(cpu)
  return { seconds: (performance.now() - startedAt) / 1000, cpuNs: (user + system) * 1000 }
}

/** Works all lanes until every sample is committed, and checks the sum; `rows` is how many that wrote. */
async function workAll(
  log: EventLog,
  databaseUrl: string,
  messages: number,
): Promise<{ readonly worked: Spent; readonly rows: number }> {
  const service = 'bench'
  await migrateService({ url: databaseUrl, service, migrations: new URL('./lane/migrations/', import.meta.url) })
  const database = openDatabase<unknown>({ url: databaseUrl, service })
  const done = Promise.withResolvers<void>()
  let [samples, rows] = [0, 0]
  const processor = countingFold((count, written) => {
    samples += count
    rows += written
    if (samples >= messages * samplesPerMessage) done.resolve()
  })
  const lanesOptions = {
    service,
    processors: [processor],
    tickers: [],
    db: database.worker,
    log,
    clock: systemClock,
    logger: createLogger({ level: 'warn', format: 'pretty' }),
    metrics: createMetrics({ processMetrics: false }),
  }
  let lanes: Lanes | undefined
  const worked = await spentOn(async () => {
    lanes = await startLanes(lanesOptions)
    await done.promise
  })
  await lanes?.stop()
  const pages = await database.worker.transaction().execute(async (tx) => {
    const found = []
    for (let lane = 0; lane < laneCount; lane++) found.push(...(await loadPages(tx, lane)))
    return found
  })
  await database.close()
  const found = samplesIn(pages)
  if (found === messages * samplesPerMessage) return { worked, rows }
  throw new Error(`${found} samples were counted of ${messages * samplesPerMessage}`)
}

/** The same readers, all lanes side by side, and nothing done with what they return. */
async function pullAll(log: EventLog, messages: number): Promise<void> {
  const each = Array.from({ length: laneCount }, async (_, lane) => {
    const name = `bench-${crypto.randomUUID()}`
    const reader = await log.reader({ stream: 'METRIC', filter: laneFilter('METRIC', lane), startSeq: 1, name })
    let read = 0
    while (!(await reader.caughtUp())) read += (await reader.pull()).length
    await reader.close()
    return read
  })
  const read = (await Promise.all(each)).reduce((sum, count) => sum + count, 0)
  if (read !== messages) throw new Error(`${read} messages were read of ${messages}`)
}

/** One durable consumer over the whole stream that keeps the position at the broker: an ack for each message. */
async function ackAll(natsUrl: string, messages: number): Promise<void> {
  const wire = await connectWire({ url: natsUrl })
  const [durable, inbox, ack] = ['bench-durable', wire.inbox(), new TextEncoder().encode('+ACK')]
  await wire.request(`$JS.API.CONSUMER.DURABLE.CREATE.METRIC.${durable}`, {
    stream_name: 'METRIC',
    config: { durable_name: durable, ack_policy: 'explicit', deliver_policy: 'all', max_ack_pending: 10_000 },
  })
  const done = Promise.withResolvers<void>()
  let [read, left] = [0, 0]
  const pull = () => {
    left = 100
    const body = JSON.stringify({ batch: left, expires: 5e9 })
    wire.publish(`$JS.API.CONSUMER.MSG.NEXT.METRIC.${durable}`, new TextEncoder().encode(body), { reply: inbox })
  }
  wire.subscribe(inbox, ({ reply, status }) => {
    if (status !== 0) return
    wire.publish(reply, ack, {})
    left--
    if (++read === messages) done.resolve()
    else if (left === 0) pull()
  })
  pull()
  await done.promise
  await wire.request(`$JS.API.CONSUMER.INFO.METRIC.${durable}`) // behind the last ack
  await wire.close()
}

function print(rows: readonly LaneRow[]): void {
  const cell = (value: string | number, width: number) => String(value).padStart(width)
  console.log(
    `${cell('series', 8)}  ${'reader'.padEnd(24)}${cell('samples/s', 12)}${cell('messages/s', 12)}${cell('CPU ns/sample', 15)}${cell('rows written', 14)}`,
  )
  for (const { series, what, samplesPerSecond, messagesPerSecond, cpuNsPerSample, rows: written } of rows) {
    const rate = (value: number) => Math.round(value).toLocaleString('en')
    console.log(
      `${cell(series, 8)}  ${what.padEnd(24)}${cell(rate(samplesPerSecond), 12)}${cell(rate(messagesPerSecond), 12)}${cell(cpuNsPerSample.toFixed(0), 15)}${cell(rate(written), 14)}`,
    )
  }
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      samples: { type: 'string', default: '4000000' },
      series: { type: 'string', default: '1000,10000,100000' },
    },
  })
  const series = values.series.split(',').map(Number)
  await laneBench({ json: values.json, samples: Number(values.samples), series })
}
