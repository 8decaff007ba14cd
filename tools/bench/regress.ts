/**
 * What the processor `regression` carries on real servers:
 * `node tools/bench/regress.ts [--json] [--endpoints N] [--scrapes N] [--every SECONDS] [--apart MS]`.
 * Pull, decode, fold, close, judge and commit of a fleet's latency histograms, as fast as it goes or with `--apart` between
 * two scrapes, and the memory of a process that does nothing else: the messages are published by another one.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { systemClock } from '@plimsoll/kit/clock.ts'
import { readConfig } from '@plimsoll/kit/config.ts'
import { migrateService } from '@plimsoll/kit/db/migrate.ts'
import { openDatabase } from '@plimsoll/kit/db/pool.ts'
import { startLanes } from '@plimsoll/kit/lanes/lanes.ts'
import { processor } from '@plimsoll/kit/lanes/processor.ts'
import { connectJetStream } from '@plimsoll/kit/log/jetstream.ts'
import type { OutgoingMessage } from '@plimsoll/kit/log/log.ts'
import { ensureStreams } from '@plimsoll/kit/log/streams.ts'
import { createLogger } from '@plimsoll/kit/telemetry/logger.ts'
import { createMetrics } from '@plimsoll/kit/telemetry/prometheus.ts'
import { performanceConfig } from '@plimsoll/performance/config.ts'
import { regressionProcessor } from '@plimsoll/performance/events/regression.ts'
import { sql } from 'kysely'
import { messagesPerScrape, samplesPerScrapeMessage, scrapeMessage } from './lane/scrapes.ts'
import { laneCount } from './lanes.ts'
import { withServers } from './servers.ts'

/** The bar: resident memory of a process that watches 10,000 endpoints. */
const barMegabytes = 300

export type RegressRow = {
  readonly endpoints: number
  readonly series: number
  readonly samples: number
  readonly samplesPerSecond: number
  readonly cpuNsPerSample: number
  /** Windows written to the database. */
  readonly windows: number
  /** Resident at the end, and before the first message. */
  readonly rssMegabytes: number
  readonly rssBeforeMegabytes: number
  /** Of the first without pages of files, Node's own program above all. */
  readonly privateMegabytes: number
}

type Task = {
  readonly natsUrl: string
  readonly databaseUrl: string
  readonly endpoints: number
  readonly messages: number
}

/** Prints and returns the row. Throws when samples are missing. */
export async function regressBench(options: {
  readonly json: boolean
  readonly endpoints: number
  readonly scrapes: number
  /** Between two scrapes. */
  readonly everySeconds: number
  /** Between the publishing of two scrapes; 0 has all of them in the log before the first is read. */
  readonly apartMs: number
}): Promise<RegressRow> {
  const { json, endpoints, scrapes, everySeconds, apartMs } = options
  return await withServers(async ({ natsUrl, databaseUrl }) => {
    const perScrape = messagesPerScrape(endpoints)
    const messages = perScrape * scrapes
    await ensureStreams({ url: natsUrl }, { lanes: laneCount })
    const message = (i: number) => scrapeMessage(i, endpoints, everySeconds * 1000)
    if (apartMs === 0) await publish(natsUrl, 0, messages, message)
    const child = fork(fileURLToPath(import.meta.url), ['--worker'])
    child.send({ natsUrl, databaseUrl, endpoints, messages } satisfies Task)
    const ended = once(child, 'exit').then(([code]): never => {
      throw new Error(`the worker ended with code ${code}`)
    })
    const answer = Promise.race([once(child, 'message'), ended])
    for (let first = 0; apartMs > 0 && first < messages; first += perScrape) {
      await Promise.all([publish(natsUrl, first, first + perScrape, message), setTimeout(apartMs)])
    }
    const [row] = (await answer) as [RegressRow]
    if (child.connected) child.disconnect()
    if (json) console.log(JSON.stringify({ cpus: cpus().length, node: process.version, ...row }))
    else print(row)
    return row
  })
}

/** Publishes messages `from` up to and without `to`. */
async function publish(
  natsUrl: string,
  from: number,
  to: number,
  message: (i: number) => OutgoingMessage,
): Promise<void> {
  const log = await connectJetStream({ url: natsUrl, publisher: { window: 64, ackTimeoutMs: 60_000 } })
  for (let i = from; i < to; ) {
    const window: Promise<unknown>[] = []
    for (const end = Math.min(i + 512, to); i < end; i++) window.push(log.publish(message(i)))
    await Promise.all(window)
  }
  await log.close()
}

const megabytes = (): number => process.memoryUsage.rss() / 1e6

/** NaN where the system does not say. */
function privateMegabytes(): number {
  const status = existsSync('/proc/self/status') ? readFileSync('/proc/self/status', 'utf8') : ''
  const [, kilobytes] = /^RssAnon:\s+(\d+) kB/m.exec(status) ?? []
  return (Number(kilobytes) * 1024) / 1e6
}

/** The process that is measured: works all lanes until every sample is folded and committed. */
async function work({ natsUrl, databaseUrl, endpoints, messages }: Task): Promise<RegressRow> {
  const service = 'performance'
  const migrations = new URL('../../services/performance/store/migrations/', import.meta.url)
  await migrateService({ url: databaseUrl, service, migrations })
  const database = openDatabase<unknown>({ url: databaseUrl, service })
  const log = await connectJetStream({ url: natsUrl })
  const [config] = readConfig([performanceConfig], {})
  const samples = messages * samplesPerScrapeMessage
  const done = Promise.withResolvers<void>()
  let read = 0
  const regression = regressionProcessor(config, ({ fold }) => {
    read += fold.counts.samples
    fold.counts.samples = 0
    if (read >= samples) done.resolve()
  })
  const rssBeforeMegabytes = megabytes()
  const cpu = process.cpuUsage()
  const startedAt = performance.now()
  const lanes = await startLanes({
    service,
    processors: [processor(regression)],
    tickers: [],
    db: database.worker,
    log,
    clock: systemClock,
    logger: createLogger({ level: 'warn', format: 'pretty' }),
    metrics: createMetrics({ processMetrics: false }),
  })
  await done.promise
  await lanes.stop() // ends what is under way, so every commit counts
  const seconds = (performance.now() - startedAt) / 1000
  const { user, system } = process.cpuUsage(cpu)
  const resident = { rssMegabytes: megabytes(), privateMegabytes: privateMegabytes() }
  const found = await sql<{ endpoints: number; windows: number }>`
    select (select count(*)::int4 from endpoint) as endpoints, (select count(*)::int4 from perf_window) as windows
  `.execute(database.worker)
  await log.close()
  await database.close()
  const [stored] = found.rows
  if (read !== samples || stored?.endpoints !== endpoints) {
    throw new Error(`${read} samples of ${stored?.endpoints} endpoints were read, not ${samples} of ${endpoints}`)
  }
  return {
    endpoints,
    series: messagesPerScrape(endpoints) * samplesPerScrapeMessage,
    samples,
    samplesPerSecond: samples / seconds,
    cpuNsPerSample: ((user + system) * 1000) / samples,
    windows: stored.windows,
    ...resident,
    rssBeforeMegabytes,
  }
}

function print(row: RegressRow): void {
  const whole = (value: number): string => Math.round(value).toLocaleString('en')
  console.log(
    `${whole(row.endpoints)} endpoints, ${whole(row.series)} series, ${whole(row.samples)} samples: ` +
      `${whole(row.samplesPerSecond)} samples/s, ${whole(row.cpuNsPerSample)} ns CPU a sample, ${whole(row.windows)} windows written`,
  )
  const verdict = row.rssMegabytes <= barMegabytes ? 'within' : 'above'
  console.log(
    `resident ${whole(row.rssMegabytes)} MB, ${whole(row.privateMegabytes)} MB of it private (${whole(row.rssBeforeMegabytes)} MB before the first message), ${verdict} the bar of ${barMegabytes} MB`,
  )
}

if (import.meta.main && process.argv.includes('--worker')) {
  process.once('message', (task) => {
    work(task as Task).then(
      (row) => process.send?.(row),
      (error: unknown) => {
        console.error(error)
        process.exit(1)
      },
    )
  })
} else if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      endpoints: { type: 'string', default: '10000' },
      scrapes: { type: 'string', default: '40' },
      every: { type: 'string', default: '15' },
      apart: { type: 'string', default: '0' },
    },
  })
  await regressBench({
    json: values.json,
    endpoints: Number(values.endpoints),
    scrapes: Number(values.scrapes),
    everySeconds: Number(values.every),
    apartMs: Number(values.apart),
  })
}
