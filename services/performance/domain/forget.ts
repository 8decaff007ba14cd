/**
 * What is gone is forgotten, so that a lane's memory follows what is alive and not what ever was: pods come and go, and
 * each brings series of its own. Gone is what is old by event time and was not named by any message for a while; both,
 * because history may be sent series by series, long after the lane's time has passed it.
 */

import { type Endpoint, MINUTE_MS } from './endpoint.ts'
import type { Fold } from './fold.ts'
import type { Gauge } from './gauge.ts'
import { restoreEndpoint, restoreGauge } from './introduce.ts'
import type { Lane } from './lane.ts'
import { compactSeries, ROLE } from './seriestable.ts'
import { goneSignal, type Signal } from './signal.ts'

const HOUR_MS = 60 * MINUTE_MS
/** Shortest silence, gateway's clock. Longer than a series may go undescribed, so that it is described if it returns. */
const SWEEP_MS = 10 * MINUTE_MS
/** A reading this old says nothing about the next increase. */
const SERIES_GONE_MS = 3 * HOUR_MS
/** Endpoints and gauges keep their detectors for longer: a job that runs once a day is not new each day. */
const OWNER_GONE_MS = 48 * HOUR_MS
/** Compacting writes every page anew: it waits until a quarter is gone, and more than a page. */
const WORTH_A_SHARE = 4
const FEWEST_SERIES = 256
const FEWEST_OWNERS = 64

export type Forgotten = {
  readonly series: number
  readonly endpoints: number
  readonly gauges: number
  /** Ends of the episodes that were open. */
  readonly signals: readonly Signal[]
}

/** Forgets what is gone once there is enough of it. Run it when no window is about to be closed. */
export function forget(lane: Lane): Forgotten | undefined {
  const { fold } = lane
  if (fold.receivedAtMs - lane.sweptMs < SWEEP_MS) return undefined
  lane.sweptMs = fold.receivedAtMs
  const { table } = fold
  const keep = liveSeries(fold)
  table.heard.fill(0)
  const cameBefore = fold.receivedAtMs - SWEEP_MS
  const hasSeries = ({ slots }: Endpoint | Gauge): boolean => slots.some((slot) => keep[slot] === 1)
  const isGone = (owner: Endpoint | Gauge, waiting: boolean): boolean =>
    !waiting && owner.latestMs < fold.latestMs - OWNER_GONE_MS && owner.receivedAtMs < cameBefore && !hasSeries(owner)
  const endpoints = new Set(
    fold.endpoints.filter((owner) =>
      isGone(
        owner,
        owner.cells.some(({ open }) => open.length > 0),
      ),
    ),
  )
  const gauges = new Set(fold.gauges.filter((owner) => isGone(owner, owner.open.length > 0)))
  const series = table.count - keep.reduce((sum, kept) => sum + kept, 0)
  const owners = endpoints.size + gauges.size
  if (
    series < Math.max(FEWEST_SERIES, table.count / WORTH_A_SHARE) &&
    owners < Math.max(FEWEST_OWNERS, (fold.endpoints.length + fold.gauges.length) / WORTH_A_SHARE)
  ) {
    return undefined
  }
  compact(fold, keep, endpoints, gauges)
  lane.compacted = true
  forgetEdges(lane)
  const gone = new Set([...endpoints, ...gauges].map(({ id }) => id))
  return { series, endpoints: endpoints.size, gauges: gauges.size, signals: forgetWatched(lane, gone) }
}

function liveSeries({ table, latestMs }: Fold): Uint8Array {
  const oldest = latestMs - SERIES_GONE_MS
  return Uint8Array.from({ length: table.count }, (_, slot) =>
    table.heard[slot] === 1 || (table.lastTime[slot] ?? 0) >= oldest ? 1 : 0,
  )
}

function compact(fold: Fold, keep: Uint8Array, endpoints: ReadonlySet<Endpoint>, gauges: ReadonlySet<Gauge>): void {
  const { table } = fold
  const slotOf = compactSeries(table, keep)
  const endpointsBefore = fold.endpoints.splice(0)
  const gaugesBefore = fold.gauges.splice(0)
  for (const index of [fold.endpointIndex, fold.gaugeIndex, fold.endpointsOfService]) index.clear()
  const cellsOf: Int32Array[] = []
  for (const endpoint of endpointsBefore) {
    if (endpoints.has(endpoint)) continue
    moveSlots(endpoint.slots, slotOf)
    const readings = [...endpoint.readings]
    endpoint.readings.clear()
    for (const [slot, reading] of readings) {
      const moved = slotOf[slot] ?? -1
      if (moved >= 0) endpoint.readings.set(moved, reading)
    }
    cellsOf.push(forgetCells(fold, endpoint))
  }
  const endpointOf = new Int32Array(endpointsBefore.length)
  for (const [before, endpoint] of endpointsBefore.entries()) {
    if (!endpoints.has(endpoint)) endpointOf[before] = restoreEndpoint(fold, endpoint)
  }
  const gaugeOf = new Int32Array(gaugesBefore.length)
  for (const [before, gauge] of gaugesBefore.entries()) {
    if (gauges.has(gauge)) continue
    moveSlots(gauge.slots, slotOf)
    gaugeOf[before] = restoreGauge(fold, gauge)
  }
  for (let slot = 0; slot < table.count; slot++) {
    const target = table.target[slot] ?? 0
    if (table.role[slot] === ROLE.gauge) {
      table.target[slot] = gaugeOf[target] ?? 0
      continue
    }
    const moved = endpointOf[target] ?? 0
    table.target[slot] = moved
    table.cell[slot] = cellsOf[moved]?.[table.cell[slot] ?? 0] ?? 0
  }
  // Every page has moved.
  fold.dirtyEndpoints.clear()
  for (const endpoint of fold.endpoints) fold.dirtyEndpoints.add(endpoint)
  fold.dirtyGauges.clear()
  for (const gauge of fold.gauges) fold.dirtyGauges.add(gauge)
}

function moveSlots(slots: number[], slotOf: Int32Array): void {
  const moved = slots.map((slot) => slotOf[slot] ?? -1).filter((slot) => slot >= 0)
  slots.length = 0
  for (const slot of moved) slots.push(slot)
}

/** Drops cells of releases that are gone; returns the new place of each by the old one. */
function forgetCells(fold: Fold, endpoint: Endpoint): Int32Array {
  const { table } = fold
  const fed = new Set(endpoint.slots.map((slot) => table.cell[slot] ?? 0))
  const oldest = (fold.latestMs - OWNER_GONE_MS) / MINUTE_MS
  const before = endpoint.cells.splice(0)
  return Int32Array.from(before, (cell, index) => {
    const gone = !fed.has(index) && cell.open.length === 0 && cell.latestMinute < oldest
    return gone ? -1 : endpoint.cells.push(cell) - 1
  })
}

function forgetWatched(lane: Lane, gone: ReadonlySet<number>): Signal[] {
  const { watch, fold } = lane
  const signals: Signal[] = []
  for (const watched of watch.series.splice(0)) {
    if (!gone.has(watched.ownerId)) {
      watch.series.push(watched)
      continue
    }
    watch.index.delete(`${watched.ownerId}:${watched.metric}`)
    lane.forgotten.push(watched.id)
    const signal = goneSignal(watched, fold.latestMs)
    if (signal !== undefined) signals.push(signal)
  }
  // Which percentile speaks for a place is chosen anew among those that are left.
  watch.percentile.clear()
  watch.gaugesSeen = 0
  return signals
}

function forgetEdges({ fold, savedEdges }: Lane): void {
  const oldest = (fold.latestMs - OWNER_GONE_MS) / HOUR_MS
  for (const [key, hour] of savedEdges) if (hour < oldest) savedEdges.delete(key)
}
