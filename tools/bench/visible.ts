/**
 * How long a fact takes to be seen: `node tools/bench/visible.ts [--json] [--facts N]`. From the publishing of the batch
 * that proves a window to the answer of GET /v1/performance/regressions that shows the regression, on real servers. Which
 * batch that is the detector says beforehand, so that a slow answer cannot be taken for a later batch's quick one.
 */
import { cpus } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { connectJetStream } from '@plimsoll/kit/log/jetstream.ts'
import { startServices } from '@plimsoll/kit/run.ts'
import { createDetector, observe } from '@plimsoll/performance/domain/detector.ts'
import { performance as service } from '@plimsoll/performance/service.ts'
import { batchMessage, random } from '@plimsoll/performance/test/batches.ts'
import { laneCount } from './lanes.ts'
import { withServers } from './servers.ts'

/** The bar: a fact is visible within a second, 99 times of 100. */
const barMs = 1_000
const minuteMs = 60_000
const quietMinutes = 60
const longestWaitMs = 30_000

export type VisibleResult = {
  readonly facts: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  readonly cpus: number
}

/** Prints and returns how long `facts` regressions took to be seen, one after the other. Throws when one never is. */
export async function visibleBench({
  json,
  facts,
}: {
  readonly json: boolean
  readonly facts: number
}): Promise<VisibleResult> {
  return await withServers(async ({ natsUrl, databaseUrl }) => {
    const env = { NATS_URL: natsUrl, LANES: String(laneCount), DATABASE_URL: databaseUrl, PORT: '0', LOG_LEVEL: 'warn' }
    const running = await startServices([service], env)
    const log = await connectJetStream({ url: natsUrl })
    const tookMs = await measure(running.url, log.publish, facts)
    await log.close()
    await running.stop()
    const sorted = tookMs.sort((a, b) => a - b)
    const rank = (p: number): number => sorted[Math.ceil(p * sorted.length) - 1] ?? Number.NaN
    const result = { facts, p50Ms: rank(0.5), p99Ms: rank(0.99), maxMs: rank(1), cpus: cpus().length }
    if (json) console.log(JSON.stringify(result))
    else print(result)
    return result
  })
}

type Publish = Awaited<ReturnType<typeof connectJetStream>>['publish']

async function measure(url: string, publish: Publish, facts: number): Promise<number[]> {
  const startMs = Math.floor(Date.now() / minuteMs) * minuteMs - 240 * minuteMs
  const histories = Array.from({ length: facts }, (_, i) => ({ name: `service-${i}`, values: untilProven(startMs, i) }))
  const send = (name: string, minute: number, seconds: number) => {
    const labels = { service_name: name, http_route: '/', quantile: '0.95' }
    const at = startMs + minute * minuteMs
    const samples = [[at, seconds]] as const
    return publish(
      batchMessage(name, 'bench', at, [{ name: 'http_request_duration_seconds', kind: 0, labels, samples }]),
    )
  }
  for (const { name, values } of histories) {
    for (const [minute, value] of values.slice(0, -1).entries()) await send(name, minute, value)
  }
  for (const { name, values } of histories) {
    const latest = new Date(startMs + (values.length - 2) * minuteMs).toISOString()
    await until(`${url}/v1/performance/series?service=${name}`, (items) => items[0]?.latestAt === latest)
  }
  const noise = random(3)
  const tookMs: number[] = []
  for (const { name, values } of histories) {
    await sleep(500 * noise()) // any phase of the ticker is as likely as another
    const publishedAt = performance.now()
    await send(name, values.length - 1, values.at(-1) ?? 0)
    await until(`${url}/v1/performance/regressions?service=${name}`, (items) => items.length > 0)
    tookMs.push(performance.now() - publishedAt)
  }
  return tookMs
}

/** p95 in seconds, minute by minute: an hour around 100 ms, then two to four times that until the detector says so. */
function untilProven(startMs: number, seed: number): number[] {
  const noise = random(seed + 1)
  const detector = createDetector('latency')
  const values: number[] = []
  for (let minute = 0; minute < quietMinutes + 60; minute++) {
    const seconds = 0.1 * (minute < quietMinutes ? 1 : 2 + (seed % 3)) * (0.95 + 0.1 * noise())
    values.push(seconds)
    const at = startMs / 1000 + minute * 60
    const verdict = observe(detector, { kind: 'value', at, value: seconds * 1000 })
    if (minute < quietMinutes && verdict !== undefined) throw new Error(`history ${seed} raises an alarm by itself`)
    if (verdict !== undefined) return values
  }
  throw new Error(`the detector sees nothing in history ${seed}`)
}

type Items = readonly { readonly latestAt?: string }[]

async function until(url: string, seen: (items: Items) => boolean): Promise<void> {
  for (const endMs = performance.now() + longestWaitMs; performance.now() < endMs; await sleep(5)) {
    const answer = await fetch(url)
    const { items } = (await answer.json()) as { readonly items: Items }
    if (seen(items)) return
  }
  throw new Error(`${url} did not show it within ${longestWaitMs / 1000} s`)
}

function print({ facts, p50Ms, p99Ms, maxMs }: VisibleResult): void {
  const bar = p99Ms < barMs ? `within the bar of ${barMs} ms` : `above the bar of ${barMs} ms`
  console.log(
    `${facts} regressions from batch to HTTP: p50 ${p50Ms.toFixed(0)} ms, p99 ${p99Ms.toFixed(0)} ms, slowest ${maxMs.toFixed(0)} ms; p99 is ${bar}`,
  )
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { json: { type: 'boolean', default: false }, facts: { type: 'string', default: '60' } },
  })
  const { p99Ms } = await visibleBench({ json: values.json, facts: Number(values.facts) })
  if (p99Ms >= barMs) process.exitCode = 1
}
