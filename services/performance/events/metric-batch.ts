/** MetricBatch -> fold. */

import { f64Column, i8Column, i32Column, u8Column, u32Column, u64Column } from '@plimsoll/contracts/columns.ts'
import type { EventValue } from '@plimsoll/contracts/events.ts'
import { stringTable } from '@plimsoll/contracts/strings.ts'
import { poison } from '@plimsoll/kit/errors.ts'
import { type Fold, foldHistogram, foldSamples, resolveSeries, type SeriesDictionary } from '../domain/fold.ts'
import type { Histogram } from '../domain/histogram.ts'
import { fromExplicit, fromExponential } from '../domain/histogramcodec.ts'

type MetricBatch = EventValue<'plimsoll.telemetry.v1.MetricBatch'>

/** Scale that marks explicit bounds. */
const EXPLICIT = -53

/** Folds one batch. Throws poison when its columns do not belong together. */
export function foldMetricBatch(fold: Fold, batch: MetricBatch): void {
  const dictionary = dictionaryOf(batch)
  const rows = new Int32Array(dictionary.count)
  resolveSeries(fold, batch.source, dictionary, rows)
  const samples = {
    series: u32Column(batch.sampleSeries),
    time: f64Column(batch.sampleTime),
    start: f64Column(batch.sampleStart),
    value: f64Column(batch.sampleValue),
  }
  if (samples.time.length !== samples.series.length || samples.value.length !== samples.series.length) {
    throw poison(
      `MetricBatch: ${samples.series.length} samples but ${samples.time.length} times and ${samples.value.length} values`,
    )
  }
  foldSamples(fold, rows, samples, batch.receivedAt)
  foldHistograms(fold, batch, rows)
  fold.receivedAtMs = Math.max(fold.receivedAtMs, batch.receivedAt)
}

function dictionaryOf(batch: MetricBatch): SeriesDictionary {
  const ids = u64Column(batch.seriesId)
  const count = ids.length / 2
  const kinds = u8Column(batch.seriesKind)
  const names = u32Column(batch.seriesName)
  const units = u32Column(batch.seriesUnit)
  const labelEnds = u32Column(batch.seriesLabelEnd)
  if (kinds.length !== count || names.length !== count || units.length !== count || labelEnds.length !== count) {
    throw poison(
      `MetricBatch: ${count} series but ${kinds.length} kinds, ${names.length} names, ${units.length} units, ${labelEnds.length} label ends`,
    )
  }
  // Most batches hold no series that is new: their strings are never looked at.
  let strings: ReturnType<typeof stringTable> | undefined
  let refs: Uint32Array | undefined
  return {
    count,
    ids,
    describe(row) {
      strings ??= stringTable(batch.stringBytes, batch.stringEnds)
      refs ??= u32Column(batch.labelRefs)
      const labels = new Map<string, string>()
      const end = labelEnds[row] ?? 0
      for (let i = row === 0 ? 0 : (labelEnds[row - 1] ?? 0); i + 1 < end; i += 2) {
        labels.set(strings.at(refs[i] ?? 0), strings.at(refs[i + 1] ?? 0))
      }
      return { name: strings.at(names[row] ?? 0), unit: strings.at(units[row] ?? 0), kind: kinds[row] ?? 0, labels }
    },
  }
}

function foldHistograms(fold: Fold, batch: MetricBatch, rows: Int32Array): void {
  const series = u32Column(batch.histogramSeries)
  if (series.length === 0) return
  const time = f64Column(batch.histogramTime)
  const start = f64Column(batch.histogramStart)
  const points = histogramColumns(batch)
  if (time.length !== series.length || points.scale.length !== series.length) {
    throw poison(`MetricBatch: ${series.length} histograms but ${time.length} times and ${points.scale.length} scales`)
  }
  for (let i = 0; i < series.length; i++) {
    const slot = rows[series[i] ?? 0] ?? -1
    if (slot < 0) {
      fold.counts.samples++
      fold.counts.ignored++
      continue
    }
    const endpoint = fold.endpoints[fold.table.target[slot] ?? 0]
    const unitMs = endpoint?.cells[fold.table.cell[slot] ?? 0]?.unitMs ?? 1000
    foldHistogram(fold, slot, time[i] ?? 0, start[i] ?? 0, histogramAt(points, i, unitMs), batch.receivedAt)
  }
}

function histogramColumns(batch: MetricBatch) {
  return {
    scale: i8Column(batch.histogramScale),
    sum: f64Column(batch.histogramSum),
    min: f64Column(batch.histogramMin),
    max: f64Column(batch.histogramMax),
    zeroCount: f64Column(batch.histogramZeroCount),
    bucketEnd: u32Column(batch.histogramBucketEnd),
    index: i32Column(batch.bucketIndex),
    count: f64Column(batch.bucketCount),
    boundEnd: u32Column(batch.histogramBoundEnd),
    bounds: f64Column(batch.bounds),
  }
}

function histogramAt(points: ReturnType<typeof histogramColumns>, i: number, unitMs: number): Histogram {
  const from = i === 0 ? 0 : (points.bucketEnd[i - 1] ?? 0)
  const to = points.bucketEnd[i] ?? from
  const extremes = { ...stated('sum', points.sum[i]), ...stated('min', points.min[i]), ...stated('max', points.max[i]) }
  if (points.scale[i] === EXPLICIT) {
    const bounds = points.bounds.subarray(i === 0 ? 0 : (points.boundEnd[i - 1] ?? 0), points.boundEnd[i] ?? 0)
    const counts = new Float64Array(bounds.length + 1)
    for (let b = from; b < to; b++) {
      const index = points.index[b] ?? 0
      if (index >= 0 && index < counts.length) counts[index] = (counts[index] ?? 0) + (points.count[b] ?? 0)
    }
    return fromExplicit({ bounds, counts, unitMs, ...extremes })
  }
  const offset = from < to ? (points.index[from] ?? 0) : 0
  const last = from < to ? (points.index[to - 1] ?? offset) : offset
  if (last - offset > 20_000) throw poison(`MetricBatch: a histogram spans ${last - offset} buckets`)
  const counts = new Float64Array(Math.max(0, last - offset + 1))
  for (let b = from; b < to; b++) counts[(points.index[b] ?? 0) - offset] = points.count[b] ?? 0
  return fromExponential({
    scale: points.scale[i] ?? 0,
    zeroCount: points.zeroCount[i] ?? 0,
    offset,
    counts,
    unitMs,
    ...extremes,
  })
}

function stated<Key extends string>(key: Key, value: number | undefined): { [K in Key]?: number } {
  return value === undefined || Number.isNaN(value) ? {} : ({ [key]: value } as { [K in Key]: number })
}
