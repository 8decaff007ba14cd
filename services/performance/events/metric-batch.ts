/** MetricBatch -> fold. */

import { descriptionOf, EXPLICIT_BOUNDS, type MetricBatchView } from '@plimsoll/contracts/metric-batch.ts'
import { foldHistogram, foldSamples } from '../domain/count.ts'
import type { Fold } from '../domain/fold.ts'
import type { Histogram } from '../domain/histogram.ts'
import { fromExplicit, fromExponential } from '../domain/histogramcodec.ts'
import { resolveSeries, type SeriesDictionary } from '../domain/introduce.ts'

/** Slots of the rows of the batch at hand; one batch is folded at a time. */
let rows = new Int32Array(1024)

export function foldMetricBatch(fold: Fold, batch: MetricBatchView): void {
  if (rows.length < batch.seriesRows) rows = new Int32Array(batch.seriesRows * 2)
  resolveSeries(fold, batch.source, dictionaryOf(batch), rows)
  const samples = {
    series: batch.sampleSeries,
    time: batch.sampleTime,
    start: batch.sampleStart,
    value: batch.sampleValue,
  }
  foldSamples(fold, rows, samples, batch.receivedAt)
  foldHistograms(fold, rows, batch)
  fold.receivedAtMs = Math.max(fold.receivedAtMs, batch.receivedAt)
}

function dictionaryOf(batch: MetricBatchView): SeriesDictionary {
  const { strings, labelRefs, seriesLabelEnd } = batch
  return {
    count: batch.seriesRows,
    ids: batch.seriesId,
    describe(row) {
      const at = descriptionOf(batch, row)
      if (at < 0) return undefined
      const labels = new Map<string, string>()
      const end = seriesLabelEnd[at] ?? 0
      for (let i = at === 0 ? 0 : (seriesLabelEnd[at - 1] ?? 0); i + 1 < end; i += 2) {
        labels.set(strings.at(labelRefs[i] ?? 0), strings.at(labelRefs[i + 1] ?? 0))
      }
      return {
        name: strings.at(batch.seriesName[at] ?? 0),
        unit: strings.at(batch.seriesUnit[at] ?? 0),
        kind: batch.seriesKind[at] ?? 0,
        labels,
      }
    },
  }
}

function foldHistograms(fold: Fold, slots: Int32Array, batch: MetricBatchView): void {
  for (let i = 0; i < batch.histogramRows; i++) {
    const slot = slots[batch.histogramSeries[i] ?? 0] ?? -1
    if (slot < 0) {
      fold.counts.samples++
      fold.counts.ignored++
      continue
    }
    const endpoint = fold.endpoints[fold.table.target[slot] ?? 0]
    const unitMs = endpoint?.cells[fold.table.cell[slot] ?? 0]?.unitMs ?? 1000
    const at = batch.histogramTime[i] ?? 0
    foldHistogram(fold, slot, at, batch.histogramStart[i] ?? 0, histogramAt(batch, i, unitMs), batch.receivedAt)
  }
}

function histogramAt(batch: MetricBatchView, i: number, unitMs: number): Histogram {
  const from = i === 0 ? 0 : (batch.histogramBucketEnd[i - 1] ?? 0)
  const to = batch.histogramBucketEnd[i] ?? from
  const extremes = {
    ...stated('sum', batch.histogramSum[i]),
    ...stated('min', batch.histogramMin[i]),
    ...stated('max', batch.histogramMax[i]),
  }
  if (batch.histogramScale[i] === EXPLICIT_BOUNDS) {
    const bounds = batch.bounds.subarray(
      i === 0 ? 0 : (batch.histogramBoundEnd[i - 1] ?? 0),
      batch.histogramBoundEnd[i] ?? 0,
    )
    const counts = new Float64Array(bounds.length + 1)
    for (let b = from; b < to; b++) counts[batch.bucketIndex[b] ?? 0] = batch.bucketCount[b] ?? 0
    return fromExplicit({ bounds, counts, unitMs, ...extremes })
  }
  return fromExponential({
    scale: batch.histogramScale[i] ?? 0,
    zeroCount: batch.histogramZeroCount[i] ?? 0,
    ...denseBuckets(batch, from, to),
    unitMs,
    ...extremes,
  })
}

/** Wider histograms than this are taken by their lowest buckets: 2^15 buckets span more than a double can. */
const MOST_BUCKETS = 2 ** 15

function denseBuckets(batch: MetricBatchView, from: number, to: number): { offset: number; counts: Float64Array } {
  let low = Infinity
  let high = -Infinity
  for (let b = from; b < to; b++) {
    const index = batch.bucketIndex[b] ?? 0
    if (index < low) low = index
    if (index > high) high = index
  }
  if (low > high) return { offset: 0, counts: new Float64Array(0) }
  const counts = new Float64Array(Math.min(MOST_BUCKETS, high - low + 1))
  for (let b = from; b < to; b++) {
    const at = Math.min(counts.length - 1, (batch.bucketIndex[b] ?? 0) - low)
    counts[at] = (counts[at] ?? 0) + (batch.bucketCount[b] ?? 0)
  }
  return { offset: low, counts }
}

function stated<Key extends string>(key: Key, value: number | undefined): { [K in Key]?: number } {
  return value === undefined || Number.isNaN(value) ? {} : ({ [key]: value } as { [K in Key]: number })
}
