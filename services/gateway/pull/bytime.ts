import { copyHistogram, field, HISTOGRAM_FIELDS, type MetricColumns, pushSample } from '../batch/metriccolumns.ts'
import type { Span } from './domain/span.ts'

/** Whether a point is to be left out, by the series it belongs to. */
export type Skip = (series: number, timeMs: number) => boolean

/**
 * Appends the points of `from`, which come series by series, to `into` in order of time. Windows close by event time, so
 * a whole stretch of one series before the next one would make all but the first late. Times are steps of `span`.
 */
export function appendByTime(into: MetricColumns, from: MetricColumns, span: Span, skip: Skip): void {
  const sampleOrder = orderByStep(from.samples, (i) => from.sampleTime[i] ?? 0, span)
  for (const i of sampleOrder) {
    const series = from.sampleSeries[i] ?? 0
    const timeMs = from.sampleTime[i] ?? 0
    if (skip(series, timeMs)) continue
    pushSample(into, series, timeMs, 0, from.sampleWords[2 * i] ?? 0, from.sampleWords[2 * i + 1] ?? 0)
  }
  const timeOf = (i: number) => from.histogramFields[i * HISTOGRAM_FIELDS + field.time] ?? 0
  for (const i of orderByStep(from.histograms, timeOf, span)) {
    const series = from.histogramSeries[i] ?? 0
    if (!skip(series, timeOf(i))) copyHistogram(into, series, from, i)
  }
}

/** Counting sort: rows by the step they belong to, stable. */
function orderByStep(rows: number, timeOf: (row: number) => number, { fromMs, untilMs, stepMs }: Span): Uint32Array {
  const steps = Math.round((untilMs - fromMs) / stepMs) + 1
  const stepOf = (row: number) => Math.min(steps - 1, Math.max(0, Math.round((timeOf(row) - fromMs) / stepMs)))
  const next = new Uint32Array(steps + 1)
  for (let row = 0; row < rows; row++) next[stepOf(row) + 1] = (next[stepOf(row) + 1] ?? 0) + 1
  for (let step = 0; step < steps; step++) next[step + 1] = (next[step + 1] ?? 0) + (next[step] ?? 0)
  const order = new Uint32Array(rows)
  for (let row = 0; row < rows; row++) {
    const at = next[stepOf(row)] ?? 0
    order[at] = row
    next[stepOf(row)] = at + 1
  }
  return order
}
