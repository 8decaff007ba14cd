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
import { type StringTable, stringTable } from './strings.ts'

/** `histogramScale` of a histogram with explicit bounds. */
export const EXPLICIT_BOUNDS = -53
/** Scales an OpenTelemetry SDK chooses from; Prometheus' schemas -4..8 lie inside. */
const SCALE_RANGE = [-10, 20] as const

/** A label is a name ref and a value ref. */
const LABEL_WIDTH = 2

export const METRIC_TYPE = 'plimsoll.telemetry.v1.MetricBatch'

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
  checkRefs(view.seriesName, view.strings.count, 'seriesName')
  checkRefs(view.seriesUnit, view.strings.count, 'seriesUnit')
  checkRefs(view.labelRefs, view.strings.count, 'labelRefs')
  checkEnds(view.seriesLabelEnd, view.labelRefs.length, 'seriesLabelEnd', LABEL_WIDTH)
  checkRefs(view.sampleSeries, view.seriesRows, 'sampleSeries')
  checkFinite(view.sampleTime, 'sampleTime')
  if (view.histogramRows > 0) checkHistograms(view)
  return view
}

function viewOf(batch: MetricBatch, given: Arena): MetricBatchView {
  const arena = reserve(given, batch)
  const series = rowsOf(batch.seriesId, 'seriesId', 8)
  const labels = rowsOf(batch.labelRefs, 'labelRefs', 4)
  const samples = rowsOf(batch.sampleValue, 'sampleValue', 8)
  const histograms = rowsOf(batch.histogramCount, 'histogramCount', 8)
  const buckets = rowsOf(batch.bucketIndex, 'bucketIndex', 4)
  const bounds = rowsOf(batch.bounds, 'bounds', 8)
  const strings = rowsOf(batch.stringEnds, 'stringEnds', 4)
  const starts = batch.sampleStart.byteLength === 0 ? 0 : samples
  return {
    source: batch.source,
    receivedAt: batch.receivedAt,
    strings: stringTable(
      raw(arena, batch.stringBytes, 'stringBytes', batch.stringBytes.byteLength),
      u32(arena, batch.stringEnds, 'stringEnds', strings),
    ),
    seriesRows: series,
    sampleRows: samples,
    histogramRows: histograms,
    seriesId: u64(arena, batch.seriesId, 'seriesId', series),
    seriesKind: raw(arena, batch.seriesKind, 'seriesKind', series),
    seriesName: u32(arena, batch.seriesName, 'seriesName', series),
    seriesUnit: u32(arena, batch.seriesUnit, 'seriesUnit', series),
    seriesLabelEnd: u32(arena, batch.seriesLabelEnd, 'seriesLabelEnd', series),
    labelRefs: u32(arena, batch.labelRefs, 'labelRefs', labels),
    sampleSeries: u32(arena, batch.sampleSeries, 'sampleSeries', samples),
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
