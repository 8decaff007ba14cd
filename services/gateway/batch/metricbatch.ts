import { packColumn } from '@plimsoll/contracts/columns.ts'
import { encodeEvent } from '@plimsoll/contracts/events.ts'
import { field, HISTOGRAM_FIELDS, type MetricColumns } from './metriccolumns.ts'
import type { SeriesRegistry } from './registry.ts'
import { createStringDictionary } from './stringdictionary.ts'

/** A consumer that starts anywhere in the log knows every series that is still sent after this long, ms ... */
const DESCRIBE_AGAIN_MS = 5 * 60_000
/** ... or after so many batches of it: a backlog being caught up passes hours within seconds. */
const DESCRIBE_EVERY = 16

/** Rows of the batch being encoded; batches are encoded one at a time. */
type Scratch = {
  readonly id: Uint32Array
  readonly describedRow: Uint32Array
  readonly kind: Uint8Array
  readonly name: Uint32Array
  readonly unit: Uint32Array
  readonly labelEnd: Uint32Array
}

function createScratch(rows: number): Scratch {
  return {
    id: new Uint32Array(rows * 2),
    describedRow: new Uint32Array(rows),
    kind: new Uint8Array(rows),
    name: new Uint32Array(rows),
    unit: new Uint32Array(rows),
    labelEnd: new Uint32Array(rows),
  }
}

const NONE = new Uint8Array(0)
let scratch = createScratch(1024)
let labelRefs = new Uint32Array(16 * 1024)

export type EncodedMetricBatch = {
  readonly bytes: Uint8Array
  /** The series it describes; to be noted as described once the batch is in the log, not before. */
  readonly described: Int32Array
}

/**
 * One MetricBatch as it goes on the wire. `series` are the handles of the batch's rows, in row order; `columns` holds
 * rows in its series columns. Labels are ten times the size of a sample, so series that the log has a description of
 * are left undescribed for a while.
 */
export function encodeMetricBatch(
  registry: SeriesRegistry,
  series: Int32Array,
  seriesCount: number,
  columns: MetricColumns,
  receivedAtMs: number,
): EncodedMetricBatch {
  const known = registry.columns
  const strings = createStringDictionary(registry.texts)
  if (scratch.kind.length < seriesCount) scratch = createScratch(seriesCount * 2)
  const { id, describedRow, kind, name, unit, labelEnd } = scratch
  const describedBefore = receivedAtMs - DESCRIBE_AGAIN_MS
  let described = 0
  let refs = 0
  for (let row = 0; row < seriesCount; row++) {
    const handle = series[row] as number
    id[2 * row] = known.idLow[handle] as number
    id[2 * row + 1] = known.idHigh[handle] as number
    const leftOut = known.leftOut[handle] as number
    if (leftOut + 1 < DESCRIBE_EVERY && (known.describedAtMs[handle] as number) > describedBefore) {
      known.leftOut[handle] = leftOut + 1
      continue
    }
    describedRow[described] = row
    kind[described] = known.kind[handle] as number
    name[described] = strings.ref(known.name[handle] as number)
    unit[described] = strings.ref(known.unit[handle] as number)
    const end = known.labelEnd[handle] as number
    const start = handle === 0 ? 0 : (known.labelEnd[handle - 1] as number)
    if (refs + end - start > labelRefs.length) labelRefs = grown(labelRefs, refs + end - start)
    for (let i = start; i < end; i++) labelRefs[refs++] = strings.ref(known.labelRefs[i] as number)
    labelEnd[described++] = refs
  }
  const { samples, histograms, histogramFields } = columns
  const histogramColumn = (offset: number): Uint8Array => {
    if (histograms === 0) return NONE
    const column = new Float64Array(histograms)
    for (let i = 0; i < histograms; i++) column[i] = histogramFields[i * HISTOGRAM_FIELDS + offset] as number
    return packColumn(column)
  }
  const scale = new Int8Array(histograms)
  for (let i = 0; i < histograms; i++) scale[i] = histogramFields[i * HISTOGRAM_FIELDS + field.scale] as number
  const bytes = encodeEvent('plimsoll.telemetry.v1.MetricBatch', {
    source: registry.source,
    receivedAt: receivedAtMs,
    stringBytes: strings.bytes(),
    stringEnds: packColumn(strings.ends()),
    seriesId: packColumn(id.subarray(0, seriesCount * 2)),
    describedRow: packColumn(describedRow.subarray(0, described === seriesCount ? 0 : described)),
    seriesKind: kind.subarray(0, described),
    seriesName: packColumn(name.subarray(0, described)),
    seriesUnit: packColumn(unit.subarray(0, described)),
    seriesLabelEnd: packColumn(labelEnd.subarray(0, described)),
    labelRefs: packColumn(labelRefs.subarray(0, refs)),
    sampleSeries: packColumn(columns.sampleSeries.subarray(0, inRowOrder(columns, seriesCount) ? 0 : samples)),
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
  const handles = new Int32Array(described)
  for (let i = 0; i < described; i++) handles[i] = series[describedRow[i] as number] as number
  return { bytes, described: handles }
}

/** Notes that the log has a description of these series, made at `atMs`. */
export function noteDescribed({ columns }: SeriesRegistry, described: Int32Array, atMs: number): void {
  for (const handle of described) {
    columns.describedAtMs[handle] = atMs
    columns.leftOut[handle] = 0
  }
}

/** Whether there is one sample for every series, in the order of their rows: what a scrape looks like. */
function inRowOrder({ samples, sampleSeries }: MetricColumns, seriesCount: number): boolean {
  if (samples !== seriesCount) return false
  for (let i = 0; i < samples; i++) if (sampleSeries[i] !== i) return false
  return true
}

function grown(column: Uint32Array<ArrayBuffer>, length: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(Math.max(column.length * 2, length))
  larger.set(column)
  return larger
}
