/** Spans side by side: what the OTLP decoders fill and what a SpanBatch is made of. Strings are refs of a text table. */
export type SpanColumns = {
  spans: number
  /** Lane of each span, from its service. */
  lane: Uint8Array
  /** 32 bytes a span: trace id (16), span id (8), parent span id (8). */
  ids: Uint8Array
  startTime: Float64Array
  durationMs: Float64Array
  kind: Uint8Array
  status: Uint8Array
  httpStatus: Uint16Array
  /** `SPAN_TEXTS` text refs a span, at the offsets of `spanText`. */
  texts: Uint32Array
}

export const ID_BYTES = 32
export const SPAN_TEXTS = 11
/** Offsets within a row of `texts`, named as SpanBatch names its columns. */
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

export function createSpanColumns(): SpanColumns {
  const capacity = 512
  return {
    spans: 0,
    lane: new Uint8Array(capacity),
    ids: new Uint8Array(capacity * ID_BYTES),
    startTime: new Float64Array(capacity),
    durationMs: new Float64Array(capacity),
    kind: new Uint8Array(capacity),
    status: new Uint8Array(capacity),
    httpStatus: new Uint16Array(capacity),
    texts: new Uint32Array(capacity * SPAN_TEXTS),
  }
}

/** Opens a row with zeroed ids and numbers; the caller sets its texts. A row is dropped again by lowering `spans`. */
export function openSpan(columns: SpanColumns): number {
  const row = columns.spans++
  if (row === columns.lane.length) grow(columns)
  // A loop: for so few bytes the call of `fill` costs more than the filling.
  for (let i = row * ID_BYTES; i < (row + 1) * ID_BYTES; i++) columns.ids[i] = 0
  columns.startTime[row] = 0
  columns.durationMs[row] = 0
  columns.kind[row] = 0
  columns.status[row] = 0
  columns.httpStatus[row] = 0
  return row
}

export function copySpan(columns: SpanColumns, from: SpanColumns, at: number): void {
  const row = columns.spans++
  if (row === columns.lane.length) grow(columns)
  for (let i = 0; i < ID_BYTES; i++) columns.ids[row * ID_BYTES + i] = from.ids[at * ID_BYTES + i] as number
  for (let i = 0; i < SPAN_TEXTS; i++) columns.texts[row * SPAN_TEXTS + i] = from.texts[at * SPAN_TEXTS + i] as number
  columns.startTime[row] = from.startTime[at] as number
  columns.durationMs[row] = from.durationMs[at] as number
  columns.kind[row] = from.kind[at] as number
  columns.status[row] = from.status[at] as number
  columns.httpStatus[row] = from.httpStatus[at] as number
}

function grow(columns: SpanColumns): void {
  const capacity = columns.lane.length * 2
  columns.lane = grown(new Uint8Array(capacity), columns.lane)
  columns.ids = grown(new Uint8Array(capacity * ID_BYTES), columns.ids)
  columns.startTime = grown(new Float64Array(capacity), columns.startTime)
  columns.durationMs = grown(new Float64Array(capacity), columns.durationMs)
  columns.kind = grown(new Uint8Array(capacity), columns.kind)
  columns.status = grown(new Uint8Array(capacity), columns.status)
  columns.httpStatus = grown(new Uint16Array(capacity), columns.httpStatus)
  columns.texts = grown(new Uint32Array(capacity * SPAN_TEXTS), columns.texts)
}

function grown<T extends Uint8Array | Uint16Array | Uint32Array | Float64Array>(to: T, from: T): T {
  to.set(from)
  return to
}
