/**
 * Figures of a subject (everybody, an account, a plan, a segment) as cells that add up: a change of one person is a
 * handful of cells, and cells commute, so neither order nor batching can matter.
 *
 * Days are grouped in blocks of 28, four weeks that begin on a Monday. What holds over a range of days is kept as the
 * difference from the day before within its block, so that a block is read without the ones before it.
 */

import { WINDOWS } from './rolling.ts'

export const BLOCK_DAYS = 28
/** 1970-01-01 was a Thursday: the Monday before is day -3. */
const MONDAY = -3

/** @example weekOf(4) // 1: Monday 1970-01-05 */
export const weekOf = (day: number): number => Math.floor((day - MONDAY) / 7)
export const weekStart = (week: number): number => week * 7 + MONDAY
export const blockOf = (day: number): number => Math.floor((day - MONDAY) / BLOCK_DAYS)
export const blockStart = (block: number): number => block * BLOCK_DAYS + MONDAY

/** What a person did on a day, whatever it was. Named features are numbered from FIRST_FEATURE. */
export const ANY = 0
export const API_CALLS = 1
export const API_ERRORS = 2
export const FIRST_FEATURE = 3

/** Cohorts are followed for this long. */
export const COHORT_WEEKS = 64
export const COHORT_BLOCKS = 16

const EVENTS = 0
const FIRSTS = 1
const WINDOW = 2
const ACTIVE_DAYS = WINDOW + WINDOWS.length
const WEEKS = ACTIVE_DAYS + BLOCK_DAYS
const BLOCKS = WEEKS + COHORT_WEEKS

const windowNumbers: Readonly<Record<number, number>> = Object.fromEntries(
  WINDOWS.map((width, i) => [width, WINDOW + i]),
)

export const series = {
  /** Events of a day. */
  events: EVENTS,
  /** Persons whose first day it is. */
  firsts: FIRSTS,
  /** Persons active in the `width` days that end with a day. */
  window: (width: number): number => windowNumbers[width] ?? Number.NaN,
  /** Persons active on just this many days of a block (1 to 28), at the block's first day. */
  activeDays: (days: number): number => ACTIVE_DAYS + days - 1,
  /** Persons active in a week (at its first day) that is the given number of weeks after their first. */
  weeksAfter: (weeks: number): number => WEEKS + weeks,
  blocksAfter: (blocks: number): number => BLOCKS + blocks,
} as const

/** By block and feature. */
export type Cells = Map<number, Page>

/**
 * By series, the days of the block; a series nothing was added to has none. Arrays, as adding to cells is most of what
 * counting an event costs.
 */
export type Page = (number[] | undefined)[]

/** Feature ids stay below this: a page is block * FEATURES + feature. */
export const FEATURES = 65_536

export function pageOf(cells: Cells, block: number, feature: number): Page {
  const key = block * FEATURES + feature
  let page = cells.get(key)
  if (page === undefined) {
    page = []
    cells.set(key, page)
  }
  return page
}

/** @param at days since the block began */
export function increase(page: Page, number: number, at: number, n: number): void {
  let days = page[number]
  if (days === undefined) {
    days = new Array<number>(BLOCK_DAYS).fill(0)
    page[number] = days
  }
  days[at] = (days[at] ?? 0) + n
}

export function addAt(cells: Cells, feature: number, number: number, day: number, n: number): void {
  const block = blockOf(day)
  increase(pageOf(cells, block, feature), number, day - blockStart(block), n)
}

/** Adds to every day from `from` to `to`. */
export function addRange(cells: Cells, feature: number, number: number, from: number, to: number, n: number): void {
  for (let block = blockOf(from), last = blockOf(to); block <= last; block++) {
    const page = pageOf(cells, block, feature)
    const start = blockStart(block)
    increase(page, number, Math.max(from, start) - start, n)
    if (to + 1 < start + BLOCK_DAYS) increase(page, number, to + 1 - start, -n)
  }
}

export function valueAt(cells: Cells, feature: number, number: number, day: number): number {
  const block = blockOf(day)
  return cells.get(block * FEATURES + feature)?.[number]?.[day - blockStart(block)] ?? 0
}

/** Values of a series that holds over ranges (the windows), day by day from `from` to `to`. */
export function rangesBetween(cells: Cells, feature: number, number: number, from: number, to: number): Float64Array {
  const values = new Float64Array(Math.max(0, to - from + 1))
  for (let block = blockOf(from), last = blockOf(to); block <= last; block++) {
    const told = cells.get(block * FEATURES + feature)?.[number]
    if (told === undefined) continue
    const start = blockStart(block)
    let value = 0
    for (let day = start; day <= Math.min(to, start + BLOCK_DAYS - 1); day++) {
      value += told[day - start] ?? 0
      if (day >= from) values[day - from] = value
    }
  }
  return values
}

/** Values of a series that is told by day (events, firsts), from `from` to `to`. */
export function daysBetween(cells: Cells, feature: number, number: number, from: number, to: number): Float64Array {
  const values = new Float64Array(Math.max(0, to - from + 1))
  for (let block = blockOf(from), last = blockOf(to); block <= last; block++) {
    const told = cells.get(block * FEATURES + feature)?.[number]
    if (told === undefined) continue
    const start = blockStart(block)
    for (let day = Math.max(from, start); day <= Math.min(to, start + BLOCK_DAYS - 1); day++) {
      values[day - from] = told[day - start] ?? 0
    }
  }
  return values
}

/** Features that have cells in any of the blocks read. */
export function featuresIn(cells: Cells): Set<number> {
  return new Set([...cells.keys()].map((key) => key % FEATURES))
}
