import type { Fill, LaneWeights, OpenBatch } from './lanes.ts'
import type { TextTable } from './registry.ts'
import { encodeSpanBatch } from './spanbatch.ts'
import {
  copySpans,
  createSpanColumns,
  SPAN_ID_BYTES,
  SPAN_TEXTS,
  type SpanColumns,
  TRACE_ID_BYTES,
} from './spancolumns.ts'
import { createSpares } from './spares.ts'

/** A span in the columns of a batch, its strings aside: ids, two doubles, kind, status, HTTP status, refs and ends. */
const SPAN_BYTES = TRACE_ID_BYTES + 2 * SPAN_ID_BYTES + 16 + 4 + SPAN_TEXTS * 8
const BATCH_BYTES = 1024

export type OpenSpanBatch = OpenBatch & {
  readonly columns: SpanColumns
  /** What `counted` holds of texts that are in its weight. */
  readonly mark: number
  /** Rows that are this batch's and not yet copied into it. */
  stretch: { readonly from: SpanColumns; readonly start: number; end: number } | undefined
}

/**
 * By text: which batch, or run of spans being weighed, counted its bytes last, and how many they are. A mark belongs to
 * one source. Side by side: one cache line for both.
 */
let counted = new Float64Array(0)
let marks = 0

const spares = createSpares(createSpanColumns)

export function openSpanBatch(source: string, texts: TextTable, now: () => number): OpenSpanBatch {
  const columns = spares.take()
  columns.spans = 0
  const batch: OpenSpanBatch = {
    weight: BATCH_BYTES,
    latestMs: Number.NEGATIVE_INFINITY,
    columns,
    mark: ++marks,
    stretch: undefined,
    encode() {
      copyStretch(batch)
      const bytes = encodeSpanBatch(source, texts, columns, now())
      // The encoder copied all of it, so the next batch can have these arrays.
      spares.giveBack(columns)
      return bytes
    },
    stored() {},
  }
  return batch
}

/**
 * Upper bound of what the spans add to the batches of each lane. Names and statements repeat, so a text counts once in a
 * run of spans of a lane. The weight of a span by itself has all of its texts.
 */
export function spansWeight(texts: TextTable, columns: SpanColumns, lanes: number): LaneWeights {
  const { spans, weight, lane } = columns
  const weights = new Float64Array(lanes)
  if (counted.length < texts.table.size * 2) counted = new Float64Array(texts.table.size * 4)
  let run = -1
  for (let i = 0; i < spans; i++) {
    const at = lane[i] as number
    if (at !== run) {
      run = at
      marks++
    }
    weights[at] = (weights[at] as number) + addedBytes(texts, columns, i, marks)
    let whole = SPAN_BYTES
    for (let ref = i * SPAN_TEXTS; ref < (i + 1) * SPAN_TEXTS; ref++) {
      whole += counted[2 * (columns.texts[ref] as number) + 1] as number
    }
    weight[i] = whole
  }
  return weights
}

/** What a span adds to whatever has counted the texts that bear its mark. */
function addedBytes(texts: TextTable, columns: SpanColumns, span: number, mark: number): number {
  let bytes = SPAN_BYTES
  for (let ref = span * SPAN_TEXTS; ref < (span + 1) * SPAN_TEXTS; ref++) {
    const text = columns.texts[ref] as number
    if (counted[2 * text] === mark) continue
    const size = texts.size(text)
    counted[2 * text] = mark
    counted[2 * text + 1] = size
    bytes += size
  }
  return bytes
}

/**
 * Distributes decoded and weighed spans over the batches of their lanes. `batchFor` encodes the batch it finds full, so
 * each batch knows the stretch it still has to copy.
 */
export function fillSpanBatches(
  texts: TextTable,
  columns: SpanColumns,
  batchFor: Parameters<Fill<OpenSpanBatch>>[0],
): void {
  const { spans, weight, lane, startTime, durationMs } = columns
  let into: OpenSpanBatch | undefined
  for (let i = 0; i < spans; i++) {
    const batch = batchFor(lane[i] as number, weight[i] as number)
    if (batch !== into) {
      if (into !== undefined) copyStretch(into)
      into = batch
      if (batch !== undefined) batch.stretch = { from: columns, start: i, end: i }
    }
    if (batch?.stretch === undefined) continue
    batch.weight += addedBytes(texts, columns, i, batch.mark) - (weight[i] as number)
    batch.stretch.end = i + 1
    const endMs = (startTime[i] as number) + (durationMs[i] as number)
    if (endMs > batch.latestMs) batch.latestMs = endMs
  }
  if (into !== undefined) copyStretch(into)
}

function copyStretch(batch: OpenSpanBatch): void {
  const { stretch } = batch
  if (stretch === undefined) return
  batch.stretch = undefined
  copySpans(batch.columns, stretch.from, stretch.start, stretch.end)
}
