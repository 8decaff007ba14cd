/**
 * Series by their 64-bit identity: an open-addressing table beside columns of what is remembered of each. A message of
 * the hot path costs one probe per series and a few array reads per sample; there is no object per series.
 *
 * Memory per known series: 24 to 72 bytes of table (12 an entry, load 1/6 to 1/2) and 39 bytes of columns.
 */

export const UNKNOWN = -1
/** Seen before, and known to mean nothing. */
export const IGNORED = -2

/** Roles as the `role` column numbers them. */
export const ROLE = { bucket: 1, requests: 2, durationSum: 3, histogram: 4, gauge: 5 } as const

export type SeriesTable = {
  low: Uint32Array
  high: Uint32Array
  /** 0 free, IGNORED, else slot + 1. */
  entry: Int32Array
  used: number
  ignored: number

  /** Slots handed out. Everything below is by slot. */
  count: number
  /** Identity again, for saving a page without a search. */
  idLow: Uint32Array
  idHigh: Uint32Array
  role: Uint8Array
  /** 1 = each value counts from the value before it (delta temporality). */
  delta: Uint8Array
  /** Index of the endpoint or gauge. */
  target: Int32Array
  /** Index of the cell within the endpoint. */
  cell: Uint16Array
  /** Position of the bucket's bound within the cell. */
  position: Uint16Array
  /** ms, 0 = never. */
  lastTime: Float64Array
  lastValue: Float64Array
  /** 1 = a message named it since the lane was last swept (forget.ts). */
  heard: Uint8Array
  /** By page of `1 << PAGE_BITS` slots: 1 = changed since it was saved. */
  dirty: Uint8Array
}

export const PAGE_BITS = 8

export function createSeriesTable(capacity = 1024): SeriesTable {
  const slots = powerOfTwo(Math.max(256, capacity))
  return {
    low: new Uint32Array(slots * 2),
    high: new Uint32Array(slots * 2),
    entry: new Int32Array(slots * 2),
    used: 0,
    ignored: 0,
    count: 0,
    idLow: new Uint32Array(slots),
    idHigh: new Uint32Array(slots),
    role: new Uint8Array(slots),
    delta: new Uint8Array(slots),
    target: new Int32Array(slots),
    cell: new Uint16Array(slots),
    position: new Uint16Array(slots),
    lastTime: new Float64Array(slots),
    lastValue: new Float64Array(slots),
    heard: new Uint8Array(slots),
    dirty: new Uint8Array((slots >> PAGE_BITS) + 1),
  }
}

/** Slot of a series, UNKNOWN or IGNORED. */
export function findSeries(table: SeriesTable, low: number, high: number): number {
  const { entry } = table
  const mask = entry.length - 1
  for (let at = probe(low, high) & mask; ; at = (at + 1) & mask) {
    const found = entry[at] ?? 0
    if (found === 0) return UNKNOWN
    if (table.low[at] === low && table.high[at] === high) return found === IGNORED ? IGNORED : found - 1
  }
}

/** Identities are hashes already; the mix keeps a sender's choice of bits from clustering. */
function probe(low: number, high: number): number {
  const mixed = Math.imul(low ^ Math.imul(high, 0x9e3779b1), 0x85ebca6b)
  return (mixed ^ (mixed >>> 15)) >>> 0
}

/** Remembers that a series means nothing here. */
export function ignoreSeries(table: SeriesTable, low: number, high: number): void {
  place(table, low, high, IGNORED)
  table.ignored++
}

export type NewSeries = {
  readonly role: number
  readonly delta: boolean
  readonly target: number
  readonly cell: number
  readonly position: number
}

/** Adds a series that `findSeries` did not know; returns its slot. */
export function addSeries(table: SeriesTable, low: number, high: number, series: NewSeries): number {
  const slot = table.count++
  if (slot === table.role.length) growColumns(table)
  table.idLow[slot] = low
  table.idHigh[slot] = high
  table.role[slot] = series.role
  table.delta[slot] = series.delta ? 1 : 0
  table.target[slot] = series.target
  table.cell[slot] = series.cell
  table.position[slot] = series.position
  table.lastTime[slot] = 0
  table.lastValue[slot] = 0
  table.heard[slot] = 1
  table.dirty[slot >> PAGE_BITS] = 1
  place(table, low, high, slot + 1)
  return slot
}

function place(table: SeriesTable, low: number, high: number, value: number): void {
  if ((table.used + 1) * 2 > table.entry.length) rebuild(table)
  const mask = table.entry.length - 1
  let at = probe(low, high) & mask
  while (table.entry[at] !== 0) at = (at + 1) & mask
  table.low[at] = low
  table.high[at] = high
  table.entry[at] = value
  table.used++
}

/** Series without meaning that are remembered; beyond it all are forgotten, and those that still come are read again. */
const MOST_IGNORED = 2 ** 18

function rebuild(table: SeriesTable): void {
  const kept = table.ignored > MOST_IGNORED ? 0 : table.ignored
  const { low, high, entry } = table
  const size = powerOfTwo(Math.max(512, (table.count + kept) * 3))
  table.low = new Uint32Array(size)
  table.high = new Uint32Array(size)
  table.entry = new Int32Array(size)
  table.used = 0
  table.ignored = kept
  for (let i = 0; i < entry.length; i++) {
    const value = entry[i] ?? 0
    if (value > 0 || (value === IGNORED && kept > 0)) place(table, low[i] ?? 0, high[i] ?? 0, value)
  }
}

/**
 * Forgets the slots whose `keep` is 0; the others move together and keep their order, and every page counts as changed.
 * Returns the new slot by the old one, UNKNOWN for those that are gone.
 */
export function compactSeries(table: SeriesTable, keep: Uint8Array): Int32Array {
  const slotOf = new Int32Array(table.count).fill(UNKNOWN)
  const fresh = createSeriesTable(keep.reduce((sum, kept) => sum + kept, 0))
  for (let slot = 0; slot < table.count; slot++) {
    if (keep[slot] !== 1) continue
    const moved = addSeries(fresh, table.idLow[slot] ?? 0, table.idHigh[slot] ?? 0, {
      role: table.role[slot] ?? 0,
      delta: table.delta[slot] === 1,
      target: table.target[slot] ?? 0,
      cell: table.cell[slot] ?? 0,
      position: table.position[slot] ?? 0,
    })
    fresh.lastTime[moved] = table.lastTime[slot] ?? 0
    fresh.lastValue[moved] = table.lastValue[slot] ?? 0
    fresh.heard[moved] = table.heard[slot] ?? 0
    slotOf[slot] = moved
  }
  for (let at = 0; table.ignored <= MOST_IGNORED && at < table.entry.length; at++) {
    if (table.entry[at] === IGNORED) ignoreSeries(fresh, table.low[at] ?? 0, table.high[at] ?? 0)
  }
  Object.assign(table, fresh)
  return slotOf
}

function powerOfTwo(atLeast: number): number {
  return 2 ** Math.ceil(Math.log2(atLeast))
}

function growColumns(table: SeriesTable): void {
  const slots = table.role.length * 2
  const widen = <T extends { set(from: T): void }>(from: T, to: T): T => {
    to.set(from)
    return to
  }
  table.idLow = widen(table.idLow, new Uint32Array(slots))
  table.idHigh = widen(table.idHigh, new Uint32Array(slots))
  table.role = widen(table.role, new Uint8Array(slots))
  table.delta = widen(table.delta, new Uint8Array(slots))
  table.target = widen(table.target, new Int32Array(slots))
  table.cell = widen(table.cell, new Uint16Array(slots))
  table.position = widen(table.position, new Uint16Array(slots))
  table.lastTime = widen(table.lastTime, new Float64Array(slots))
  table.lastValue = widen(table.lastValue, new Float64Array(slots))
  table.heard = widen(table.heard, new Uint8Array(slots))
  table.dirty = widen(table.dirty, new Uint8Array((slots >> PAGE_BITS) + 1))
}
