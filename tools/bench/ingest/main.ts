import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startStack } from '@plimsoll/kit/testing/stack.ts'
import { remoteWriteBodies, SAMPLES_PER_REQUEST, SERIES, type Shape, spanBodies } from '../../loadgen/payloads.ts'
import { otlpHeaders, quantile, remoteWriteHeaders, sendAll } from '../../loadgen/send.ts'
import { type Receiver, startGateway, startPrometheus } from './peers.ts'
import { usageOf } from './process.ts'

export type IngestRow = {
  readonly receiver: string
  readonly load: string
  readonly elements: number
  /** Of all processes that make it durable. */
  readonly cpuSecondsPerMillion: number
  /** Of the process that decodes alone. */
  readonly decoderCpuSecondsPerMillion: number
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly rssMb: number
  readonly peakRssMb: number
  readonly statuses: Readonly<Record<number, number>>
}

export type IngestResult = {
  readonly rows: readonly IngestRow[]
  readonly curve: readonly (IngestRow & { readonly series: number })[]
  /** CPU per sample against Prometheus on the same payloads in the same run. */
  readonly ratios: Readonly<Record<string, number>>
  readonly spansPerSecondPerCore: { readonly gateway: number; readonly withBroker: number }
}

type Options = {
  readonly json: boolean
  /** Samples per measurement; a warm-up round of every series comes on top. */
  readonly samples?: number
  readonly spans?: number
  /** Only these, e.g. `W2 v1`, `spans`, `curve`; all unless given. */
  readonly only?: readonly string[]
}

/** Rounds sent before the measured ones, to Prometheus too: series are known and the compiler has done its work. */
const WARM_UP_ROUNDS = 4

const CONNECTIONS = 4
const SPANS_PER_REQUEST = 9_996

/** Measures the gateway and Prometheus one after the other, on the same bodies. Linux only: CPU comes from /proc. */
export async function ingestBench({
  json,
  samples = 960_000,
  spans = 1_000_000,
  only = [],
}: Options): Promise<IngestResult> {
  const folder = mkdtempSync(join(tmpdir(), 'plimsoll-bench-'))
  const stack = await startStack()
  const say = (text: string) => json || process.stderr.write(`${text}\n`)
  const rows: IngestRow[] = []
  const curve: (IngestRow & { series: number })[] = []
  const wanted = (load: string) => only.length === 0 || only.includes(load)
  try {
    for (const [shape, version] of [
      ['W2', 1],
      ['W2', 2],
      ['W1', 1],
      ['W1', 2],
    ] as const) {
      if (!wanted(`${shape} v${version}`)) continue
      for (const start of [() => startPrometheus(folder), () => startGateway(stack)]) {
        const receiver = await start()
        say(`${receiver.name} ${shape} v${version} ...`)
        try {
          rows.push(await measureSamples(receiver, shape, version, samples))
        } finally {
          await receiver.stop()
        }
      }
    }
    const gateway = await startGateway(stack)
    try {
      if (wanted('spans')) rows.push(await measureSpans(gateway, spans))
      for (const series of wanted('curve') ? [1_000, 10_000, 50_000, 100_000] : []) {
        say(`${series} series ...`)
        curve.push({ series, ...(await measureSamples(gateway, 'W2', 1, samples / 2, series)) })
      }
    } finally {
      await gateway.stop()
    }
  } finally {
    await stack.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  const result = { rows, curve, ratios: ratiosOf(rows), spansPerSecondPerCore: spanRates(rows) }
  process.stdout.write(json ? `${JSON.stringify(result)}\n` : tableOf(result))
  return result
}

async function measureSamples(
  receiver: Receiver,
  shape: Shape,
  version: 1 | 2,
  samples: number,
  series?: number,
): Promise<IngestRow> {
  const perRequest = SAMPLES_PER_REQUEST[shape]
  const perRound = (series ?? SERIES[shape]) * (shape === 'W1' ? 20 : 1)
  const rounds = Math.max(1, Math.round(samples / perRound))
  // The past, so that no sample is ahead of the clock; each run has its own, so that no request is a repeat.
  const startMs = Date.now() - 3 * 3_600_000 + Math.floor(Math.random() * 1_000)
  const every = { shape, version, ...(series === undefined ? {} : { series }) }
  const send = (bodies: readonly Uint8Array[]) =>
    sendAll(bodies, { url: receiver.remoteWriteUrl, headers: remoteWriteHeaders(version), connections: CONNECTIONS })
  const step = shape === 'W1' ? 20 * 15_000 : 15_000
  await send([...remoteWriteBodies({ ...every, rounds: WARM_UP_ROUNDS, startMs: startMs - WARM_UP_ROUNDS * step })])
  const bodies = [...remoteWriteBodies({ ...every, rounds, startMs })]
  const elements = bodies.length * Math.min(perRequest, perRound)
  const load = `${shape} v${version}`
  return await measure(receiver, load, elements, () => send(bodies))
}

async function measureSpans(receiver: Receiver, spans: number): Promise<IngestRow> {
  const { tracesUrl: url = '' } = receiver
  const startMs = Date.now() - 60_000
  const send = (bodies: readonly Uint8Array[]) =>
    sendAll(bodies, { url, headers: otlpHeaders, connections: CONNECTIONS })
  await send([...spanBodies({ spansPerRequest: SPANS_PER_REQUEST, requests: 20, startMs: startMs - 60_000 })])
  const requests = Math.round(spans / SPANS_PER_REQUEST)
  const bodies = [...spanBodies({ spansPerRequest: SPANS_PER_REQUEST, requests, startMs })]
  return await measure(receiver, 'OTLP spans', requests * SPANS_PER_REQUEST, () => send(bodies))
}

async function measure(
  receiver: Receiver,
  load: string,
  elements: number,
  run: () => ReturnType<typeof sendAll>,
): Promise<IngestRow> {
  const before = receiver.pids.map(usageOf)
  const sent = await run()
  const after = receiver.pids.map(usageOf)
  const cpuSeconds = after.map((usage, i) => usage.cpuSeconds - (before[i]?.cpuSeconds ?? 0))
  const millions = elements / 1e6
  return {
    receiver: receiver.name,
    load,
    elements,
    cpuSecondsPerMillion: cpuSeconds.reduce((sum, one) => sum + one, 0) / millions,
    decoderCpuSecondsPerMillion: (cpuSeconds[0] ?? 0) / millions,
    perSecond: elements / (sent.elapsedMs / 1000),
    p50Ms: quantile(sent.latenciesMs, 0.5),
    p99Ms: quantile(sent.latenciesMs, 0.99),
    rssMb: after[0]?.rssMb ?? 0,
    peakRssMb: after[0]?.peakRssMb ?? 0,
    statuses: sent.statuses,
  }
}

function ratiosOf(rows: readonly IngestRow[]): Record<string, number> {
  const ratios: Record<string, number> = {}
  for (const { receiver, load, cpuSecondsPerMillion } of rows) {
    const peer = rows.find((row) => row.receiver === 'prometheus' && row.load === load)
    if (receiver === 'plimsoll' && peer !== undefined) ratios[load] = cpuSecondsPerMillion / peer.cpuSecondsPerMillion
  }
  return ratios
}

function spanRates(rows: readonly IngestRow[]): IngestResult['spansPerSecondPerCore'] {
  const row = rows.find(({ load }) => load === 'OTLP spans')
  return {
    gateway: 1e6 / (row?.decoderCpuSecondsPerMillion ?? Number.NaN),
    withBroker: 1e6 / (row?.cpuSecondsPerMillion ?? Number.NaN),
  }
}

function tableOf({ rows, curve, ratios, spansPerSecondPerCore: spans }: IngestResult): string {
  const number = (value: number, digits: number) => value.toFixed(digits)
  const line = (label: string, row: IngestRow) =>
    `| ${row.receiver} | ${label} | ${number(row.cpuSecondsPerMillion, 2)} | ${number(row.decoderCpuSecondsPerMillion, 2)} | ` +
    `${Math.round(row.perSecond).toLocaleString('en')} | ${number(row.p50Ms, 1)} | ${number(row.p99Ms, 1)} | ${number(row.rssMb, 0)} | ${JSON.stringify(row.statuses)} |`
  return [
    '| receiver | load | CPU s per million | of it decoding | elements/s | p50 ms | p99 ms | RSS MB | answers |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows.map((row) => line(row.load, row)),
    ...curve.map((row) => line(`${row.load}, ${row.series} series`, row)),
    '',
    ...Object.entries(ratios).map(([load, ratio]) => `${load}: ${number(ratio, 2)} of Prometheus' CPU per sample`),
    `OTLP: ${Math.round(spans.gateway / 1000)} k spans/s per core of the gateway, ${Math.round(spans.withBroker / 1000)} k with the broker's CPU`,
    'Prometheus keeps every sample and answers PromQL; the gateway makes samples durable in the log, and rollups are kept.',
    '',
  ].join('\n')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: { json: { type: 'boolean', default: false }, only: { type: 'string', multiple: true } },
  })
  await ingestBench({ json: values.json, ...(values.only === undefined ? {} : { only: values.only }) })
}
