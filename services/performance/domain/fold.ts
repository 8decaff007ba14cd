/**
 * What the fold of one lane knows: series, the endpoints and gauges they are about, and what was touched since the last
 * close and the last save.
 *
 * Counts are exact: a counter's increase is split between two minutes in whole requests, a repeated sample (same series,
 * same time) changes nothing, and what comes after its minute was closed is kept as a correction of it.
 */

import { type Cell, type CellWindow, createWindow, type Endpoint, windowOf } from './endpoint.ts'
import type { Gauge } from './gauge.ts'
import type { Edge } from './meaning.ts'
import { createSeriesTable, type SeriesTable } from './seriestable.ts'

export type FoldLimits = {
  /** Endpoints kept apart per service; more share one called `(other)`. */
  readonly endpointsPerService: number
}

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
