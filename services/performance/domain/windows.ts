/**
 * Closing windows by event time. A minute closes as soon as every replica that is alive has been heard beyond it, at the
 * latest when the endpoint's own time is past it by the allowed lateness. An endpoint that has fallen silent closes when
 * its lane's time has gone on and nothing has come for it for a while by the gateway's clock, so that hours of history
 * sent series by series are not cut short by the first series' end.
 */

import { type ClosedWindow, closeWindow, type Endpoint, endOfMinute, MINUTE_MS, minuteOf } from './endpoint.ts'
import type { Fold } from './fold.ts'
import { type Gauge, type GaugeWindow, gaugeComplete } from './gauge.ts'

export type Lateness = {
  /** How long a window waits for replicas that were not heard yet, ms of event time. */
  readonly allowedMs: number
  /** Silence after which an endpoint's windows close by its lane's time, ms of the gateway's clock. */
  readonly idleMs: number
}

/** A replica not heard for this long before a window's end is not waited for. */
const GONE_MS = 5 * MINUTE_MS
const OWN_INTERVAL_MS = 55_000

export type ClosedMinute = {
  readonly endpoint: Endpoint
  readonly minute: number
  readonly atMs: number
  readonly windows: readonly ClosedWindow[]
}

export type ClosedGauge = { readonly gauge: Gauge; readonly window: GaugeWindow }

export type Closed = { readonly minutes: ClosedMinute[]; readonly gauges: ClosedGauge[] }

/** Closes what is complete among the endpoints and gauges touched since the last call, oldest first for each. */
export function closeTouched(fold: Fold, lateness: Lateness): Closed {
  const closed: Closed = { minutes: [], gauges: [] }
  for (const endpoint of fold.touchedEndpoints) {
    endpoint.touched = false
    closeEndpoint(fold, endpoint, closed, (minute) => minuteComplete(fold, endpoint, minute, lateness.allowedMs))
  }
  for (const gauge of fold.touchedGauges) {
    gauge.touched = false
    closeGauge(fold, gauge, closed, (window) => gaugeComplete(gauge, window, fold.table.lastTime, lateness.allowedMs))
  }
  fold.touchedEndpoints = []
  fold.touchedGauges = []
  return closed
}

/** Closes what has been waiting in silence. Run it every few seconds. */
export function closeIdle(fold: Fold, lateness: Lateness, receivedAtMs: number): Closed {
  const closed: Closed = { minutes: [], gauges: [] }
  const past = fold.latestMs - lateness.allowedMs
  for (const endpoint of fold.endpoints) {
    if (endpoint.receivedAtMs === 0 || receivedAtMs - endpoint.receivedAtMs < lateness.idleMs) continue
    closeEndpoint(fold, endpoint, closed, (minute) => endOfMinute(minute) <= past)
  }
  for (const gauge of fold.gauges) {
    if (gauge.open.length === 0 || receivedAtMs - gauge.receivedAtMs < lateness.idleMs) continue
    closeGauge(fold, gauge, closed, (window) => window.atMs <= past)
  }
  return closed
}

function closeEndpoint(fold: Fold, endpoint: Endpoint, closed: Closed, complete: (minute: number) => boolean): void {
  for (;;) {
    let minute = Infinity
    for (const cell of endpoint.cells) minute = Math.min(minute, cell.open[0]?.minute ?? Infinity)
    if (minute === Infinity || !complete(minute)) return
    const windows: ClosedWindow[] = []
    for (const cell of endpoint.cells) {
      if (cell.open[0]?.minute !== minute) continue
      const window = cell.open.shift()
      if (window !== undefined) windows.push(closeWindow(cell, window))
    }
    endpoint.closedMinute = minute
    fold.dirtyEndpoints.add(endpoint)
    closed.minutes.push({ endpoint, minute, atMs: endOfMinute(minute), windows })
  }
}

function minuteComplete(fold: Fold, endpoint: Endpoint, minute: number, allowedMs: number): boolean {
  const end = endOfMinute(minute)
  if (endpoint.latestMs >= end + allowedMs) return true
  const { lastTime } = fold.table
  const rare = endpoint.intervalMs >= OWN_INTERVAL_MS
  let alive = 0
  for (const slot of endpoint.slots) {
    const last = lastTime[slot] ?? 0
    if (last < end - GONE_MS) continue
    alive++
    // Read once a minute or less, a series has nothing more to say once it has spoken within the minute.
    if (rare ? minuteOf(last) < minute : last < end) return false
  }
  return alive > 0
}

function closeGauge(fold: Fold, gauge: Gauge, closed: Closed, complete: (window: GaugeWindow) => boolean): void {
  for (;;) {
    const window = gauge.open[0]
    if (window === undefined || !complete(window)) return
    gauge.open.shift()
    gauge.closedMs = window.key
    fold.dirtyGauges.add(gauge)
    closed.gauges.push({ gauge, window })
  }
}
