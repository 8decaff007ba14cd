/**
 * Requests of one endpoint, kept in minutes of event time until a minute is complete. A cell is the smallest thing
 * windows are kept of: endpoint x status class x release x request class. Minutes are half open on the left, (start, end], because a
 * counter read at the full minute speaks of the minute that ends there.
 */

import { type BucketLayout, histogramOfBuckets, layoutOf } from './buckets.ts'
import type { Histogram } from './histogram.ts'
import type { Place, Stratum } from './meaning.ts'

export const MINUTE_MS = 60_000

/** The minute a time belongs to, by its number since the epoch. */
export const minuteOf = (timeMs: number): number => Math.ceil(timeMs / MINUTE_MS) - 1
export const endOfMinute = (minute: number): number => (minute + 1) * MINUTE_MS

/** What one cell counted in one minute. */
export type CellWindow = {
  readonly minute: number
  /** Requests by counter; those of buckets and histograms are counted there. */
  requests: number
  /** Requests per second, summed over replicas: by counter or native histogram, and by the highest bucket. */
  rate: number
  bucketRate: number
  durationSumMs: number
  /** By position of the bound: requests at or below it. Empty unless the cell has buckets. */
  bucketed: Float64Array
  /** From native histograms and spans. */
  histogram: Histogram | undefined
}

export type Cell = Stratum & {
  readonly id: number
  /** Bounds of the classic buckets in the source's unit, in order of arrival; +Inf among them. */
  readonly bounds: number[]
  unitMs: number
  /** Of `bounds`, made when it is needed. */
  layout: BucketLayout | undefined
  /** Open minutes, oldest first. */
  open: CellWindow[]
  /** Latest minute that was opened, -1 = none. */
  latestMinute: number
}

export type Endpoint = {
  readonly id: number
  /** Who sent it. */
  readonly source: string
  /** Place in the lane's list. */
  index: number
  readonly place: Place
  readonly cells: Cell[]
  /** Slots of the series that feed it. */
  readonly slots: number[]
  /** Native cumulative histograms: last reading by slot. */
  readonly readings: Map<number, Histogram>
  /** Shortest time between two readings of one series, ms; 0 = not known. */
  intervalMs: number
  /** Latest event time, ms. */
  latestMs: number
  /** When anything last came for it, as the gateway's clock had it, ms. */
  receivedAtMs: number
  /** Minutes up to this one are closed. */
  closedMinute: number
  /** Has changed since the last close. */
  touched: boolean
}

export function createEndpoint(id: number, source: string, place: Place): Endpoint {
  return {
    id,
    source,
    index: 0,
    place,
    cells: [],
    slots: [],
    readings: new Map(),
    intervalMs: 0,
    latestMs: 0,
    receivedAtMs: 0,
    closedMinute: -1,
    touched: false,
  }
}

export function createCell(id: number, { statusClass, release, requestClass }: Stratum): Cell {
  return {
    id,
    statusClass,
    release,
    requestClass,
    bounds: [],
    unitMs: 1000,
    layout: undefined,
    open: [],
    latestMinute: -1,
  }
}

/** Position of a bound, added when it is new. */
export function boundPosition(cell: Cell, bound: number): number {
  const known = cell.bounds.indexOf(bound)
  return known >= 0 ? known : cell.bounds.push(bound) - 1
}

/** The cell's window of a minute, opened if need be. Mostly the last one: time goes on. */
export function windowOf(cell: Cell, minute: number): CellWindow {
  const { open } = cell
  let at = open.length
  while (at > 0) {
    const candidate = open[at - 1]
    if (candidate === undefined || candidate.minute < minute) break
    if (candidate.minute === minute) return candidate
    at--
  }
  const opened = createWindow(minute, cell.bounds.length)
  open.splice(at, 0, opened)
  cell.latestMinute = Math.max(cell.latestMinute, minute)
  return opened
}

export function createWindow(minute: number, bounds: number): CellWindow {
  return {
    minute,
    requests: 0,
    rate: 0,
    bucketRate: 0,
    durationSumMs: 0,
    bucketed: new Float64Array(bounds),
    histogram: undefined,
  }
}

/** Adds to a bucket; `bounds` is how many the cell has by now. */
export function addBucketed(window: CellWindow, position: number, bounds: number, requests: number): void {
  if (position >= window.bucketed.length) {
    const grown = new Float64Array(bounds)
    grown.set(window.bucketed)
    window.bucketed = grown
  }
  window.bucketed[position] = (window.bucketed[position] ?? 0) + requests
}

/** A closed window, ready to be judged and stored. */
export type ClosedWindow = {
  readonly cell: Cell
  readonly minute: number
  readonly requests: number
  readonly rate: number
  readonly durationSumMs: number
  /** Latencies in ms; undefined where only a counter exists. */
  readonly histogram: Histogram | undefined
}

/** Puts together what a cell's window holds: classic buckets, native histograms and counters. */
export function closeWindow(cell: Cell, window: CellWindow): ClosedWindow {
  // A scrape may carry one histogram in both forms; the native one is finer.
  const histogram = window.histogram ?? (window.bucketed.length > 0 ? fromBuckets(cell, window) : undefined)
  const measured = histogram?.count ?? 0
  return {
    cell,
    minute: window.minute,
    // A family's own counter counts what its buckets count; the larger of the two has seen more.
    requests: Math.max(window.requests, measured),
    rate: Math.max(window.rate, window.bucketRate),
    durationSumMs: window.durationSumMs > 0 ? window.durationSumMs : (histogram?.sum ?? 0),
    histogram,
  }
}

function fromBuckets(cell: Cell, window: CellWindow): Histogram {
  if (cell.layout === undefined || cell.layout.bounds !== cell.bounds.length) {
    cell.layout = layoutOf(cell.bounds, cell.unitMs)
  }
  return histogramOfBuckets(cell.layout, window.bucketed, window.durationSumMs)
}
