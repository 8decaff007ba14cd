/** A distribution as people are told of it: quantiles with intervals, where there are enough requests for them. */

import type * as contracts from '@plimsoll/contracts/generated/types.ts'
import { type Histogram, mean, quantile, quantileInterval } from './histogram.ts'

/** In the series' unit; null where n is too small. */
export type LatencySummary = Omit<contracts.LatencySummary, 'histogram'>

/** Fewest requests a percentile is stated for (performance.md 3.1). */
export const LEAST_REQUESTS = { p50: 20, p95: 100, p99: 500 } as const

export function summarise(histogram: Histogram): LatencySummary {
  const at = (p: number, least: number): readonly (number | null)[] =>
    histogram.count < least ? [null, null, null] : [quantile(histogram, p), ...quantileInterval(histogram, p)]
  const [p50 = null, p50Low = null, p50High = null] = at(0.5, LEAST_REQUESTS.p50)
  const [p95 = null, p95Low = null, p95High = null] = at(0.95, LEAST_REQUESTS.p95)
  const [p99 = null, p99Low = null, p99High = null] = at(0.99, LEAST_REQUESTS.p99)
  return {
    n: histogram.count,
    ...{ p50, p50Low, p50High, p95, p95Low, p95High, p99, p99Low, p99High },
    mean: histogram.count > 0 ? mean(histogram) : null,
  }
}

/** Of single values, e.g. the windows of a gauge: quantiles by nearest rank, the median's interval by order statistics. */
export function summariseValues(values: readonly number[]): LatencySummary {
  const sorted = [...values].sort((a, b) => a - b)
  const n = sorted.length
  const rank = (r: number): number | null => sorted[Math.max(0, Math.min(n - 1, Math.ceil(r) - 1))] ?? null
  const half = 0.98 * Math.sqrt(n)
  let sum = 0
  for (const value of sorted) sum += value
  return {
    n,
    p50: rank(n * 0.5),
    p50Low: rank(n / 2 - half),
    p50High: rank(n / 2 + half),
    p95: rank(n * 0.95),
    p95Low: null,
    p95High: null,
    p99: rank(n * 0.99),
    p99Low: null,
    p99High: null,
    mean: n > 0 ? sum / n : null,
  }
}
