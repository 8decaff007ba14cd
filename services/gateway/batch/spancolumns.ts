/** Spans side by side: what the OTLP decoders fill and what a SpanBatch is made of. Strings are refs of a text table. */
export type SpanColumns = {
  spans: number
  /** Lane of each span, from its service. */
  lane: Uint8Array
  /** Most bytes each span adds to a batch that has none of its texts; filled when the request is weighed. */
  weight: Uint32Array
  /** 16 bytes a span, then 8 and 8. */
  traceId: Uint8Array
  spanId: Uint8Array
  parentSpanId: Uint8Array
  startTime: Float64Array
  durationMs: Float64Array
  kind: Uint8Array
  status: Uint8Array
  httpStatus: Uint16Array
  /** `SPAN_TEXTS` text refs a span: those of one span are written together, and share a cache line. */
  texts: Uint32Array
}

/** Places of a span's refs in `texts`, named as SpanBatch names their columns. */
export const spanText = {
  service: 0,
  environment: 1,
  release: 2,
  instance: 3,
  name: 4,
  route: 5,
  method: 6,
  system: 7,
  operation: 8,
  statement: 9,
  peer: 10,
} as const
export const SPAN_TEXTS = 11

export const TRACE_ID_BYTES = 16
export const SPAN_ID_BYTES = 8

export function createSpanColumns(capacity = 512): SpanColumns {
  return {
    spans: 0,
    lane: new Uint8Array(capacity),
    weight: new Uint32Array(capacity),
    traceId: new Uint8Array(capacity * TRACE_ID_BYTES),
    spanId: new Uint8Array(capacity * SPAN_ID_BYTES),
    parentSpanId: new Uint8Array(capacity * SPAN_ID_BYTES),
    startTime: new Float64Array(capacity),
    durationMs: new Float64Array(capacity),
    kind: new Uint8Array(capacity),
    status: new Uint8Array(capacity),
    httpStatus: new Uint16Array(capacity),
    texts: new Uint32Array(capacity * SPAN_TEXTS),
  }
}

/** Opens a row without a parent, its numbers zero; the caller sets ids and texts. It is dropped by lowering `spans`. */
export function openSpan(columns: SpanColumns): number {
  const row = columns.spans++
  if (row === columns.lane.length) reserve(columns, row + 1)
  // A loop: for so few bytes the call of `fill` costs more than the filling.
  for (let i = row * SPAN_ID_BYTES; i < (row + 1) * SPAN_ID_BYTES; i++) columns.parentSpanId[i] = 0
  columns.startTime[row] = 0
  columns.durationMs[row] = 0
  columns.kind[row] = 0
  columns.status[row] = 0
  columns.httpStatus[row] = 0
  return row
}

/** Appends rows `start` to `end` of `from`: spans of a service come together, so whole stretches are copied at once. */
export function copySpans(columns: SpanColumns, from: SpanColumns, start: number, end: number): void {
  const row = columns.spans
  columns.spans += end - start
  if (columns.spans > columns.lane.length) reserve(columns, columns.spans)
  copyRows(columns, from, row, start, end)
}

function copyRows(to: SpanColumns, from: SpanColumns, row: number, start: number, end: number): void {
  to.lane.set(from.lane.subarray(start, end), row)
  to.traceId.set(from.traceId.subarray(start * TRACE_ID_BYTES, end * TRACE_ID_BYTES), row * TRACE_ID_BYTES)
  to.spanId.set(from.spanId.subarray(start * SPAN_ID_BYTES, end * SPAN_ID_BYTES), row * SPAN_ID_BYTES)
  to.parentSpanId.set(from.parentSpanId.subarray(start * SPAN_ID_BYTES, end * SPAN_ID_BYTES), row * SPAN_ID_BYTES)
  to.startTime.set(from.startTime.subarray(start, end), row)
  to.durationMs.set(from.durationMs.subarray(start, end), row)
  to.kind.set(from.kind.subarray(start, end), row)
  to.status.set(from.status.subarray(start, end), row)
  to.httpStatus.set(from.httpStatus.subarray(start, end), row)
  to.texts.set(from.texts.subarray(start * SPAN_TEXTS, end * SPAN_TEXTS), row * SPAN_TEXTS)
}

function reserve(columns: SpanColumns, rows: number): void {
  const held = columns.lane.length
  const larger = createSpanColumns(Math.max(rows, held * 2))
  copyRows(larger, columns, 0, 0, held)
  Object.assign(columns, larger, { spans: columns.spans })
}
