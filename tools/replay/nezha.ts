/** A recorded day as the telemetry its systems would have sent, in order of time. */

import { encodeSnappy } from '@plimsoll/gateway/decode/snappy.ts'
import { encodeRemoteWrite1, type WriteSeries } from '@plimsoll/gateway/sender/remotewrite.ts'
import type { NezhaEdgeRow, NezhaLatencyRow, NezhaSpan } from '../bench/detect/nezha.ts'

export type Request = { readonly body: Uint8Array; readonly items: number }

/** Samples a request: what Prometheus sends by default. */
const SAMPLES = 2_000
const SPANS = 2_000

type Sample = { readonly labels: WriteSeries['labels']; readonly timeMs: number; readonly value: number }

/**
 * Latencies as Prometheus would have scraped them: three percentiles per service, the median per caller and callee.
 * Minutes without requests have no value and send none.
 */
export function* latencyRequests(
  latencies: readonly NezhaLatencyRow[],
  edges: readonly NezhaEdgeRow[],
  shiftMs: number,
): Generator<Request> {
  const samples: Sample[] = []
  const add = (atSeconds: number, seconds: number, labels: Readonly<Record<string, string>>) => {
    if (!(seconds > 0)) return
    const sorted = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))
    samples.push({ labels: sorted, timeMs: atSeconds * 1000 + shiftMs, value: seconds })
  }
  for (const row of latencies) {
    const labels = { __name__: 'http_server_request_duration_seconds', job: row.service, service_name: row.service }
    add(row.at, row.p90Ms / 1000, { ...labels, quantile: '0.9' })
    add(row.at, row.p95Ms / 1000, { ...labels, quantile: '0.95' })
    add(row.at, row.p99Ms / 1000, { ...labels, quantile: '0.99' })
  }
  for (const row of edges) {
    const [client = '', server = ''] = row.edge.split('_')
    const labels = { __name__: 'traces_service_graph_request_client_seconds', job: client, client, server }
    add(row.at, row.p50Ms / 1000, { ...labels, quantile: '0.5' })
  }
  samples.sort((a, b) => a.timeMs - b.timeMs)
  for (let from = 0; from < samples.length; from += SAMPLES) {
    const part = samples.slice(from, from + SAMPLES)
    const series = part.map(({ labels, timeMs, value }) => ({ labels, samples: [{ timeMs, value }] }))
    yield { body: encodeSnappy(encodeRemoteWrite1(series)), items: part.length }
  }
}

/** OTLP span kinds. */
const INTERNAL = 1
const SERVER = 2
const CLIENT = 3

/**
 * Spans by OTLP/HTTP JSON. The recording states no kinds: a span whose parent is of another service answers a request,
 * one with a child of another service makes one.
 */
export function* spanRequests(spans: Iterable<NezhaSpan>, shiftMs: number): Generator<Request> {
  let trace: NezhaSpan[] = []
  let waiting: { span: NezhaSpan; kind: number }[] = []
  const flush = function* (): Generator<Request> {
    if (waiting.length === 0) return
    yield { body: encodeSpans(waiting, shiftMs), items: waiting.length }
    waiting = []
  }
  for (const span of spans) {
    const [first] = trace
    if (first !== undefined && (first.trace !== span.trace || first.minute !== span.minute)) {
      waiting.push(...withKinds(trace))
      trace = []
      if (waiting.length >= SPANS) yield* flush()
    }
    trace.push(span)
  }
  waiting.push(...withKinds(trace))
  yield* flush()
}

export function withKinds(trace: readonly NezhaSpan[]): { span: NezhaSpan; kind: number }[] {
  const byId = new Map(trace.map((span) => [span.span, span]))
  const calling = new Set<string>()
  for (const { parent, service } of trace) {
    const caller = parent === undefined ? undefined : byId.get(parent)
    if (caller !== undefined && caller.service !== service) calling.add(caller.span)
  }
  return trace.map((span) => {
    const parent = span.parent === undefined ? undefined : byId.get(span.parent)
    const answers = parent === undefined || parent.service !== span.service
    return { span, kind: answers ? SERVER : calling.has(span.span) ? CLIENT : INTERNAL }
  })
}

const startMs = (span: NezhaSpan, shiftMs: number): number => span.minute * 1000 + span.startUs / 1000 + shiftMs

function encodeSpans(spans: readonly { span: NezhaSpan; kind: number }[], shiftMs: number): Uint8Array {
  const resourceSpans = [...Map.groupBy(spans, ({ span }) => span.service)].map(([service, group]) => ({
    resource: { attributes: [{ key: 'service.name', value: { stringValue: service } }] },
    scopeSpans: [{ scope: { name: 'replay' }, spans: group.map(({ span, kind }) => spanBody(span, kind, shiftMs)) }],
  }))
  return Buffer.from(JSON.stringify({ resourceSpans }))
}

function spanBody(span: NezhaSpan, kind: number, shiftMs: number) {
  const start = BigInt(Math.round(startMs(span, shiftMs) * 1000)) * 1000n
  return {
    traceId: id(`${span.minute}/${span.trace}`, 16),
    spanId: id(`${span.minute}/${span.trace}/${span.span}`, 8),
    ...(span.parent !== undefined && { parentSpanId: id(`${span.minute}/${span.trace}/${span.parent}`, 8) }),
    name: span.operation,
    kind,
    startTimeUnixNano: String(start),
    endTimeUnixNano: String(start + BigInt(Math.round(span.durationUs)) * 1000n),
    status: {},
  }
}

/** The recording numbers traces within a minute and spans within a trace; ids are hashes of where they stand. */
function id(text: string, bytes: 8 | 16): string {
  let hex = ''
  for (let seed = 1; hex.length < bytes * 2; seed++) {
    let hash = Math.imul(0x811c9dc5, seed)
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
    hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b)
    hex += ((hash ^ (hash >>> 13)) >>> 0).toString(16).padStart(8, '0')
  }
  return hex
}
