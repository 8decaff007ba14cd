import { SERIES_KIND } from '@plimsoll/contracts/metric-batch.ts'
import { type MetricColumns, pushBound, pushBucket, pushHistogram, pushValue } from '../batch/metriccolumns.ts'
import type { SeriesHandle, SeriesRefusal, SeriesRegistry } from '../batch/registry.ts'
import { type Outcome, refuse } from '../decode/outcome.ts'
import type { AnswerSeries } from './client.ts'
import { type AnswerHistogram, readHistogram } from './domain/answerhistogram.ts'
import { answerNumber } from './domain/answernumber.ts'
import { kindOf, type Metadata, metadataOf } from './domain/kind.ts'

/** Appends one metric's answer to the columns: the same columns, kinds and series ids that remote write makes of it. */
export function readAnswer(
  answer: readonly AnswerSeries[],
  metadata: Metadata,
  registry: SeriesRegistry,
  columns: MetricColumns,
  outcome: Outcome,
): void {
  for (const { metric, values = [], histograms = [] } of answer) {
    if (values.length > 0) {
      const series = seriesOf(metric, false, metadata, registry)
      if (typeof series === 'string') refuse(outcome, series, values.length, () => JSON.stringify(metric))
      else pushValues(columns, series, values, outcome)
    }
    if (histograms.length > 0) {
      const series = seriesOf(metric, true, metadata, registry)
      if (typeof series === 'string') refuse(outcome, series, histograms.length, () => JSON.stringify(metric))
      else for (const [time, histogram] of histograms) pushAnswerHistogram(columns, series, time, histogram, outcome)
    }
  }
}

function pushValues(
  columns: MetricColumns,
  series: SeriesHandle,
  values: readonly (readonly [number, string])[],
  outcome: Outcome,
): void {
  for (const [time, text] of values) {
    const value = answerNumber(text)
    if (value === undefined) refuse(outcome, 'no-data', 1, () => `the value "${text}"`)
    else {
      pushValue(columns, series, Math.round(time * 1_000), 0, value)
      outcome.samples++
    }
  }
}

function pushAnswerHistogram(
  columns: MetricColumns,
  series: SeriesHandle,
  time: number,
  answer: AnswerHistogram,
  outcome: Outcome,
): void {
  const histogram = readHistogram(answer)
  if (histogram === undefined) {
    refuse(outcome, 'histogram-buckets', 1, () => JSON.stringify(answer))
    return
  }
  const { index, counts, bounds, count, sum, scale, zeroCount, zeroThreshold } = histogram
  for (const [at, bucket] of index.entries()) {
    const observations = counts[at] ?? 0
    if (observations > 0) pushBucket(columns, bucket, observations)
  }
  for (const bound of bounds) pushBound(columns, bound)
  pushHistogram(columns, series, {
    timeMs: Math.round(time * 1_000),
    startMs: 0,
    count,
    sum,
    min: Number.NaN,
    max: Number.NaN,
    scale,
    zeroCount,
    zeroThreshold,
  })
  outcome.histograms++
}

function seriesOf(
  metric: Readonly<Record<string, string>>,
  hasHistograms: boolean,
  metadata: Metadata,
  registry: SeriesRegistry,
): SeriesHandle | SeriesRefusal {
  // The server writes the labels of a series in the same order each time, so its JSON is its key.
  const key = Buffer.from(
    `${hasHistograms ? SERIES_KIND.cumulativeHistogram : SERIES_KIND.gauge}${JSON.stringify(metric)}`,
  )
  const view = new DataView(key.buffer, key.byteOffset, key.length)
  const keys = registry.keyspace('given')
  const known = keys.find(key, view, 0, key.length)
  if (known >= 0) return known
  const texts = Object.entries(metric).flat()
  const unit = metadataOf(metric.__name__ ?? '', metadata)?.unit ?? ''
  const series = registry.define({
    labels: texts.map((text) => registry.texts.internString(text)),
    labelCount: texts.length / 2,
    kind: (name) => kindOf(name, metadata, hasHistograms),
    unit: registry.texts.internString(unit),
  })
  if (typeof series === 'number') keys.remember(key, view, 0, key.length, series)
  return series
}
