/**
 * Slow change: what no minute shows and a month of hours does. A series' hours are freed of their daily course, divided
 * into regimes (drift.ts), and the last border is told if the regime behind it is worse by enough to matter.
 */

import { type ChartWindow, latenciesOf } from './chart.ts'
import { type ChangePoint, findDrift } from './drift.ts'
import { quantile } from './histogram.ts'
import { type LatencySummary, LEAST_REQUESTS, summariseValues } from './summary.ts'

export const HOUR_MS = 3_600_000
const DAY_HOURS = 24
/** Shortest regime: half a day, so that one bad night is none. */
const SHORTEST_HOURS = 12
/** Fewer hours than three days of them do not tell a day's course from a change. */
const FEWEST_HOURS = 3 * DAY_HOURS
/** Older borders were told in their time, or nobody was there to be told. */
const RECENT_MS = 3 * DAY_HOURS * HOUR_MS
/** What a border costs in the criterion of drift.ts: date, level and slope. */
const PENALTY = 3
/** Smallest change worth telling: 10 %, and 0.5 ms or 0.5 % of errors. */
const RELATIVE = 0.1
const ABSOLUTE = 0.5

export type HourlyMetric = 'latency' | 'error_rate'

export type Hour = { readonly startMs: number; readonly value: number }

export type Drift = {
  /** Start of the first hour of the new regime, ms. */
  readonly onsetMs: number
  readonly before: number
  readonly after: number
  readonly beforeSummary: LatencySummary
  readonly afterSummary: LatencySummary
  /**
   * Bayes factor of two regimes against one, by the information criterion: an e-value as far as the criterion
   * approximates it, with every date that was tried already paid for.
   */
  readonly eValue: number
}

/** p95 in ms or errors in %, hour by hour; hours with too few requests to say are left out. */
export function hoursOf(metric: HourlyMetric, windows: readonly ChartWindow[]): Hour[] {
  const byStart = Map.groupBy(windows, ({ t }) => t.getTime())
  return [...byStart].flatMap(([startMs, group]) => {
    const value = metric === 'latency' ? p95Of(group) : errorsOf(group)
    return value === undefined ? [] : [{ startMs, value }]
  })
}

function p95Of(windows: readonly ChartWindow[]): number | undefined {
  const histogram = latenciesOf(windows)
  return histogram.count < LEAST_REQUESTS.p95 ? undefined : quantile(histogram, 0.95)
}

function errorsOf(windows: readonly ChartWindow[]): number | undefined {
  let [requests, failed] = [0, 0]
  for (const window of windows) {
    requests += window.requests
    if (window.status_class === 5) failed += window.requests
  }
  return requests < LEAST_REQUESTS.p95 ? undefined : (100 * failed) / requests
}

/** The last change for the worse within three days of the last hour; undefined when there is none worth telling. */
export function driftOf(metric: HourlyMetric, hours: readonly Hour[]): Drift | undefined {
  const last = hours.at(-1)
  if (last === undefined || hours.length < FEWEST_HOURS) return undefined
  // Latencies change by a share, error rates by points.
  const isShare = metric === 'latency'
  const scaled = hours.map(({ value }) => (isShare ? Math.log(value + ABSOLUTE) : value))
  const level = withoutDay(hours, scaled)
  const borders = findDrift(level, { shortest: SHORTEST_HOURS, penalty: PENALTY })
  const latest = borders.at(-1)
  if (latest === undefined || last.startMs - (hours[latest.index]?.startMs ?? 0) > RECENT_MS) return undefined
  const onset = beginOf(borders, latest)
  const first = hours[onset.index]
  if (first === undefined) return undefined
  const values = level.map((y) => (isShare ? Math.exp(y) - ABSOLUTE : y))
  const regimeBefore = summariseValues(values.slice(0, onset.index))
  const regimeAfter = summariseValues(values.slice(latest.index))
  const [before, after] = [regimeBefore.p50 ?? 0, regimeAfter.p50 ?? 0]
  if (after - before < Math.max(ABSOLUTE, RELATIVE * before)) return undefined
  const needed = PENALTY * Math.log(hours.length)
  return {
    onsetMs: first.startMs,
    before,
    after,
    beforeSummary: regimeBefore,
    afterSummary: regimeAfter,
    eValue: Math.exp(Math.min(600, ((Math.max(onset.strength, latest.strength) - 1) * needed) / 2)),
  }
}

/** A slope is divided into several regimes: it began at the first of borders that lead upwards one after the other. */
function beginOf(borders: readonly ChangePoint[], latest: ChangePoint): ChangePoint {
  let begin = latest
  for (const border of borders.slice(0, -1).reverse()) {
    if (border.after <= border.before || begin.index - border.index > RECENT_MS / HOUR_MS) break
    begin = border
  }
  return begin
}

/** Values less what is usual for their hour of the day, around the usual of all. */
function withoutDay(hours: readonly Hour[], values: readonly number[]): number[] {
  const byHour = Map.groupBy(values.keys(), (i) => Math.floor((hours[i]?.startMs ?? 0) / HOUR_MS) % DAY_HOURS)
  const usual = median(values)
  const usualOf = new Map([...byHour].map(([hour, at]) => [hour, median([...at].map((i) => values[i] ?? 0))] as const))
  return values.map((value, i) => {
    const hour = Math.floor((hours[i]?.startMs ?? 0) / HOUR_MS) % DAY_HOURS
    return value - (usualOf.get(hour) ?? usual) + usual
  })
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? 0
}

/** What became of a drift that was told. */
export type DriftFate = 'open' | 'resolved' | 'accepted'

/** A regime that lasted this long is the new normal. */
const ACCEPT_MS = 7 * DAY_HOURS * HOUR_MS

/** Back when the last whole day, its course included, is nearer to what was before; the new normal after a week. */
export function fateOf(
  told: { readonly onsetMs: number; readonly before: number; readonly after: number },
  hours: readonly Hour[],
): DriftFate {
  const recent = hours.slice(-DAY_HOURS).map(({ value }) => value)
  const last = hours.at(-1)
  if (last === undefined || recent.length < DAY_HOURS) return 'open'
  if (median(recent) < (told.before + told.after) / 2) return 'resolved'
  return last.startMs - told.onsetMs >= ACCEPT_MS ? 'accepted' : 'open'
}
