import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { cssimFolder } from '../bench/cs/cssim.ts'
import {
  loadNezhaEdges,
  loadNezhaFaults,
  loadNezhaLatency,
  loadNezhaSpans,
  nezhaDays,
  nezhaFolder,
} from '../bench/detect/nezha.ts'
import { createApi } from './api.ts'
import { compare, describe, type Regression } from './compare.ts'
import { cssimRequests, lastDayOf } from './cssim.ts'
import { describeStory, tellStory } from './cssim-story.ts'
import { latencyRequests, type Request, spanRequests } from './nezha.ts'
import { createSender, pause, type Sender } from './send.ts'

const USAGE = `npm run replay -- --dataset nezha --day 2022-08-22 [options]

Sends a recorded day to a running Plimsoll by remote write and OTLP, its times shifted so that it ends now, then compares
the regressions found with the faults that were injected.

npm run replay -- --dataset cs-sim [options]

Sends a year of simulated product usage, contracts, tickets, invoices and answers, its days shifted so that the last one
was yesterday. Then puts down its campaigns with who was held out, waits while the days close (some minutes), and tells what
came of it: accounts by health, risks with their reasons, what the campaigns did.

  --url URL        where Plimsoll answers, default http://127.0.0.1:8080
  --key KEY        API key, where one is asked for; else PLIMSOLL_API_KEY
  --data FOLDER    recordings, else PLIMSOLL_DATA, else ../shared/data beside the repository
  --no-spans       latency series only
  --json           one JSON document in place of the table
`

const DATASETS = ['nezha', 'cs-sim'] as const

type Options = {
  readonly dataset: (typeof DATASETS)[number]
  readonly url: string
  readonly key: string | undefined
  readonly data: string
  readonly day: string
  readonly spans: boolean
  readonly json: boolean
}

const repository = resolve(import.meta.dirname, '../..')

function readOptions(argv: readonly string[]): Options | string {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      dataset: { type: 'string', default: 'nezha' },
      day: { type: 'string' },
      url: { type: 'string', default: process.env.PLIMSOLL_URL ?? 'http://127.0.0.1:8080' },
      key: { type: 'string' },
      data: { type: 'string' },
      'no-spans': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  })
  const { url, json } = values
  const dataset = DATASETS.find((name) => name === values.dataset)
  if (dataset === undefined) return `there is no dataset "${values.dataset}"; there are: ${DATASETS.join(', ')}`
  const data = resolve(values.data ?? process.env.PLIMSOLL_DATA ?? resolve(repository, '../shared/data'))
  const key = values.key ?? process.env.PLIMSOLL_API_KEY
  const shared = { dataset, url, key, data, spans: !values['no-spans'], json }
  if (dataset === 'cs-sim') {
    if (existsSync(cssimFolder(data))) return { ...shared, day: '' }
    return `no recording in ${cssimFolder(data)}: set PLIMSOLL_DATA or --data to the folder that holds customer-success`
  }
  const days = nezhaDays(data)
  if (days.length === 0)
    return `no recordings in ${nezhaFolder(data)}: set PLIMSOLL_DATA or --data to the folder that holds performance/nezha`
  if (values.day === undefined || !days.includes(values.day)) return `--day must be one of ${days.join(', ')}`
  return { ...shared, day: values.day }
}

const DAY_MS = 86_400_000
const CONNECTIONS = 4

async function replayCssim({ url, key, data, json }: Options): Promise<void> {
  const startedAt = performance.now()
  const say = (text: string) => process.stderr.write(`${text}\n`)
  const sender = createSender(url, key)
  const lastDay = lastDayOf(data)
  const dayZeroMs = (Math.floor(Date.now() / DAY_MS) - 1 - lastDay) * DAY_MS
  const requests = cssimRequests(data, dayZeroMs, lastDay)
  const connection = async (): Promise<void> => {
    for (const { path, body, items } of requests) {
      await sender.send(path, { 'content-type': 'application/json' }, body, items)
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, connection))
  const sent = sender.sent()
  const sendSeconds = (performance.now() - startedAt) / 1000
  say(`sent ${sent.items} events and facts in ${sent.requests} requests, ${sendSeconds.toFixed(1)} s`)
  const story = await tellStory(createApi(url, key), data, dayZeroMs, lastDay, say)
  const totalSeconds = (performance.now() - startedAt) / 1000
  if (json) console.log(JSON.stringify({ ...sent, sendSeconds, totalSeconds, ...story }))
  else console.log(`${describeStory(story)}\nall told within ${totalSeconds.toFixed(0)} s; see ${url}/customers`)
}

async function run(options: Options): Promise<void> {
  if (options.dataset === 'cs-sim') return await replayCssim(options)
  const say = (text: string) => process.stderr.write(`${text}\n`)
  const { data, day } = options
  const latencies = loadNezhaLatency(data).filter((row) => row.day === day)
  const edges = loadNezhaEdges(data).filter((row) => row.day === day)
  const faults = loadNezhaFaults(data).filter((fault) => fault.day === day)
  const times = latencies.map(({ at }) => at)
  const [first, last] = [Math.min(...times), Math.max(...times)]
  // Whole minutes, so that the recording's minutes stay minutes.
  const shiftMs = Math.floor((Date.now() - last * 1000) / 60_000) * 60_000
  const startedAt = performance.now()
  const sender = createSender(options.url, options.key)
  say(
    `${latencies.length + edges.length} minutes of latencies of ${day}, ${((last - first) / 3600).toFixed(1)} h, now ending at ${iso(last * 1000 + shiftMs)}`,
  )
  const spans = options.spans ? loadNezhaSpans(data, day) : []
  await sendBoth(sender, latencyRequests(latencies, edges, shiftMs), spanRequests(spans, shiftMs))
  const sendSeconds = (performance.now() - startedAt) / 1000
  const sent = sender.sent()
  say(
    `sent ${sent.items} samples and spans in ${sent.requests} requests, ${sendSeconds.toFixed(1)} s, asked to wait ${sent.waits} times`,
  )

  const services = new Set(latencies.map(({ service }) => service))
  const ours = (regression: Regression): boolean => {
    const onset = Date.parse(regression.onsetAt) - shiftMs
    return services.has(regression.service) && onset >= first * 1000 - 60_000 && onset <= last * 1000 + 60_000
  }
  const found = await settled(options, ours)
  const comparison = compare(found, faults, { shiftMs, seconds: last - first, services: services.size })
  const totalSeconds = (performance.now() - startedAt) / 1000
  if (options.json) {
    console.log(
      JSON.stringify({
        day,
        ...comparison.summary,
        sendSeconds,
        totalSeconds,
        rows: comparison.rows,
        falseAlarms: comparison.falseAlarms,
      }),
    )
    return
  }
  console.log(describe(comparison, shiftMs))
  console.log(`sent within ${sendSeconds.toFixed(1)} s, all told within ${totalSeconds.toFixed(1)} s`)
}

const iso = (ms: number): string => new Date(ms).toISOString()

const sampleHeaders = {
  'content-type': 'application/x-protobuf',
  'content-encoding': 'snappy',
  'x-prometheus-remote-write-version': '0.1.0',
}

/** Each protocol in the order of its times, the two side by side, as a Prometheus and a collector would send. */
async function sendBoth(sender: Sender, samples: Iterable<Request>, spans: Iterable<Request>): Promise<void> {
  const sendAll = async (path: string, headers: Readonly<Record<string, string>>, requests: Iterable<Request>) => {
    for (const { body, items } of requests) await sender.send(path, headers, body, items)
  }
  await Promise.all([
    sendAll('/api/v1/write', sampleHeaders, samples),
    sendAll('/v1/traces', { 'content-type': 'application/json' }, spans),
  ])
}

const QUIET_MS = 5_000
const GIVE_UP_MS = 120_000

/** All regressions, once nothing has changed for a while. */
async function settled(options: Options, ours: (regression: Regression) => boolean): Promise<Regression[]> {
  const deadline = Date.now() + GIVE_UP_MS
  let last = ''
  let since = Date.now()
  for (;;) {
    const now = (await regressions(options)).filter(ours)
    const fingerprint = JSON.stringify(now)
    if (fingerprint !== last) since = Date.now()
    last = fingerprint
    if (Date.now() - since >= QUIET_MS || Date.now() > deadline) return now
    await pause(500)
  }
}

async function regressions({ url, key }: Options): Promise<Regression[]> {
  const api = createApi(url, key)
  const all: Regression[] = []
  let cursor: string | null = null
  do {
    const query = new URLSearchParams({ limit: '500', ...(cursor !== null && { cursor }) })
    const page: { items: Regression[]; next: string | null } = await api.call(
      'GET',
      `/v1/performance/regressions?${query}`,
    )
    all.push(...page.items)
    cursor = page.next
  } while (cursor !== null)
  return all
}

const options = (() => {
  if (process.argv.includes('--help')) return undefined
  try {
    return readOptions(process.argv.slice(2))
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
})()

if (options === undefined) console.log(USAGE)
else if (typeof options === 'string') {
  console.error(`${options}\n\n${USAGE}`)
  process.exitCode = 2
} else {
  try {
    await run(options)
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  }
}
