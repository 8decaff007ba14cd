import { laneCount } from '@plimsoll/contracts/lane.ts'
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

/** A span in the columns of a batch, its strings aside: ids, two doubles, kind, status, HTTP status, refs and ends. */
const SPAN_BYTES = TRACE_ID_BYTES + 2 * SPAN_ID_BYTES + 16 + 4 + SPAN_TEXTS * 8
const BATCH_BYTES = 1024

export type OpenSpanBatch = OpenBatch & {
  readonly columns: SpanColumns
  /** Rows that are this batch's and not yet copied into it. */
  stretch: { readonly from: SpanColumns; readonly start: number; end: number } | undefined
}

const spareColumns: SpanColumns[] = []

export function openSpanBatch(source: string, texts: TextTable, now: () => number): OpenSpanBatch {
  const columns = spareColumns.pop() ?? createSpanColumns()
  columns.spans = 0
  const batch: OpenSpanBatch = {
    weight: BATCH_BYTES,
    latestMs: Number.NEGATIVE_INFINITY,
    columns,
    stretch: undefined,
    encode() {
      copyStretch(batch)
      const bytes = encodeSpanBatch(source, texts, columns, now())
      // The encoder copied all of it, so the next batch can have these arrays.
      if (spareColumns.length < 32) spareColumns.push(columns)
      return bytes
    },
    stored() {},
  }
  return batch
}

/** Upper bound of what each span adds to a batch: names and statements repeat, but nothing says that they do. */
export function spansWeight(texts: TextTable, columns: SpanColumns): LaneWeights {
  const { spans, weight, lane } = columns
  const weights = new Float64Array(laneCount)
  weight.fill(SPAN_BYTES, 0, spans)
  for (const column of columns.texts) {
    for (let i = 0; i < spans; i++) {
      const text = column[i] as number
      if (text !== 0) weight[i] = (weight[i] as number) + texts.size(text)
    }
  }
  for (let i = 0; i < spans; i++)
    weights[lane[i] as number] = (weights[lane[i] as number] as number) + (weight[i] as number)
  return weights
}

/**
 * Distributes decoded and weighed spans over the batches of their lanes. `batchFor` encodes the batch it finds full, so
 * each batch knows the stretch it still has to copy.
 */
export function fillSpanBatches(columns: SpanColumns, batchFor: Parameters<Fill<OpenSpanBatch>>[0]): void {
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
