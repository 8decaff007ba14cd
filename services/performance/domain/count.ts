/**
 * Samples go into the open windows of endpoints and gauges. Written for the hot path: a sample costs a few reads of typed
 * arrays and one addition.
 */

import { addBucketed, type Cell, type Endpoint, MINUTE_MS, minuteOf } from './endpoint.ts'
import { type Fold, openWindow, touchEndpoint } from './fold.ts'
import { addReading, noteInterval } from './gauge.ts'
import { copy, createHistogram, type Histogram, merge, subtract } from './histogram.ts'
import { PAGE_BITS, ROLE, UNKNOWN } from './seriestable.ts'

export type Samples = {
  readonly series: Uint32Array
  readonly time: Float64Array
  /** Empty when no sample states a start. */
  readonly start: Float64Array
  readonly value: Float64Array
}

/** Longer gaps between two readings of a counter are not split: their rate is spread evenly as far as anyone knows. */
const SPLIT_BELOW_MS = 55_000
/** A first reading counts in full when the series states that it began no longer ago than this. */
const YOUNG_MS = 2 * MINUTE_MS

/** Folds the samples of one message. `rows` is what `resolveSeries` filled. */
export function foldSamples(fold: Fold, rows: Int32Array, samples: Samples, receivedAtMs: number): void {
  const { table, counts } = fold
  const { role, delta, target, lastTime, lastValue, dirty } = table
  const { series, time, value, start } = samples
  const starts = start.length === series.length
  counts.samples += series.length
  for (let i = 0; i < series.length; i++) {
    const slot = rows[series[i] ?? 0] ?? UNKNOWN
    if (slot < 0) {
      counts.ignored++
      continue
    }
    const at = time[i] ?? 0
    const now = value[i] ?? Number.NaN
    if (Number.isNaN(now)) {
      counts.empty++
      continue
    }
    const last = lastTime[slot] ?? 0
    if (at === last) {
      counts.repeated++
      continue
    }
    if (role[slot] === ROLE.gauge) {
      foldReading(fold, slot, at, last, now, receivedAtMs)
      continue
    }
    if (at < last && delta[slot] === 0) {
      // The increase up to `last` has been counted already; a reading in between adds nothing to it.
      counts.late++
      continue
    }
    const before = lastValue[slot] ?? 0
    if (at > last) {
      lastTime[slot] = at
      lastValue[slot] = now
      dirty[slot >> PAGE_BITS] = 1
    }
    const began = starts ? (start[i] ?? 0) : 0
    let increase = now
    let from = last
    if (delta[slot] === 1) {
      from = began > 0 ? began : last > 0 && last < at ? last : at - MINUTE_MS
    } else if (last === 0) {
      const endpoint = fold.endpoints[target[slot] ?? 0]
      if (endpoint !== undefined) touchEndpoint(fold, endpoint, at, receivedAtMs)
      if (!(began > 0 && at - began <= YOUNG_MS)) continue
      from = began
    } else if (now >= before && !(began > last)) {
      increase = now - before
    }
    count(fold, slot, from, at, increase, receivedAtMs)
  }
}

function foldReading(fold: Fold, slot: number, at: number, last: number, value: number, receivedAtMs: number): void {
  const { table } = fold
  const gauge = fold.gauges[table.target[slot] ?? 0]
  if (gauge === undefined) return
  if (at > last) {
    if (last > 0) noteInterval(gauge, at - last)
    table.lastTime[slot] = at
    table.lastValue[slot] = value
    table.dirty[slot >> PAGE_BITS] = 1
  }
  gauge.latestMs = Math.max(gauge.latestMs, at)
  fold.latestMs = Math.max(fold.latestMs, at)
  gauge.receivedAtMs = Math.max(gauge.receivedAtMs, receivedAtMs)
  if (!addReading(gauge, at, value * gauge.scale)) fold.counts.late++
  if (!gauge.touched) {
    gauge.touched = true
    fold.touchedGauges.push(gauge)
    fold.dirtyGauges.add(gauge)
  }
}

/** Counts an increase over (from, at], split where a minute ends in between. */
function count(fold: Fold, slot: number, from: number, at: number, increase: number, receivedAtMs: number): void {
  const { table } = fold
  const endpoint = fold.endpoints[table.target[slot] ?? 0]
  const cell = endpoint?.cells[table.cell[slot] ?? 0]
  if (endpoint === undefined || cell === undefined) return
  touchEndpoint(fold, endpoint, at, receivedAtMs)
  const elapsed = at - from
  if (endpoint.intervalMs === 0 || elapsed < endpoint.intervalMs) endpoint.intervalMs = elapsed
  const role = table.role[slot] ?? 0
  const position = table.position[slot] ?? 0
  // Only what states how many requests there were opens a window for nothing: no request is an observation too.
  const states = role === ROLE.requests || (role === ROLE.bucket && cell.bounds[position] === Infinity)
  if (increase === 0 && !states) return
  const minute = minuteOf(at)
  const minuteStart = minute * MINUTE_MS
  if (elapsed < SPLIT_BELOW_MS && from < minuteStart) {
    const share = (minuteStart - from) / elapsed
    // Sums of durations may be split anywhere, requests only between requests.
    const earlier = role === ROLE.durationSum ? increase * share : Math.round(increase * share)
    put(fold, endpoint, cell, minute - 1, role, position, earlier, states ? earlier / 60 : 0)
    put(fold, endpoint, cell, minute, role, position, increase - earlier, states ? (increase - earlier) / 60 : 0)
    return
  }
  const seconds = elapsed < SPLIT_BELOW_MS ? 60 : elapsed / 1000
  put(fold, endpoint, cell, minute, role, position, increase, states ? increase / seconds : 0)
}

function put(
  fold: Fold,
  endpoint: Endpoint,
  cell: Cell,
  minute: number,
  role: number,
  position: number,
  increase: number,
  rate: number,
): void {
  const window = openWindow(fold, endpoint, cell, minute)
  if (role === ROLE.bucket) {
    window.bucketRate += rate
    addBucketed(window, position, cell.bounds.length, increase)
    return
  }
  window.rate += rate
  if (role === ROLE.requests) window.requests += increase
  else window.durationSumMs += increase * cell.unitMs
}

/** One native histogram point, in ms. `start` 0 = unknown. */
export function foldHistogram(
  fold: Fold,
  slot: number,
  at: number,
  start: number,
  reading: Histogram,
  receivedAtMs: number,
): void {
  const { table, counts } = fold
  const endpoint = fold.endpoints[table.target[slot] ?? 0]
  const cell = endpoint?.cells[table.cell[slot] ?? 0]
  if (endpoint === undefined || cell === undefined) return
  counts.samples++
  const last = table.lastTime[slot] ?? 0
  if (at === last) {
    counts.repeated++
    return
  }
  const isDelta = table.delta[slot] === 1
  if (at < last && !isDelta) {
    counts.late++
    return
  }
  if (at > last) {
    table.lastTime[slot] = at
    table.dirty[slot >> PAGE_BITS] = 1
  }
  touchEndpoint(fold, endpoint, at, receivedAtMs)
  let increase = reading
  let from = start > 0 ? start : last > 0 && last < at ? last : at - MINUTE_MS
  if (!isDelta) {
    const before = endpoint.readings.get(slot)
    endpoint.readings.set(slot, copy(reading))
    const young = start > 0 && at - start <= YOUNG_MS
    if (before === undefined && !young) return
    if (before !== undefined && reading.count >= before.count && !(start > last)) {
      increase = copy(reading)
      subtract(increase, before)
      from = last
    }
  }
  const window = openWindow(fold, endpoint, cell, minuteOf(at))
  window.histogram ??= createHistogram()
  merge(window.histogram, increase)
  window.rate += increase.count / Math.max(60, (at - from) / 1000)
}
