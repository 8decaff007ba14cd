import type { Fill, LaneWeights, OpenBatch } from './lanes.ts'
import { encodeMetricBatch, noteDescribed } from './metricbatch.ts'
import {
  clearMetricColumns,
  copyHistogram,
  createMetricColumns,
  field,
  HISTOGRAM_FIELDS,
  histogramWeight,
  type MetricColumns,
  pushSample,
} from './metriccolumns.ts'
import type { SeriesHandle, SeriesRegistry } from './registry.ts'
import { createSpares } from './spares.ts'

/** A sample in the columns of a batch: series row, time, start, value. */
const SAMPLE_BYTES = 28
/** Avro header, source name, lengths of the columns. */
const BATCH_BYTES = 1024

export type OpenMetricBatch = OpenBatch & {
  readonly number: number
  readonly columns: MetricColumns
  series: Int32Array
  seriesCount: number
}

let batchNumber = 0
type Rows = { readonly columns: MetricColumns; readonly series: Int32Array }

const spares = createSpares((): Rows => ({ columns: createMetricColumns(), series: new Int32Array(1024) }))

export function openMetricBatch(registry: SeriesRegistry, now: () => number): OpenMetricBatch {
  const { columns, series } = spares.take()
  let described: Int32Array = new Int32Array(0)
  let encodedAtMs = 0
  clearMetricColumns(columns)
  const batch: OpenMetricBatch = {
    number: ++batchNumber,
    weight: BATCH_BYTES,
    latestMs: Number.NEGATIVE_INFINITY,
    columns,
    series,
    seriesCount: 0,
    encode() {
      encodedAtMs = now()
      const encoded = encodeMetricBatch(registry, batch.series, batch.seriesCount, columns, encodedAtMs)
      described = encoded.described
      // The encoder copied all of it, so the next batch can have these arrays.
      spares.giveBack({ columns, series: batch.series })
      return encoded.bytes
    },
    stored: () => noteDescribed(registry, described, encodedAtMs),
  }
  return batch
}

/** Upper bound of what the decoded columns add to the batches of each lane, bytes. */
export function metricWeight(registry: SeriesRegistry, columns: MetricColumns): LaneWeights {
  const { weight, lane } = registry.columns
  const weights = new Float64Array(registry.lanes)
  let previous = -1
  for (let i = 0; i < columns.samples; i++) {
    const series = columns.sampleSeries[i] as number
    const at = lane[series] as number
    weights[at] = (weights[at] as number) + SAMPLE_BYTES + (series === previous ? 0 : (weight[series] as number))
    previous = series
  }
  for (let i = 0; i < columns.histograms; i++) {
    const series = columns.histogramSeries[i] as number
    const at = lane[series] as number
    weights[at] = (weights[at] as number) + histogramWeight(columns, i) + (weight[series] as number)
  }
  return weights
}

/** Distributes decoded columns (handles in their series columns) over the batches of their lanes. */
export function fillMetricBatches(
  registry: SeriesRegistry,
  columns: MetricColumns,
  batchFor: Parameters<Fill<OpenMetricBatch>>[0],
): void {
  const { weight, lane, row, rowBatch } = registry.columns

  function rowOf(batch: OpenMetricBatch, series: SeriesHandle): number {
    if (rowBatch[series] === batch.number) return row[series] as number
    if (batch.seriesCount === batch.series.length) {
      const grown = new Int32Array(batch.seriesCount * 2)
      grown.set(batch.series)
      batch.series = grown
    }
    batch.series[batch.seriesCount] = series
    rowBatch[series] = batch.number
    row[series] = batch.seriesCount
    return batch.seriesCount++
  }

  for (let i = 0; i < columns.samples; i++) {
    const series = columns.sampleSeries[i] as number
    const batch = batchFor(lane[series] as number, SAMPLE_BYTES + (weight[series] as number))
    if (batch === undefined) continue
    if (rowBatch[series] === batch.number) batch.weight -= weight[series] as number
    const timeMs = columns.sampleTime[i] as number
    if (timeMs > batch.latestMs) batch.latestMs = timeMs
    pushSample(
      batch.columns,
      rowOf(batch, series),
      timeMs,
      columns.sampleStart[i] as number,
      columns.sampleWords[2 * i] as number,
      columns.sampleWords[2 * i + 1] as number,
    )
  }
  for (let i = 0; i < columns.histograms; i++) {
    const series = columns.histogramSeries[i] as number
    const batch = batchFor(lane[series] as number, histogramWeight(columns, i) + (weight[series] as number))
    if (batch === undefined) continue
    const timeMs = columns.histogramFields[i * HISTOGRAM_FIELDS + field.time] as number
    if (timeMs > batch.latestMs) batch.latestMs = timeMs
    copyHistogram(batch.columns, rowOf(batch, series), columns, i)
  }
}
