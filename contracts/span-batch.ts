import {
  type Arena,
  checkFinite,
  checkRefs,
  createArena,
  f64,
  invalid,
  raw,
  reserve,
  rowsOf,
  u16,
  u32,
} from './arena.ts'
import { decodeEvent } from './events.ts'
import type { SpanBatch } from './generated/types.ts'
import { type StringTable, stringsIn } from './strings.ts'

export const SPAN_TYPE = 'plimsoll.telemetry.v1.SpanBatch'

const REF_COLUMNS = [
  'serviceRef',
  'environmentRef',
  'releaseRef',
  'instanceRef',
  'nameRef',
  'routeRef',
  'methodRef',
  'systemRef',
  'operationRef',
  'statementRef',
  'peerRef',
] as const

/**
 * A SpanBatch as typed arrays, named as in the schema and checked once: one row per span in every column, refs inside
 * the string table, times finite. Copied out of the message, so it outlives it.
 */
export type SpanBatchView = {
  readonly source: string
  readonly receivedAt: number
  readonly strings: StringTable
  readonly spanRows: number
  /** 16 bytes a span. */
  readonly traceId: Uint8Array
  /** 8 bytes a span. */
  readonly spanId: Uint8Array
  /** 8 bytes a span, zero = root. */
  readonly parentSpanId: Uint8Array
  readonly startTime: Float64Array
  readonly durationMs: Float64Array
  readonly kind: Uint8Array
  readonly status: Uint8Array
  readonly httpStatus: Uint16Array
} & { readonly [K in (typeof REF_COLUMNS)[number]]: Uint32Array }

/**
 * Decodes and checks an encoded SpanBatch. Throws ContractError for anything else, cut short or contradictory.
 * With an `arena` of the caller the view lives until that arena is used again.
 * @example
 * const batch = spanBatchView(message.data)
 * batch.strings.at(batch.serviceRef[0]) // 'checkout'
 */
export function spanBatchView(bytes: Uint8Array, arena: Arena = createArena()): SpanBatchView {
  const event = decodeEvent(bytes)
  if (event.type !== SPAN_TYPE) throw invalid(`expected ${SPAN_TYPE}, got ${event.type}`)
  const view = viewOf(event.value, arena)
  for (const name of REF_COLUMNS) checkRefs(view[name], view.strings.count, name)
  checkFinite(view.startTime, 'startTime')
  checkFinite(view.durationMs, 'durationMs')
  return view
}

function viewOf(batch: SpanBatch, given: Arena): SpanBatchView {
  const arena = reserve(given, batch)
  const spans = rowsOf(batch.spanId, 'spanId', 8)
  return {
    source: batch.source,
    receivedAt: batch.receivedAt,
    strings: stringsIn(arena, batch),
    spanRows: spans,
    traceId: raw(arena, batch.traceId, 'traceId', spans, 16),
    spanId: raw(arena, batch.spanId, 'spanId', spans, 8),
    parentSpanId: raw(arena, batch.parentSpanId, 'parentSpanId', spans, 8),
    startTime: f64(arena, batch.startTime, 'startTime', spans),
    durationMs: f64(arena, batch.durationMs, 'durationMs', spans),
    kind: raw(arena, batch.kind, 'kind', spans),
    status: raw(arena, batch.status, 'status', spans),
    httpStatus: u16(arena, batch.httpStatus, 'httpStatus', spans),
    serviceRef: u32(arena, batch.serviceRef, 'serviceRef', spans),
    environmentRef: u32(arena, batch.environmentRef, 'environmentRef', spans),
    releaseRef: u32(arena, batch.releaseRef, 'releaseRef', spans),
    instanceRef: u32(arena, batch.instanceRef, 'instanceRef', spans),
    nameRef: u32(arena, batch.nameRef, 'nameRef', spans),
    routeRef: u32(arena, batch.routeRef, 'routeRef', spans),
    methodRef: u32(arena, batch.methodRef, 'methodRef', spans),
    systemRef: u32(arena, batch.systemRef, 'systemRef', spans),
    operationRef: u32(arena, batch.operationRef, 'operationRef', spans),
    statementRef: u32(arena, batch.statementRef, 'statementRef', spans),
    peerRef: u32(arena, batch.peerRef, 'peerRef', spans),
  }
}
