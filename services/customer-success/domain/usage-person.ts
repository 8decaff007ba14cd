/**
 * What is kept of a person to count exactly: by identifier, account and feature the days of use and how often. Which
 * figures follow from it is in usage-figures.ts.
 */

import { dayOf } from './day.ts'
import { insertAt, placeOf } from './rolling.ts'
import { ANY } from './usage-cells.ts'

export type Person = {
  /** Stands for uses of an account that name nobody: they count as events, not as a person. */
  readonly isNobody: boolean
  /** Identifiers: user ids and anonymous ids. */
  readonly nodes: number[]
  readonly memberships: Membership[]
  readonly lists: DayList[]
}

/** From this time on, what `node` does without naming an account belongs to `account`. */
export type Membership = { readonly node: number; readonly account: number; readonly atMs: number }

export type DayList = {
  readonly node: number
  /** As the events named it; 0 = they named none, and the membership of each day decides. */
  readonly account: number
  readonly feature: number
  /** Day of the first use ever, also when it is no longer among `days`. */
  first: number
  /** Ascending. */
  readonly days: number[]
  readonly counts: number[]
}

/** Uses of a feature on a day. */
export type Use = {
  readonly node: number
  readonly account: number
  readonly feature: number
  readonly day: number
  readonly count: number
}

/** Takes uses in and counts nothing: for a person who is counted anew as a whole. */
export function keepUses(person: Person, uses: readonly Use[]): void {
  for (const use of uses) addToList(person, use)
}

/** Forgets days before `day`; what they added to the figures stays. Tells whether there were any. */
export function forgetBefore(person: Person, day: number): boolean {
  let isChanged = false
  for (const { days, counts } of person.lists) {
    const at = placeOf(days, day)
    if (at > 0) isChanged = true
    days.splice(0, at)
    counts.splice(0, at)
  }
  return isChanged
}

/** One person of several, as identity has it. */
export function merged(persons: readonly Person[]): Person {
  return {
    isNobody: false,
    nodes: persons.flatMap(({ nodes }) => nodes).sort((a, b) => a - b),
    memberships: persons.flatMap(({ memberships }) => memberships).sort(byTime),
    lists: persons.flatMap(({ lists }) => lists),
  }
}

/** The part of a person that these of its identifiers are. */
export function partOf(person: Person, nodes: ReadonlySet<number>): Person {
  const own = ({ node }: { readonly node: number }): boolean => nodes.has(node)
  return {
    isNobody: person.isNobody,
    nodes: person.nodes.filter((node) => nodes.has(node)),
    memberships: person.memberships.filter(own),
    lists: person.lists.filter(own),
  }
}

/** Whether it was not there. The order of memberships of one time is that of their accounts, so that any order of arrival ends alike. */
export function addMembership({ memberships }: Person, membership: Membership): boolean {
  if (memberships.some((known) => known.node === membership.node && byTime(known, membership) === 0)) return false
  memberships.push(membership)
  memberships.sort(byTime)
  return true
}

const byTime = (a: Membership, b: Membership): number => a.atMs - b.atMs || a.account - b.account

/** Account of the membership that is valid on a day: of the last that began on it or before; 0 = none. */
export function accountAt(memberships: readonly Membership[], day: number): number {
  let account = 0
  for (const membership of memberships) if (dayOf(membership.atMs) <= day) account = membership.account
  return account
}

/** Where a person was active on which days, and the first day of each feature there. */
export function daysByAccount(person: Person) {
  const found = new Map<number, { first: number; days: number[]; features: Map<number, number> }>()
  for (const { account, feature, first, days } of partsOf(person)) {
    const use = found.get(account) ?? { first: Infinity, days: [], features: new Map<number, number>() }
    found.set(account, use)
    use.features.set(feature, Math.min(first, use.features.get(feature) ?? Infinity))
    if (feature !== ANY) continue
    use.first = Math.min(use.first, first)
    use.days = use.days.length === 0 ? [...days] : unionOfDays([use.days, days])
  }
  return found
}

/** Days of a feature in the account they belong to. */
export type Part = Omit<DayList, 'node'>

/** Lists by the account their days belong to. */
export function* partsOf({ memberships, lists }: Person): Generator<Part> {
  for (const list of lists) {
    if (list.account !== 0 || memberships.length === 0) {
      yield list
      continue
    }
    const { feature, first } = list
    const parts = new Map<number, Part>()
    parts.set(accountAt(memberships, first), {
      account: accountAt(memberships, first),
      feature,
      first,
      days: [],
      counts: [],
    })
    list.days.forEach((day, i) => {
      const account = accountAt(memberships, day)
      const part = parts.get(account) ?? { account, feature, first: day, days: [], counts: [] }
      parts.set(account, part)
      part.days.push(day)
      part.counts.push(list.counts[i] ?? 0)
    })
    yield* parts.values()
  }
}

export const unionOfDays = (lists: readonly (readonly number[])[]): number[] =>
  [...new Set(lists.flat())].sort((a, b) => a - b)

function addToList({ lists }: Person, { node, account, feature, day, count }: Use): void {
  let list = lists.find((known) => known.feature === feature && known.account === account && known.node === node)
  if (list === undefined) {
    list = { node, account, feature, first: day, days: [], counts: [] }
    lists.push(list)
  }
  const at = placeOf(list.days, day)
  if (list.days[at] === day) list.counts[at] = (list.counts[at] ?? 0) + count
  else {
    insertAt(list.days, at, day)
    insertAt(list.counts, at, count)
  }
  list.first = Math.min(list.first, day)
}
