/**
 * The fold of one lane: samples go into the open windows of endpoints and gauges. Written for the hot path: a sample
 * costs a few reads of typed arrays and one addition; labels are read once per series, when it is first seen.
 *
 * Counts are exact: a counter's increase is split between two minutes in whole requests, a repeated sample (same series,
 * same time) changes nothing, and what comes after its minute was closed is kept as a correction of it.
 */

import {
  addBucketed,
  boundPosition,
  type Cell,
  type CellWindow,
  createCell,
  createEndpoint,
  createWindow,
  type Endpoint,
  MINUTE_MS,
  minuteOf,
  windowOf,
} from './endpoint.ts'
import { addReading, createGauge, type Gauge, noteInterval } from './gauge.ts'
import { copy, createHistogram, type Histogram, merge, subtract } from './histogram.ts'
import type { Labels } from './labels.ts'
import { type Edge, type Meaning, meaningOf, type Place, SERIES_KIND, type Stratum } from './meaning.ts'
import {
  addSeries,
  createSeriesTable,
  findSeries,
  ignoreSeries,
  PAGE_BITS,
  ROLE,
  type SeriesTable,
  UNKNOWN,
} from './seriestable.ts'

export type FoldLimits = {
  /** Endpoints kept apart per service; more share one called `(other)`. */
  readonly endpointsPerService: number
}

export const OVERFLOW_ENDPOINT = '(other)'

export type FoldCounts = {
  samples: number
  /** Samples of series that mean nothing to performance. */
  ignored: number
  repeated: number
  /** Came after their window was closed: counts were corrected, verdicts were not. */
  late: number
  /** Not a number, stale markers included. */
  empty: number
  /** Series that went to an overflow endpoint. */
  overflow: number
}

/** Something counted after its window was closed. */
export type Correction = { readonly cell: Cell; readonly window: CellWindow }

export type Fold = {
  readonly lane: number
  readonly limits: FoldLimits
  readonly table: SeriesTable
  readonly endpoints: Endpoint[]
  readonly gauges: Gauge[]
  readonly endpointIndex: Map<string, number>
  readonly gaugeIndex: Map<string, number>
  readonly endpointsOfService: Map<string, number>
  readonly edges: Map<string, Edge>
  /** Next number for an endpoint, cell, gauge or series of this lane. */
  nextNumber: number
  /** Since the last close. */
  touchedEndpoints: Endpoint[]
  touchedGauges: Gauge[]
  /** Since the last save. */
  readonly dirtyEndpoints: Set<Endpoint>
  readonly dirtyGauges: Set<Gauge>
  /** Latest event time of the lane, and when it came, ms. */
  latestMs: number
  receivedAtMs: number
  corrections: Map<string, Correction>
  readonly counts: FoldCounts
}

/** Ids are unique over lanes and exact in a double. */
const NUMBERS_PER_LANE = 2 ** 32

export function createFold(lane: number, limits: FoldLimits): Fold {
  return {
    lane,
    limits,
    table: createSeriesTable(),
    endpoints: [],
    gauges: [],
    endpointIndex: new Map(),
    gaugeIndex: new Map(),
    endpointsOfService: new Map(),
    edges: new Map(),
    nextNumber: 1,
    touchedEndpoints: [],
    touchedGauges: [],
    dirtyEndpoints: new Set(),
    dirtyGauges: new Set(),
    latestMs: 0,
    receivedAtMs: 0,
    corrections: new Map(),
    counts: { samples: 0, ignored: 0, repeated: 0, late: 0, empty: 0, overflow: 0 },
  }
}

export const nextId = (fold: Fold): number => fold.lane * NUMBERS_PER_LANE + fold.nextNumber++

/** The series of a batch, described on demand. */
export type SeriesDictionary = {
  readonly count: number
  /** Low and high half of each identity. */
  readonly ids: Uint32Array
  /** Undefined when this batch leaves it out: an earlier one had it, or a later one will. */
  readonly describe: (row: number) => SeriesDescription | undefined
}

export type SeriesDescription = {
  readonly name: string
  readonly unit: string
  readonly kind: number
  readonly labels: Labels
}

/** Slot of each row of the dictionary, negative where the series is of no use. `source` keeps two senders' series apart. */
export function resolveSeries(fold: Fold, source: string, dictionary: SeriesDictionary, rows: Int32Array): void {
  const salt = hashText(source)
  for (let row = 0; row < dictionary.count; row++) {
    const low = ((dictionary.ids[2 * row] ?? 0) ^ salt) >>> 0
    const high = dictionary.ids[2 * row + 1] ?? 0
    const slot = findSeries(fold.table, low, high)
    if (slot >= 0) fold.table.heard[slot] = 1
    rows[row] = slot === UNKNOWN ? introduce(fold, source, dictionary, row, low, high) : slot
  }
}

function introduce(
  fold: Fold,
  source: string,
  dictionary: SeriesDictionary,
  row: number,
  low: number,
  high: number,
): number {
  const description = dictionary.describe(row)
  if (description === undefined) return UNKNOWN
  const { name, unit, kind, labels } = description
  const meaning = meaningOf(name, unit, kind, labels)
  if (meaning.edge !== undefined) fold.edges.set(`${meaning.edge.caller}\0${meaning.edge.callee}`, meaning.edge)
  if (meaning.role === 'none') {
    ignoreSeries(fold.table, low, high)
    return UNKNOWN
  }
  const delta = kind === SERIES_KIND.deltaCounter || kind === SERIES_KIND.deltaHistogram
  if (meaning.role === 'quantile' || meaning.role === 'gauge') {
    const target = gaugeFor(fold, source, meaning)
    const slot = addSeries(fold.table, low, high, { role: ROLE.gauge, delta: false, target, cell: 0, position: 0 })
    const gauge = fold.gauges[target]
    if (gauge !== undefined) {
      gauge.slots.push(slot)
      fold.dirtyGauges.add(gauge)
    }
    return slot
  }
  const target = endpointFor(fold, source, meaning.place)
  const endpoint = fold.endpoints[target]
  if (endpoint === undefined) return UNKNOWN
  const cellIndex = cellFor(fold, endpoint, meaning.stratum)
  const cell = endpoint.cells[cellIndex]
  if (cell !== undefined && 'unitMs' in meaning) cell.unitMs = meaning.unitMs
  const position = cell !== undefined && meaning.role === 'bucket' ? boundPosition(cell, meaning.upperBound) : 0
  const slot = addSeries(fold.table, low, high, { role: ROLE[meaning.role], delta, target, cell: cellIndex, position })
  endpoint.slots.push(slot)
  fold.dirtyEndpoints.add(endpoint)
  return slot
}

const keyOf = (source: string, place: Place, more = ''): string =>
  [source, place.service, place.environment, place.endpoint, place.method, place.instrument, more].join('\0')

/** Index of the endpoint, made when it is new; the service's overflow endpoint when it has too many. */
export function endpointFor(fold: Fold, source: string, place: Place): number {
  const known = fold.endpointIndex.get(keyOf(source, place))
  if (known !== undefined) return known
  const soFar = fold.endpointsOfService.get(serviceKey(source, place)) ?? 0
  if (soFar >= fold.limits.endpointsPerService && place.endpoint !== OVERFLOW_ENDPOINT) {
    fold.counts.overflow++
    return endpointFor(fold, source, { ...place, endpoint: OVERFLOW_ENDPOINT, method: '' })
  }
  return restoreEndpoint(fold, createEndpoint(nextId(fold), source, place))
}

const serviceKey = (source: string, place: Place): string => `${source}\0${place.environment}\0${place.service}`

export function restoreEndpoint(fold: Fold, endpoint: Endpoint): number {
  const service = serviceKey(endpoint.source, endpoint.place)
  fold.endpointsOfService.set(service, (fold.endpointsOfService.get(service) ?? 0) + 1)
  endpoint.index = fold.endpoints.push(endpoint) - 1
  fold.endpointIndex.set(keyOf(endpoint.source, endpoint.place), endpoint.index)
  return endpoint.index
}

export function cellFor(fold: Fold, endpoint: Endpoint, stratum: Stratum): number {
  const known = endpoint.cells.findIndex(
    (cell) => cell.statusClass === stratum.statusClass && cell.release === stratum.release,
  )
  if (known >= 0) return known
  return endpoint.cells.push(createCell(nextId(fold), stratum.statusClass, stratum.release)) - 1
}

function gaugeFor(fold: Fold, source: string, meaning: Extract<Meaning, { role: 'quantile' | 'gauge' }>): number {
  const quantile = meaning.role === 'quantile' ? meaning.quantile : 0
  const known = fold.gaugeIndex.get(keyOf(source, meaning.place, String(quantile)))
  if (known !== undefined) return known
  const measure =
    meaning.role === 'quantile'
      ? { kind: 'latency' as const, quantile, scale: meaning.scale, unit: 'ms' }
      : { kind: meaning.kind, quantile, scale: meaning.scale, unit: meaning.unit }
  return restoreGauge(fold, createGauge(nextId(fold), source, meaning.place, measure))
}

export function restoreGauge(fold: Fold, gauge: Gauge): number {
  gauge.index = fold.gauges.push(gauge) - 1
  fold.gaugeIndex.set(keyOf(gauge.source, gauge.place, String(gauge.quantile)), gauge.index)
  return gauge.index
}

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

export function touchEndpoint(fold: Fold, endpoint: Endpoint, at: number, receivedAtMs: number): void {
  if (at > endpoint.latestMs) {
    endpoint.latestMs = at
    if (at > fold.latestMs) fold.latestMs = at
  }
  if (receivedAtMs > endpoint.receivedAtMs) endpoint.receivedAtMs = receivedAtMs
  if (!endpoint.touched) {
    endpoint.touched = true
    fold.touchedEndpoints.push(endpoint)
    fold.dirtyEndpoints.add(endpoint)
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

/** The window to count in: the cell's own, or a correction when that minute is closed. */
export function openWindow(fold: Fold, endpoint: Endpoint, cell: Cell, minute: number): CellWindow {
  const { open } = cell
  const newest = open[open.length - 1]
  if (newest !== undefined && newest.minute === minute) return newest
  if (minute > endpoint.closedMinute) return windowOf(cell, minute)
  fold.counts.late++
  const key = `${cell.id}:${minute}`
  let correction = fold.corrections.get(key)
  if (correction === undefined) {
    correction = { cell, window: createWindow(minute, cell.bounds.length) }
    fold.corrections.set(key, correction)
  }
  return correction.window
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

function hashText(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}
