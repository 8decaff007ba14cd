import { packColumn } from '@plimsoll/contracts/columns.ts'
import { encodeEvent } from '@plimsoll/contracts/events.ts'
import { field, HISTOGRAM_FIELDS, type MetricColumns } from './metriccolumns.ts'
import type { SeriesRegistry } from './registry.ts'
import { createStringDictionary } from './stringdictionary.ts'

/**
 * One MetricBatch as it goes on the wire. `series` are the handles of the batch's rows, in row order; `columns` holds
 * rows in its series columns.
 */
export function encodeMetricBatch(
  registry: SeriesRegistry,
  series: Int32Array,
  seriesCount: number,
  columns: MetricColumns,
  receivedAtMs: number,
): Uint8Array {
  const known = registry.columns
  const strings = createStringDictionary(registry.texts)
  const id = new Uint32Array(seriesCount * 2)
  const kind = new Uint8Array(seriesCount)
  const name = new Uint32Array(seriesCount)
  const unit = new Uint32Array(seriesCount)
  const labelEnd = new Uint32Array(seriesCount)
  let refCount = 0
  for (let row = 0; row < seriesCount; row++) {
    const handle = series[row] as number
    refCount += (known.labelEnd[handle] as number) - (handle === 0 ? 0 : (known.labelEnd[handle - 1] as number))
  }
  const labelRefs = new Uint32Array(refCount)
  let ref = 0
  for (let row = 0; row < seriesCount; row++) {
    const handle = series[row] as number
    id[2 * row] = known.idLow[handle] as number
    id[2 * row + 1] = known.idHigh[handle] as number
    kind[row] = known.kind[handle] as number
    name[row] = strings.ref(known.name[handle] as number)
    unit[row] = strings.ref(known.unit[handle] as number)
    const end = known.labelEnd[handle] as number
    for (let i = handle === 0 ? 0 : (known.labelEnd[handle - 1] as number); i < end; i++) {
      labelRefs[ref++] = strings.ref(known.labelRefs[i] as number)
    }
    labelEnd[row] = ref
  }
  const { samples, histograms, histogramFields } = columns
  const histogramColumn = (offset: number): Uint8Array => {
    const column = new Float64Array(histograms)
    for (let i = 0; i < histograms; i++) column[i] = histogramFields[i * HISTOGRAM_FIELDS + offset] as number
    return packColumn(column)
  }
  const scale = new Int8Array(histograms)
  for (let i = 0; i < histograms; i++) scale[i] = histogramFields[i * HISTOGRAM_FIELDS + field.scale] as number
  return encodeEvent('plimsoll.telemetry.v1.MetricBatch', {
    source: registry.source,
    receivedAt: receivedAtMs,
    stringBytes: strings.bytes(),
    stringEnds: packColumn(strings.ends()),
    seriesId: packColumn(id),
    seriesKind: kind,
    seriesName: packColumn(name),
    seriesUnit: packColumn(unit),
    seriesLabelEnd: packColumn(labelEnd),
    labelRefs: packColumn(labelRefs),
    sampleSeries: packColumn(columns.sampleSeries.subarray(0, samples)),
    sampleTime: packColumn(columns.sampleTime.subarray(0, samples)),
    sampleStart: packColumn(columns.sampleStart.subarray(0, columns.started ? samples : 0)),
    sampleValue: packColumn(columns.sampleValue.subarray(0, samples)),
    histogramSeries: packColumn(columns.histogramSeries.subarray(0, histograms)),
    histogramTime: histogramColumn(field.time),
    histogramStart: histogramColumn(field.start),
    histogramCount: histogramColumn(field.count),
    histogramSum: histogramColumn(field.sum),
    histogramMin: histogramColumn(field.min),
    histogramMax: histogramColumn(field.max),
    histogramScale: packColumn(scale),
    histogramZeroCount: histogramColumn(field.zeroCount),
    histogramZeroThreshold: histogramColumn(field.zeroThreshold),
    histogramBucketEnd: packColumn(columns.bucketEnd.subarray(0, histograms)),
    bucketIndex: packColumn(columns.bucketIndex.subarray(0, columns.buckets)),
    bucketCount: packColumn(columns.bucketCount.subarray(0, columns.buckets)),
    histogramBoundEnd: packColumn(columns.boundEnd.subarray(0, histograms)),
    bounds: packColumn(columns.bounds.subarray(0, columns.boundCount)),
  })
}
