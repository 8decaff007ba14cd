import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startStack } from '@plimsoll/kit/testing/stack.ts'
import { remoteWriteBodies, SERIES, type Shape, spanBodies } from '../../loadgen/payloads.ts'
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
  /** Samples, and spans, that each receiver is sent in a turn. */
  readonly samples?: number
  readonly spans?: number
  /** Only these, e.g. `W2 v1`, `spans`, `curve`; all unless given. */
  readonly only?: readonly string[]
}

/** Turns of each receiver; the one with the median CPU counts. */
const TURNS = 3
/** Turns before those, which do not count: what runs once a request is compiled after about a thousand of them. */
const WARM_UPS = 3

const CONNECTIONS = 4
const SPANS_PER_REQUEST = 9_996

/** One kind of load: the bodies of a turn, from 0; no two turns have a body in common. */
type Load = {
  readonly name: string
  readonly elements: number
  readonly headers: Readonly<Record<string, string>>
  readonly url: (receiver: Receiver) => string
  readonly bodies: (turn: number) => Iterable<Uint8Array>
}

const SAMPLE_LOADS = [
  ['W2', 1],
  ['W2', 2],
  ['W1', 1],
  ['W1', 2],
] as const
const LOADS = [...SAMPLE_LOADS.map(([shape, version]) => `${shape} v${version}`), 'spans', 'curve']

/** Measures the gateway and Prometheus in turns, on the same bodies. Linux only: CPU comes from /proc. */
export async function ingestBench({
  json,
  samples = 480_000,
  spans = 500_000,
  only = [],
}: Options): Promise<IngestResult> {
  const unknown = only.filter((load) => !LOADS.includes(load))
  if (unknown.length > 0) throw new Error(`there is no load ${unknown.join(', ')}; there are ${LOADS.join(', ')}`)
  const folder = mkdtempSync(join(tmpdir(), 'plimsoll-bench-'))
  const stack = await startStack()
  const say = (text: string) => json || process.stderr.write(`${text}\n`)
  const rows: IngestRow[] = []
  const curve: (IngestRow & { series: number })[] = []
  const wanted = (load: string) => only.length === 0 || only.includes(load)
  try {
    for (const [shape, version] of SAMPLE_LOADS) {
      if (!wanted(`${shape} v${version}`)) continue
      say(`${shape} v${version} ...`)
      const prometheus = await startPrometheus(folder)
      try {
        const gateway = await startGateway(stack)
        try {
          rows.push(...(await measureInTurns([prometheus, gateway], sampleLoad(shape, version, samples))))
        } finally {
          await gateway.stop()
        }
      } finally {
        await prometheus.stop()
      }
    }
    const gateway = await startGateway(stack)
    try {
      if (wanted('spans')) rows.push(...(await measureInTurns([gateway], spanLoad(spans))))
      for (const series of wanted('curve') ? [1_000, 10_000, 50_000, 100_000] : []) {
        say(`${series} series ...`)
        const [row] = await measureInTurns([gateway], sampleLoad('W2', 1, samples, series))
        if (row !== undefined) curve.push({ series, ...row })
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

/**
 * The receivers one after the other, several times: what else the machine does meanwhile meets all of them. Series become
 * known and V8 compiles in the turns that do not count.
 */
async function measureInTurns(receivers: readonly Receiver[], load: Load): Promise<IngestRow[]> {
  const measured = receivers.map((): IngestRow[] => [])
  for (let turn = 0; turn < WARM_UPS + TURNS; turn++) {
    const bodies = [...load.bodies(turn)]
    for (const [i, receiver] of receivers.entries()) {
      const row = await measure(receiver, load, bodies)
      if (turn >= WARM_UPS) measured[i]?.push(row)
    }
  }
  return measured.map(medianOf)
}

/** The row with the median CPU, with the answers of all. */
function medianOf(rows: readonly IngestRow[]): IngestRow {
  const statuses: Record<number, number> = {}
  for (const row of rows) {
    for (const [status, count] of Object.entries(row.statuses)) {
      statuses[Number(status)] = (statuses[Number(status)] ?? 0) + count
    }
  }
  const middle = [...rows].sort((a, b) => a.cpuSecondsPerMillion - b.cpuSecondsPerMillion)[rows.length >> 1]
  return { ...(middle as IngestRow), statuses }
}

function sampleLoad(shape: Shape, version: 1 | 2, samples: number, series: number = SERIES[shape]): Load {
  const perSeries = shape === 'W1' ? 20 : 1
  const rounds = Math.max(1, Math.round(samples / (series * perSeries)))
  const turnMs = rounds * perSeries * 15_000
  // The past, so that no sample is ahead of the clock; each load has its own, so that no request is a repeat.
  const startMs = Date.now() - (WARM_UPS + TURNS + 1) * turnMs + Math.floor(Math.random() * 1_000)
  return {
    name: `${shape} v${version}`,
    elements: rounds * series * perSeries,
    headers: remoteWriteHeaders(version),
    url: ({ remoteWriteUrl }) => remoteWriteUrl,
    bodies: (turn) => remoteWriteBodies({ shape, version, series, rounds, startMs: startMs + turn * turnMs }),
  }
}

function spanLoad(spans: number): Load {
  const requests = Math.round(spans / SPANS_PER_REQUEST)
  const startMs = Date.now() - 10 * 60_000
  return {
    name: 'OTLP spans',
    elements: requests * SPANS_PER_REQUEST,
    headers: otlpHeaders,
    url: ({ tracesUrl = '' }) => tracesUrl,
    bodies: (turn) => spanBodies({ spansPerRequest: SPANS_PER_REQUEST, requests, startMs: startMs + turn * 60_000 }),
  }
}

async function measure(receiver: Receiver, load: Load, bodies: readonly Uint8Array[]): Promise<IngestRow> {
  const before = receiver.pids.map(usageOf)
  const sent = await sendAll(bodies, { url: load.url(receiver), headers: load.headers, connections: CONNECTIONS })
  const after = receiver.pids.map(usageOf)
  const cpuSeconds = after.map((usage, i) => usage.cpuSeconds - (before[i]?.cpuSeconds ?? 0))
  const millions = load.elements / 1e6
  return {
    receiver: receiver.name,
    load: load.name,
    elements: load.elements,
    cpuSecondsPerMillion: cpuSeconds.reduce((sum, one) => sum + one, 0) / millions,
    decoderCpuSecondsPerMillion: (cpuSeconds[0] ?? 0) / millions,
    perSecond: load.elements / (sent.elapsedMs / 1000),
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
