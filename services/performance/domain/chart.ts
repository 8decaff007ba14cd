/** Stored windows as numbers for people: a summary of many, or a line of points. */

import { createHistogram, type Histogram, merge, quantile } from './histogram.ts'
import { decodeHistogram } from './histogramcodec.ts'
import { LEAST_REQUESTS } from './summary.ts'

/** A window as stored. */
export type ChartWindow = {
  readonly t: Date
  readonly status_class: number
  readonly request_class: string
  readonly requests: number
  readonly rate: number
  readonly sum: number
  readonly min: number | null
  readonly max: number | null
  readonly histogram: Uint8Array | null
}

export type Red = {
  readonly requests: number
  readonly ratePerSecond: number | null
  readonly errorPercent: number | null
  readonly p50Ms: number | null
  readonly p95Ms: number | null
  readonly p99Ms: number | null
}

/** Rate, errors and duration of the windows of one endpoint. */
export function redOf(windows: readonly ChartWindow[]): Red {
  const minutes = new Set(windows.map(({ t }) => t.getTime())).size
  const total = sumOf(windows, ({ requests }) => requests)
  const stated = windows.filter(({ status_class }) => status_class > 0)
  const failed = sumOf(stated, ({ requests, status_class }) => (status_class === 5 ? requests : 0))
  const known = sumOf(stated, ({ requests }) => requests)
  const histogram = latenciesOf(windows)
  return {
    requests: total,
    ratePerSecond: minutes === 0 ? null : sumOf(windows, ({ rate }) => rate) / minutes,
    errorPercent: known > 0 ? (100 * failed) / known : null,
    ...percentiles(histogram),
  }
}

export type Point = Red & {
  readonly at: Date
  /** Mean of a gauge's readings; null for requests. */
  readonly value: number | null
  readonly min: number | null
  readonly max: number | null
}

/** One point per window start. */
export function pointsOf(windows: readonly ChartWindow[], kind: 'endpoint' | 'gauge'): Point[] {
  const byStart = Map.groupBy(windows, ({ t }) => t.getTime())
  return [...byStart].map(([start, group]) => {
    const [first] = group
    const isGauge = kind === 'gauge' && first !== undefined && first.requests > 0
    return {
      ...redOf(group),
      at: new Date(start),
      value: isGauge ? first.sum / first.requests : null,
      min: extreme(group, 'min', Math.min),
      max: extreme(group, 'max', Math.max),
    }
  })
}

function percentiles(histogram: Histogram): Pick<Red, 'p50Ms' | 'p95Ms' | 'p99Ms'> {
  const of = (p: number, least: number) => (histogram.count >= least ? quantile(histogram, p) : null)
  return {
    p50Ms: of(0.5, LEAST_REQUESTS.p50),
    p95Ms: of(0.95, LEAST_REQUESTS.p95),
    p99Ms: of(0.99, LEAST_REQUESTS.p99),
  }
}

/** Of the requests answered as asked, as detectors see them; of all when none was. */
export function latenciesOf(windows: readonly ChartWindow[]): Histogram {
  const all = createHistogram()
  for (const { histogram } of latencyWindows(windows)) {
    if (histogram !== null) merge(all, decodeHistogram(histogram))
  }
  return all
}

/** Windows that latencies are read from: failures are quick or slow for reasons of their own. */
export function latencyWindows(windows: readonly ChartWindow[]): readonly ChartWindow[] {
  const measured = windows.filter(({ histogram }) => histogram !== null)
  const good = measured.filter(({ status_class }) => status_class <= 3)
  return good.length > 0 ? good : measured
}

function sumOf<T>(items: readonly T[], of: (item: T) => number): number {
  let sum = 0
  for (const item of items) sum += of(item)
  return sum
}

function extreme(
  windows: readonly ChartWindow[],
  name: 'min' | 'max',
  pick: (...values: number[]) => number,
): number | null {
  const values = windows.flatMap((window) => window[name] ?? [])
  return values.length === 0 ? null : pick(...values)
}
