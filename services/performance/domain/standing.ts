/**
 * The standing baseline of a series: what was normal over its last accepted hour and a half. It lags by a quarter of an
 * hour, so that a change does not teach itself, and stands still while an episode is open (performance.md 3.2).
 */

import { type ChartWindow, latenciesOf } from './chart.ts'
import { encodeHistogram } from './histogramcodec.ts'
import { type LatencySummary, summarise, summariseValues } from './summary.ts'
import type { Metric } from './watch.ts'

const MINUTE_MS = 60_000
export const REFERENCE_MS = 75 * MINUTE_MS
export const LAG_MS = 15 * MINUTE_MS
const FIRM_MS = 24 * 60 * MINUTE_MS
const FEWEST_WINDOWS = 20
const FEWEST_REQUESTS = 300

export type Standing = {
  readonly firmness: 'provisional' | 'firm'
  readonly fromMs: number
  readonly summary: LatencySummary
  readonly histogram: Uint8Array | null
  /** p95, error rate in %, requests/s, or the median of a gauge. */
  readonly value: number
  /** Share of the minutes since `fromMs` that had a window. */
  readonly acceptedShare: number
}

/**
 * From the windows of the reference span, undefined while they are too few: 20 windows, and 300 requests where requests
 * are counted. `ageMs` is how long the series has been watched.
 */
export function standingOf(
  metric: Metric,
  windows: readonly ChartWindow[],
  kind: 'endpoint' | 'gauge',
  ageMs: number,
): Standing | undefined {
  const byStart = Map.groupBy(windows, ({ t }) => t.getTime())
  if (byStart.size < FEWEST_WINDOWS) return undefined
  const fromMs = Math.min(...byStart.keys())
  const spanMs = Math.max(...byStart.keys()) - fromMs + MINUTE_MS
  const common = {
    firmness: ageMs >= FIRM_MS ? ('firm' as const) : ('provisional' as const),
    fromMs,
    acceptedShare: Math.min(1, (byStart.size * MINUTE_MS) / spanMs),
  }
  if (kind === 'gauge') {
    const summary = summariseValues(
      [...byStart.values()].flatMap(([w]) => (w && w.requests > 0 ? [w.sum / w.requests] : [])),
    )
    return { ...common, summary, histogram: null, value: summary.p50 ?? 0 }
  }
  if (metric === 'latency') {
    const histogram = latenciesOf(windows)
    if (histogram.count < FEWEST_REQUESTS) return undefined
    const summary = summarise(histogram)
    return { ...common, summary, histogram: encodeHistogram(histogram), value: summary.p95 ?? summary.p50 ?? 0 }
  }
  const perMinute = [...byStart.values()].map((group) => minuteValue(metric, group))
  const summary = summariseValues(perMinute)
  if (metric === 'error_rate') return errorStanding(common, windows, summary)
  return { ...common, summary, histogram: null, value: summary.p50 ?? 0 }
}

function errorStanding(
  common: Pick<Standing, 'firmness' | 'fromMs' | 'acceptedShare'>,
  windows: readonly ChartWindow[],
  summary: LatencySummary,
): Standing | undefined {
  let requests = 0
  let failed = 0
  for (const window of windows) {
    requests += window.requests
    if (window.status_class === 5) failed += window.requests
  }
  if (requests < FEWEST_REQUESTS) return undefined
  return { ...common, summary, histogram: null, value: (100 * failed) / requests }
}

function minuteValue(metric: Metric, windows: readonly ChartWindow[]): number {
  let rate = 0
  let requests = 0
  let failed = 0
  for (const window of windows) {
    rate += window.rate
    requests += window.requests
    if (window.status_class === 5) failed += window.requests
  }
  if (metric === 'throughput') return rate
  return requests > 0 ? (100 * failed) / requests : 0
}
