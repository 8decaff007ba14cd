/**
 * A number that exists only as itself: an imported percentile, a utilisation, a queue's length. Values of replicas are
 * put together as their mean. A gauge that is read more often than once a minute is folded to minutes; one that is read
 * more rarely keeps its own interval, because several windows made of one reading would look like more evidence.
 */

import { endOfMinute, MINUTE_MS, minuteOf } from './endpoint.ts'
import type { GaugeKind, Place } from './meaning.ts'

/** Readings less often than this are windows of their own. */
const OWN_INTERVAL_MS = 55_000

export type GaugeWindow = {
  /** Windows of one gauge are told apart by it; ms. */
  readonly key: number
  /** End of the window, ms: what the detector is told. */
  atMs: number
  sum: number
  readings: number
  min: number
  max: number
}

export type Gauge = {
  readonly id: number
  /** Who sent it. */
  readonly source: string
  /** Place in the lane's list. */
  index: number
  readonly place: Place
  readonly kind: GaugeKind
  /** 0 < q < 1 for a percentile, 0 for anything else. */
  readonly quantile: number
  readonly scale: number
  readonly unit: string
  readonly slots: number[]
  /** Shortest time between two readings of one series, ms; 0 = not known yet. */
  intervalMs: number
  open: GaugeWindow[]
  latestMs: number
  receivedAtMs: number
  closedMs: number
  touched: boolean
}

export function createGauge(
  id: number,
  source: string,
  place: Place,
  measure: Pick<Gauge, 'kind' | 'quantile' | 'scale' | 'unit'>,
): Gauge {
  return {
    id,
    source,
    index: 0,
    place,
    ...measure,
    slots: [],
    intervalMs: 0,
    open: [],
    latestMs: 0,
    receivedAtMs: 0,
    closedMs: -1,
    touched: false,
  }
}

const ownInterval = (gauge: Gauge): boolean => gauge.intervalMs >= OWN_INTERVAL_MS

/** Learns the interval from two readings of one series. It may grow slowly, so that one repair cannot widen it. */
export function noteInterval(gauge: Gauge, elapsedMs: number): void {
  gauge.intervalMs = gauge.intervalMs === 0 ? elapsedMs : Math.min(elapsedMs, gauge.intervalMs * 1.05)
}

/** Takes in a reading; false when its window is closed already. */
export function addReading(gauge: Gauge, timeMs: number, value: number): boolean {
  const own = ownInterval(gauge)
  const key = own
    ? gauge.slots.length === 1
      ? timeMs
      : Math.round(timeMs / gauge.intervalMs) * gauge.intervalMs
    : minuteOf(timeMs) * MINUTE_MS
  if (key <= gauge.closedMs) return false
  const window = gaugeWindow(gauge, key, own ? timeMs : endOfMinute(minuteOf(timeMs)))
  window.atMs = Math.max(window.atMs, own ? timeMs : window.atMs)
  window.sum += value
  window.readings++
  window.min = Math.min(window.min, value)
  window.max = Math.max(window.max, value)
  return true
}

function gaugeWindow(gauge: Gauge, key: number, atMs: number): GaugeWindow {
  const { open } = gauge
  let at = open.length
  while (at > 0) {
    const candidate = open[at - 1]
    if (candidate === undefined || candidate.key < key) break
    if (candidate.key === key) return candidate
    at--
  }
  const opened: GaugeWindow = { key, atMs, sum: 0, readings: 0, min: Infinity, max: -Infinity }
  open.splice(at, 0, opened)
  return opened
}

/**
 * True when nothing more is to come for a window: every replica that is alive has been heard, or the gauge's own time
 * is past it by the allowed lateness.
 */
export function gaugeComplete(
  gauge: Gauge,
  window: GaugeWindow,
  lastTime: Float64Array,
  latenessMs: number,
  afterMs = 5 * MINUTE_MS,
): boolean {
  const own = ownInterval(gauge)
  const slack = own ? gauge.intervalMs / 2 : 0
  if (gauge.latestMs >= window.atMs + slack + latenessMs) return true
  // Until two readings have told the interval, a lone one may be a window of its own or a part of one.
  if (gauge.intervalMs === 0) return false
  let alive = 0
  for (const slot of gauge.slots) {
    const last = lastTime[slot] ?? 0
    if (last < window.atMs - Math.max(afterMs, 3 * gauge.intervalMs)) continue
    alive++
    if (!own && last < window.atMs) return false
  }
  return own ? window.readings >= alive : gauge.latestMs >= window.atMs
}
