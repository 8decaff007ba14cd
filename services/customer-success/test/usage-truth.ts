/** Every figure counted from the uses alone, by the definitions and without haste: what cells must add up to. */

import { componentsOf, type Link } from '../domain/identity.ts'
import { WINDOWS } from '../domain/rolling.ts'
import {
  ANY,
  API_CALLS,
  API_ERRORS,
  BLOCK_DAYS,
  blockOf,
  blockStart,
  type Cells,
  COHORT_BLOCKS,
  COHORT_WEEKS,
  daysBetween,
  rangesBetween,
  series,
  valueAt,
  weekOf,
  weekStart,
} from '../domain/usage-cells.ts'
import { accountAt, type Membership, type Use } from '../domain/usage-person.ts'

export type Uses = {
  /** Without those of ANY, which every use is also one of. */
  readonly uses: readonly Use[]
  readonly memberships: readonly Membership[]
  readonly links: readonly Link[]
  readonly nodes: readonly number[]
  /** Plans and segments of an account, as subjects. */
  groupsOf(account: number): readonly string[]
  accountSubjectOf(account: number): string
}

export type Figures = {
  readonly events: readonly number[]
  readonly firsts: readonly number[]
  readonly windows: Readonly<Record<number, readonly number[]>>
  /** Persons by what they made a habit of, e.g. `week 2903 after 2`; those that are not 0. */
  readonly habits: Readonly<Record<string, number>>
}

export function personsBy(nodes: readonly number[], links: readonly Link[]): Map<number, number> {
  const persons = new Map<number, number>()
  for (const [person, own] of componentsOf(nodes, links)) for (const node of own) persons.set(node, person)
  return persons
}

/** Figures of a subject and feature from day `from` to day `to`. */
export function trueFigures(of: Uses, from: number, to: number): (subject: string, feature: number) => Figures {
  const personOf = personsBy(of.nodes, of.links)
  const memberships = Map.groupBy(
    [...of.memberships].sort((a, b) => a.atMs - b.atMs || a.account - b.account),
    ({ node }) => personOf.get(node),
  )
  const placed = of.uses.map((use) => {
    const own = memberships.get(personOf.get(use.node)) ?? []
    const account = use.account === 0 ? accountAt(own, use.day) : use.account
    const subjects = account === 0 ? ['all'] : ['all', of.accountSubjectOf(account), ...of.groupsOf(account)]
    return { ...use, person: personOf.get(use.node), subjects }
  })
  const bySubject = new Map<string, typeof placed>()
  for (const use of placed) {
    for (const subject of use.subjects) bySubject.set(subject, [...(bySubject.get(subject) ?? []), use])
  }
  const days = Array.from({ length: to - from + 1 }, (_, i) => from + i)
  return (subject, feature) => {
    const isApi = feature === API_CALLS || feature === API_ERRORS
    const own = (bySubject.get(subject) ?? []).filter((use) =>
      feature === ANY ? use.feature !== API_CALLS && use.feature !== API_ERRORS : use.feature === feature,
    )
    const daysOf = [...Map.groupBy(own, ({ person }) => person).values()].map(
      (mine) => new Set(mine.map(({ day }) => day)),
    )
    const firstOf = new Map(daysOf.map((active) => [active, Math.min(...active)]))
    const kept = isApi ? [] : feature !== ANY && subject.startsWith('account:') ? [28] : WINDOWS
    return {
      events: days.map((day) => own.reduce((sum, use) => sum + (use.day === day ? use.count : 0), 0)),
      firsts: days.map((day) => (isApi ? 0 : [...firstOf.values()].filter((first) => first === day).length)),
      windows: Object.fromEntries(
        WINDOWS.map((width) => {
          const isKept = kept.some((one) => one === width)
          const inWindow = (active: Set<number>, day: number): boolean =>
            [...active].some((one) => one > day - width && one <= day)
          return [width, days.map((day) => (isKept ? daysOf.filter((active) => inWindow(active, day)).length : 0))]
        }),
      ),
      habits: feature === ANY ? trueHabits(daysOf) : {},
    }
  }
}

function trueHabits(daysOf: readonly ReadonlySet<number>[]): Record<string, number> {
  const counts: Record<string, number> = {}
  const count = (key: string): void => {
    counts[key] = (counts[key] ?? 0) + 1
  }
  for (const days of daysOf) {
    const active = [...days]
    const first = Math.min(...active)
    for (const week of new Set(active.map(weekOf))) count(`week ${week} after ${week - weekOf(first)}`)
    for (const block of new Set(active.map(blockOf))) {
      count(`block ${block} after ${block - blockOf(first)}`)
      count(`block ${block} days ${active.filter((day) => blockOf(day) === block).length}`)
    }
  }
  return counts
}

/** The same, read from cells. */
export function readFigures(cells: Cells, feature: number, from: number, to: number): Figures {
  const habits: Record<string, number> = {}
  const read = (key: string, number: number, day: number): void => {
    const n = valueAt(cells, feature, number, day)
    if (n !== 0) habits[key] = n
  }
  for (let block = blockOf(from); block <= blockOf(to); block++) {
    const at = blockStart(block)
    for (let days = 1; days <= BLOCK_DAYS; days++) read(`block ${block} days ${days}`, series.activeDays(days), at)
    for (let after = 0; after < COHORT_BLOCKS; after++) {
      read(`block ${block} after ${after}`, series.blocksAfter(after), at)
    }
  }
  for (let week = weekOf(from); week <= weekOf(to); week++) {
    for (let after = 0; after < COHORT_WEEKS; after++) {
      read(`week ${week} after ${after}`, series.weeksAfter(after), weekStart(week))
    }
  }
  return {
    events: [...daysBetween(cells, feature, series.events, from, to)],
    firsts: [...daysBetween(cells, feature, series.firsts, from, to)],
    windows: Object.fromEntries(
      WINDOWS.map((width) => [width, [...rangesBetween(cells, feature, series.window(width), from, to)]]),
    ),
    habits,
  }
}
