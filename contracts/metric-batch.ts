import {
  type Arena,
  checkEnds,
  checkFinite,
  checkRefs,
  createArena,
  f64,
  i8,
  i32,
  invalid,
  raw,
  reserve,
  rowsOf,
  u32,
  u64,
} from './arena.ts'
import { decodeEvent } from './events.ts'
import type { MetricBatch } from './generated/types.ts'
import { type StringTable, stringsIn } from './strings.ts'

/** `histogramScale` of a histogram with explicit bounds. */
export const EXPLICIT_BOUNDS = -53
/** Scales an OpenTelemetry SDK chooses from; Prometheus' schemas -4..8 lie inside. */
const SCALE_RANGE = [-10, 20] as const

/** A label is a name ref and a value ref. */
const LABEL_WIDTH = 2

export const METRIC_TYPE = 'plimsoll.telemetry.v1.MetricBatch'

/** Numbers of the `seriesKind` column. */
export const SERIES_KIND = {
  gauge: 0,
  cumulativeCounter: 1,
  deltaCounter: 2,
  cumulativeHistogram: 3,
  deltaHistogram: 4,
  unknown: 5,
} as const

export type SeriesKind = (typeof SERIES_KIND)[keyof typeof SERIES_KIND]

const none = new Uint8Array(0)
/** The histogram columns of a batch that has samples only. */
export const noHistograms = {
  histogramSeries: none,
  histogramTime: none,
  histogramStart: none,
  histogramCount: none,
  histogramSum: none,
  histogramMin: none,
  histogramMax: none,
  histogramScale: none,
  histogramZeroCount: none,
  histogramZeroThreshold: none,
  histogramBucketEnd: none,
  bucketIndex: none,
  bucketCount: none,
  histogramBoundEnd: none,
  bounds: none,
} as const

/**
 * A MetricBatch as typed arrays, named as in the schema and checked once: columns of one table have one length, refs
 * stay inside their tables, times are finite. Copied out of the message, so it outlives it.
 */
export type MetricBatchView = {
  readonly source: string
  readonly receivedAt: number
  readonly strings: StringTable
  readonly seriesRows: number
  readonly sampleRows: number
  readonly histogramRows: number
  /** Pairs: low and high half of each identity. */
  readonly seriesId: Uint32Array
  readonly describedRows: number
  /** Row in seriesId of each described series, ascending; empty when every series is described. See `descriptionOf`. */
  readonly describedRow: Uint32Array
  /** The next four have one row per described series. */
  readonly seriesKind: Uint8Array
  readonly seriesName: Uint32Array
  readonly seriesUnit: Uint32Array
  readonly seriesLabelEnd: Uint32Array
  readonly labelRefs: Uint32Array
  readonly sampleSeries: Uint32Array
  readonly sampleTime: Float64Array
  /** Empty when no sample states a start. */
  readonly sampleStart: Float64Array
  readonly sampleValue: Float64Array
  readonly histogramSeries: Uint32Array
  readonly histogramTime: Float64Array
  readonly histogramStart: Float64Array
  readonly histogramCount: Float64Array
  readonly histogramSum: Float64Array
  readonly histogramMin: Float64Array
  readonly histogramMax: Float64Array
  readonly histogramScale: Int8Array
  readonly histogramZeroCount: Float64Array
  readonly histogramZeroThreshold: Float64Array
  readonly histogramBucketEnd: Uint32Array
  readonly bucketIndex: Int32Array
  readonly bucketCount: Float64Array
  readonly histogramBoundEnd: Uint32Array
  readonly bounds: Float64Array
}

/**
 * Decodes and checks an encoded MetricBatch. Throws ContractError for anything else, cut short or contradictory.
 * With an `arena` of the caller the view lives until that arena is used again.
 * @example
 * const batch = metricBatchView(message.data)
 * for (let i = 0; i < batch.sampleRows; i++) fold(batch.sampleSeries[i], batch.sampleTime[i], batch.sampleValue[i])
 */
export function metricBatchView(bytes: Uint8Array, arena: Arena = createArena()): MetricBatchView {
  const event = decodeEvent(bytes)
  if (event.type !== METRIC_TYPE) throw invalid(`expected ${METRIC_TYPE}, got ${event.type}`)
  const view = viewOf(event.value, arena)
  checkAscending(view.describedRow, view.seriesRows)
  checkRefs(view.seriesName, view.strings.count, 'seriesName')
  checkRefs(view.seriesUnit, view.strings.count, 'seriesUnit')
  checkRefs(view.labelRefs, view.strings.count, 'labelRefs')
  checkEnds(view.seriesLabelEnd, view.labelRefs.length, 'seriesLabelEnd', LABEL_WIDTH)
  checkRefs(view.sampleSeries, view.seriesRows, 'sampleSeries')
  checkFinite(view.sampleTime, 'sampleTime')
  if (view.histogramRows > 0) checkHistograms(view)
  return view
}

/**
 * Where the series of a row is described: the row in `seriesKind`, `seriesName`, `seriesUnit` and `seriesLabelEnd`;
 * -1 when this batch leaves it out because an earlier one in the lane stated it.
 */
export function descriptionOf({ describedRow, describedRows, seriesRows }: MetricBatchView, row: number): number {
  if (describedRows === seriesRows) return row
  let low = 0
  for (let high = describedRows; low < high; ) {
    const middle = (low + high) >>> 1
    if ((describedRow[middle] ?? 0) < row) low = middle + 1
    else high = middle
  }
  return describedRow[low] === row ? low : -1
}

/** `[0, 1, 2 ...]`, shared by every batch with one sample per series. */
let rowNumbers = new Uint32Array(0)

function firstRows(count: number): Uint32Array {
  if (count > rowNumbers.length) rowNumbers = new Uint32Array(count * 2).map((_, row) => row)
  return rowNumbers.subarray(0, count)
}

function viewOf(batch: MetricBatch, given: Arena): MetricBatchView {
  const arena = reserve(given, batch)
  const series = rowsOf(batch.seriesId, 'seriesId', 8)
  const described = rowsOf(batch.seriesKind, 'seriesKind', 1)
  const labels = rowsOf(batch.labelRefs, 'labelRefs', 4)
  const samples = rowsOf(batch.sampleValue, 'sampleValue', 8)
  const histograms = rowsOf(batch.histogramCount, 'histogramCount', 8)
  const buckets = rowsOf(batch.bucketIndex, 'bucketIndex', 4)
  const bounds = rowsOf(batch.bounds, 'bounds', 8)
  const implied = batch.sampleSeries.byteLength === 0 && samples === series
  const starts = batch.sampleStart.byteLength === 0 ? 0 : samples
  return {
    source: batch.source,
    receivedAt: batch.receivedAt,
    strings: stringsIn(arena, batch),
    seriesRows: series,
    sampleRows: samples,
    histogramRows: histograms,
    seriesId: u64(arena, batch.seriesId, 'seriesId', series),
    describedRows: described,
    describedRow: u32(arena, batch.describedRow, 'describedRow', described === series ? 0 : described),
    seriesKind: raw(arena, batch.seriesKind, 'seriesKind', described),
    seriesName: u32(arena, batch.seriesName, 'seriesName', described),
    seriesUnit: u32(arena, batch.seriesUnit, 'seriesUnit', described),
    seriesLabelEnd: u32(arena, batch.seriesLabelEnd, 'seriesLabelEnd', described),
    labelRefs: u32(arena, batch.labelRefs, 'labelRefs', labels),
    sampleSeries: implied ? firstRows(samples) : u32(arena, batch.sampleSeries, 'sampleSeries', samples),
    sampleTime: f64(arena, batch.sampleTime, 'sampleTime', samples),
    sampleStart: f64(arena, batch.sampleStart, 'sampleStart', starts),
    sampleValue: f64(arena, batch.sampleValue, 'sampleValue', samples),
    histogramSeries: u32(arena, batch.histogramSeries, 'histogramSeries', histograms),
    histogramTime: f64(arena, batch.histogramTime, 'histogramTime', histograms),
    histogramStart: f64(arena, batch.histogramStart, 'histogramStart', histograms),
    histogramCount: f64(arena, batch.histogramCount, 'histogramCount', histograms),
    histogramSum: f64(arena, batch.histogramSum, 'histogramSum', histograms),
    histogramMin: f64(arena, batch.histogramMin, 'histogramMin', histograms),
    histogramMax: f64(arena, batch.histogramMax, 'histogramMax', histograms),
    histogramScale: i8(arena, batch.histogramScale, 'histogramScale', histograms),
    histogramZeroCount: f64(arena, batch.histogramZeroCount, 'histogramZeroCount', histograms),
    histogramZeroThreshold: f64(arena, batch.histogramZeroThreshold, 'histogramZeroThreshold', histograms),
    histogramBucketEnd: u32(arena, batch.histogramBucketEnd, 'histogramBucketEnd', histograms),
    bucketIndex: i32(arena, batch.bucketIndex, 'bucketIndex', buckets),
    bucketCount: f64(arena, batch.bucketCount, 'bucketCount', buckets),
    histogramBoundEnd: u32(arena, batch.histogramBoundEnd, 'histogramBoundEnd', histograms),
    bounds: f64(arena, batch.bounds, 'bounds', bounds),
  }
}

function checkAscending(rows: Uint32Array, limit: number): void {
  let next = 0
  for (const row of rows) {
    if (row < next || row >= limit) throw invalid(`describedRow ${row} is out of order or not one of ${limit} series`)
    next = row + 1
  }
}

function checkHistograms(view: MetricBatchView): void {
  checkRefs(view.histogramSeries, view.seriesRows, 'histogramSeries')
  checkFinite(view.histogramTime, 'histogramTime')
  checkEnds(view.histogramBucketEnd, view.bucketIndex.length, 'histogramBucketEnd')
  checkEnds(view.histogramBoundEnd, view.bounds.length, 'histogramBoundEnd')
  let bucket = 0
  let firstBound = 0
  for (let row = 0; row < view.histogramRows; row++) {
    const scale = view.histogramScale[row] ?? 0
    const bucketEnd = view.histogramBucketEnd[row] ?? 0
    const boundEnd = view.histogramBoundEnd[row] ?? 0
    if (scale === EXPLICIT_BOUNDS) {
      for (; bucket < bucketEnd; bucket++) {
        const index = view.bucketIndex[bucket] ?? 0
        if (index < 0 || index > boundEnd - firstBound) {
          throw invalid(`bucketIndex ${index} of histogram ${row} is outside its ${boundEnd - firstBound} bounds`)
        }
      }
    } else if (scale < SCALE_RANGE[0] || scale > SCALE_RANGE[1]) {
      throw invalid(
        `histogramScale is ${scale} at row ${row}, neither ${SCALE_RANGE.join('..')} nor ${EXPLICIT_BOUNDS}`,
      )
    }
    bucket = bucketEnd
    firstBound = boundEnd
  }
}
