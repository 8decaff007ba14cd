import { laneCount } from '@plimsoll/contracts/lane.ts'
import type { Fill, LaneWeights, OpenBatch } from './lanes.ts'
import type { TextTable } from './registry.ts'
import { encodeSpanBatch } from './spanbatch.ts'
import { copySpan, createSpanColumns, ID_BYTES, SPAN_TEXTS, type SpanColumns } from './spancolumns.ts'

/** A span in the columns of a batch, its strings aside: ids, two doubles, kind, status, HTTP status, refs and ends. */
const SPAN_BYTES = ID_BYTES + 16 + 4 + SPAN_TEXTS * 8
const BATCH_BYTES = 1024

export type OpenSpanBatch = OpenBatch & { readonly columns: SpanColumns }

const spareColumns: SpanColumns[] = []

export function openSpanBatch(source: string, texts: TextTable, now: () => number): OpenSpanBatch {
  const columns = spareColumns.pop() ?? createSpanColumns()
  columns.spans = 0
  return {
    weight: BATCH_BYTES,
    latestMs: Number.NEGATIVE_INFINITY,
    columns,
    encode() {
      const bytes = encodeSpanBatch(source, texts, columns, now())
      // The encoder copied all of it, so the next batch can have these arrays.
      if (spareColumns.length < 32) spareColumns.push(columns)
      return bytes
    },
    stored() {},
  }
}

/** Upper bound of what span `at` adds to a batch: names and statements repeat, but nothing says that they do. */
export function spanWeight(texts: TextTable, columns: SpanColumns, at: number): number {
  let weight = SPAN_BYTES
  for (let i = at * SPAN_TEXTS; i < (at + 1) * SPAN_TEXTS; i++) {
    const text = columns.texts[i] as number
    if (text !== 0) weight += texts.size(text)
  }
  return weight
}

export function spansWeight(texts: TextTable, columns: SpanColumns): LaneWeights {
  const weights = new Float64Array(laneCount)
  for (let i = 0; i < columns.spans; i++) {
    const lane = columns.lane[i] as number
    weights[lane] = (weights[lane] as number) + spanWeight(texts, columns, i)
  }
  return weights
}

/** Distributes decoded spans over the batches of their lanes. */
export function fillSpanBatches(
  texts: TextTable,
  columns: SpanColumns,
  batchFor: Parameters<Fill<OpenSpanBatch>>[0],
): void {
  for (let i = 0; i < columns.spans; i++) {
    const batch = batchFor(columns.lane[i] as number, spanWeight(texts, columns, i))
    if (batch === undefined) continue
    const endMs = (columns.startTime[i] as number) + (columns.durationMs[i] as number)
    if (endMs > batch.latestMs) batch.latestMs = endMs
    copySpan(batch.columns, columns, i)
  }
}
