/**
 * RED from spans: each server or consumer span is a request of its endpoint; client spans and parents tell who calls
 * whom. A trace may lie in several lanes, so parent and child are joined later by the links kept of some traces.
 */

import { MINUTE_MS } from './endpoint.ts'
import { type Fold, openWindow, touchEndpoint } from './fold.ts'
import { add, createHistogram } from './histogram.ts'
import { cellFor, endpointFor } from './introduce.ts'
import type { StatusClass } from './labels.ts'
import { routeTemplate } from './route.ts'

/** OTLP span kinds that answer a request. */
const SERVER = 2
const CLIENT = 3
const PRODUCER = 4
const CONSUMER = 5
const ERROR = 2

export const SPAN_INSTRUMENT = 'spans'

/** The spans of a batch by column; strings by ref of the batch's table. */
export type Spans = {
  readonly count: number
  /** 16 bytes a trace id, 8 a span id or parent. */
  readonly trace: Uint8Array
  readonly span: Uint8Array
  readonly parent: Uint8Array
  readonly startMs: Float64Array
  readonly durationMs: Float64Array
  readonly kind: Uint8Array
  readonly status: Uint8Array
  readonly httpStatus: Uint16Array
  readonly service: Uint32Array
  readonly environment: Uint32Array
  readonly release: Uint32Array
  readonly name: Uint32Array
  readonly route: Uint32Array
  readonly method: Uint32Array
  readonly peer: Uint32Array
  readonly text: (ref: number) => string
}

/** A span that another lane's span may be the parent or child of. */
export type SpanLink = {
  /** Trace and span ids as hexadecimal text. */
  readonly trace: string
  readonly span: string
  /** Empty = root. */
  readonly parent: string
  readonly service: string
  readonly atMs: number
}

/** Links of one trace in this many are kept once a lane has more than a few. */
const LINK_EVERY = 16
const FEW_SPANS = 512

/** Folds the spans of one message; returns the links to keep. */
export function foldSpans(fold: Fold, source: string, spans: Spans, receivedAtMs: number): SpanLink[] {
  const links: SpanLink[] = []
  const targets = new Map<string, { endpoint: number; cell: number }>()
  for (let i = 0; i < spans.count; i++) {
    const kind = spans.kind[i] ?? 0
    const service = spans.text(spans.service[i] ?? 0)
    const startMs = spans.startMs[i] ?? 0
    if (spans.count <= FEW_SPANS || (spans.trace[16 * i + 15] ?? 0) % LINK_EVERY === 0) {
      links.push(linkOf(spans, i, service, startMs))
    }
    if (kind === CLIENT || kind === PRODUCER) {
      const peer = spans.text(spans.peer[i] ?? 0)
      if (peer !== '' && peer !== service) fold.edges.set(`${service}\0${peer}`, { caller: service, callee: peer })
      continue
    }
    if (kind !== SERVER && kind !== CONSUMER) continue
    const durationMs = spans.durationMs[i] ?? 0
    const at = startMs + durationMs
    const { endpoint: endpointIndex, cell: cellIndex } = targetOf(fold, source, spans, i, service, targets)
    const endpoint = fold.endpoints[endpointIndex]
    const cell = endpoint?.cells[cellIndex]
    if (endpoint === undefined || cell === undefined) continue
    fold.counts.samples++
    touchEndpoint(fold, endpoint, at, receivedAtMs)
    const window = openWindow(fold, endpoint, cell, Math.floor(at / MINUTE_MS))
    window.histogram ??= createHistogram()
    if (add(window.histogram, durationMs)) window.rate += 1 / 60
    else fold.counts.empty++
  }
  return links
}

function targetOf(
  fold: Fold,
  source: string,
  spans: Spans,
  i: number,
  service: string,
  targets: Map<string, { endpoint: number; cell: number }>,
): { endpoint: number; cell: number } {
  const statusClass = statusClassOf(spans.status[i] ?? 0, spans.httpStatus[i] ?? 0)
  const refs = [spans.service, spans.environment, spans.release, spans.name, spans.route, spans.method]
  let key = String(statusClass)
  for (const column of refs) key += `,${column[i] ?? 0}`
  const known = targets.get(key)
  if (known !== undefined) return known
  const route = spans.text(spans.route[i] ?? 0)
  const endpoint = endpointFor(fold, source, {
    service,
    environment: spans.text(spans.environment[i] ?? 0),
    endpoint: routeTemplate(route !== '' ? route : spans.text(spans.name[i] ?? 0)),
    method: spans.text(spans.method[i] ?? 0),
    instrument: SPAN_INSTRUMENT,
  })
  const target = fold.endpoints[endpoint]
  const release = spans.text(spans.release[i] ?? 0)
  const cell = target === undefined ? 0 : cellFor(fold, target, { statusClass, release, requestClass: '' })
  const found = { endpoint, cell }
  targets.set(key, found)
  return found
}

/** The HTTP status if there is one; else a span that does not say error has succeeded. */
function statusClassOf(status: number, httpStatus: number): StatusClass {
  if (status === ERROR) return httpStatus >= 400 && httpStatus < 500 ? 4 : 5
  const byHttp = Math.floor(httpStatus / 100)
  return byHttp >= 1 && byHttp <= 5 ? (byHttp as StatusClass) : 2
}

function linkOf(spans: Spans, i: number, service: string, atMs: number): SpanLink {
  const parent = hex(spans.parent, 8, i)
  return {
    trace: hex(spans.trace, 16, i),
    span: hex(spans.span, 8, i),
    parent: parent === '0000000000000000' ? '' : parent,
    service,
    atMs,
  }
}

function hex(column: Uint8Array, width: number, row: number): string {
  let text = ''
  for (let i = 0; i < width; i++) text += (column[width * row + i] ?? 0).toString(16).padStart(2, '0')
  return text
}
