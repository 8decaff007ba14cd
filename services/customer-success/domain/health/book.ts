/** The book of accounts on a day: what is usual in each segment, and what all accounts did together day by day. */

import { type AccountSnapshot, HISTORY_DAYS } from '../snapshot.ts'
import { MEASURES, type Measure } from './measures.ts'

export type Book = {
  /** Level of each day of the history relative to its mean, over accounts that were there all the time. */
  readonly season: Float64Array
  /** Sorted values of each measure by segment; '' holds all accounts. */
  readonly distributions: ReadonlyMap<string, ReadonlyMap<Measure, Float64Array>>
  /** Kinds of facts anyone sends: where nobody has tickets, none is no good sign. */
  readonly hasTickets: boolean
}

/** A segment with fewer accounts is compared with all. */
const LEAST_ACCOUNTS = 20
/** User-days a weekday of the panel has to differ by before a single day is believed: an odd day of few is chance. */
const SEASON_PRIOR = 50

export function bookOf(snapshots: readonly AccountSnapshot[]): Book {
  const bySegment = new Map<string, AccountSnapshot[]>([['', [...snapshots]]])
  for (const snapshot of snapshots) {
    const segment = bySegment.get(snapshot.segment)
    if (segment === undefined) bySegment.set(snapshot.segment, [snapshot])
    else if (snapshot.segment !== '') segment.push(snapshot)
  }
  return {
    season: seasonOf(snapshots),
    distributions: new Map([...bySegment].map(([segment, members]) => [segment, distributionsOf(members)])),
    hasTickets: snapshots.some(({ tickets }) => tickets.length > 0),
  }
}

function distributionsOf(members: readonly AccountSnapshot[]): ReadonlyMap<Measure, Float64Array> {
  const names = Object.keys(MEASURES) as Measure[]
  return new Map(names.map((name) => [name, Float64Array.from(members.flatMap((s) => MEASURES[name](s) ?? [])).sort()]))
}

/** Share of the segment below the value, ties half: 0 to 1. */
export function rankOf(book: Book, segment: string, measure: Measure, value: number): number {
  const among = amongOf(book, segment, measure)
  if (among.length === 0) return 0.5
  return (firstNotBelow(among, value) + firstAbove(among, value)) / 2 / among.length
}

/** The value a share of the segment stays below; undefined when nobody has one. */
export function valueAtRank(book: Book, segment: string, measure: Measure, rank: number): number | undefined {
  const among = amongOf(book, segment, measure)
  return among[Math.floor(rank * among.length)]
}

const NONE = new Float64Array(0)

function amongOf(book: Book, segment: string, measure: Measure): Float64Array {
  const own = book.distributions.get(segment)?.get(measure) ?? NONE
  return own.length >= LEAST_ACCOUNTS ? own : (book.distributions.get('')?.get(measure) ?? NONE)
}

const firstNotBelow = (sorted: Float64Array, value: number): number => search(sorted, (x) => x >= value)
const firstAbove = (sorted: Float64Array, value: number): number => search(sorted, (x) => x > value)

function search(sorted: Float64Array, holds: (x: number) => boolean): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (holds(sorted[middle] ?? 0)) high = middle
    else low = middle + 1
  }
  return low
}

/**
 * Weekday times what that very day differed from its weekday, so that a holiday of all is nobody's fall. Only accounts
 * older than the history count: with newcomers every day would look better than the one before.
 */
function seasonOf(snapshots: readonly AccountSnapshot[]): Float64Array {
  const total = new Float64Array(HISTORY_DAYS)
  for (const { activity, day, startedDay } of snapshots) {
    if (day - startedDay + 1 < HISTORY_DAYS) continue
    for (let i = 0; i < HISTORY_DAYS; i++) total[i] = (total[i] ?? 0) + (activity.users[i] ?? 0)
  }
  const weekday = new Float64Array(7)
  for (let i = 0; i < HISTORY_DAYS; i++) weekday[i % 7] = (weekday[i % 7] ?? 0) + (total[i] ?? 0) / (HISTORY_DAYS / 7)
  const mean = weekday.reduce((sum, x) => sum + x, 0) / 7
  if (mean === 0) return new Float64Array(HISTORY_DAYS).fill(1)
  return total.map((x, i) => {
    const usual = weekday[i % 7] ?? 0
    return ((usual / mean) * (x + SEASON_PRIOR)) / (usual + SEASON_PRIOR)
  })
}
