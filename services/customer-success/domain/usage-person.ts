/**
 * What is kept of a person to count exactly: by identifier, account and feature the days of use and how often. All
 * figures a person is part of follow from it, so a merge, a split, a move between accounts and an erasure are one thing:
 * take back what the persons told before, and tell what they tell now.
 */

import { dayOf } from './day.ts'
import { eachGain, eachShare, insertAt, placeOf, WINDOWS } from './rolling.ts'
import {
  ANY,
  addAt,
  addRange,
  BLOCK_DAYS,
  blockOf,
  blockStart,
  type Cells,
  COHORT_BLOCKS,
  COHORT_WEEKS,
  FIRST_FEATURE,
  series,
  weekOf,
  weekStart,
} from './usage-cells.ts'

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

/** Cells by subject. */
export type Tally = Map<string, Cells>

/** Everybody. */
export const ALL = 'all'
export const accountSubject = (accountId: string): string => `account:${accountId}`

/** Subjects that what is done in an account counts for; ALL alone for account 0. */
export type SubjectsOf = (account: number) => readonly string[]

const ONLY_MONTH = [28] as const
const NONE = [] as const

/** Windows kept: all of them, but of an account's single features the month alone. */
function widthsOf(subject: string, feature: number): readonly number[] {
  if (feature === ANY) return WINDOWS
  if (feature < FIRST_FEATURE) return NONE
  return subject.startsWith('account:') ? ONLY_MONTH : WINDOWS
}

export const keepsWindow = (subject: string, feature: number, width: number): boolean =>
  widthsOf(subject, feature).includes(width)

/** Takes uses in and adds what they change to the tally. */
export function addUses(person: Person, uses: readonly Use[], subjectsOf: SubjectsOf, tally: Tally): void {
  const unions = new Map<number | string, ToldUnion>()
  const isInOne = isInOneAccount(person, uses)
  for (const { account, feature, day, count } of uses) {
    const subjects = subjectsOf(account === 0 ? accountAt(person.memberships, day) : account)
    for (const subject of subjects) addAt(cellsOf(tally, subject), feature, series.events, day, count)
    if (person.isNobody) continue
    for (const group of isInOne ? [subjects] : subjects.map((subject) => [subject])) {
      const key = isInOne ? feature : `${feature} ${group[0]}`
      let union = unions.get(key)
      if (union === undefined) {
        const parts = isInOne
          ? person.lists.filter((list) => list.feature === feature)
          : partsIn(person, group[0] ?? ALL, feature, subjectsOf)
        union = { ...unionOf(parts), feature, told: group.map((subject) => toldTo(subject, feature, tally)) }
        unions.set(key, union)
      }
      gain(union, day)
    }
  }
  keepUses(person, uses)
}

/** Whoever is in one account only has the same days in it, in its plan and among everybody: looked up once for all. */
function isInOneAccount({ memberships, lists }: Person, uses: readonly Use[]): boolean {
  const [first] = uses
  if (first === undefined || (first.account === 0 && memberships.length > 0)) return false
  const isThere = ({ account }: { readonly account: number }): boolean => account === first.account
  return lists.every(isThere) && uses.every(isThere)
}

/** Days of a feature, and the figures all of which they are part of alike. */
type ToldUnion = Union & { readonly feature: number; readonly told: readonly Told[] }

type Told = { readonly cells: Cells; readonly widths: readonly number[] }

const toldTo = (subject: string, feature: number, tally: Tally): Told => ({
  cells: cellsOf(tally, subject),
  widths: widthsOf(subject, feature),
})

function gain(union: ToldUnion, day: number): void {
  const { feature, told, first, days } = union
  const at = placeOf(days, day)
  if (days[at] === day) return
  // Weeks and blocks are numbered from the first day: with a new one all habits are told anew.
  const isFirst = day < first
  for (const { cells, widths } of told) {
    eachGain(days, at, day, widths, (width, from, to) => {
      addRange(cells, feature, series.window(width), from, to, 1)
    })
    if (isFirst) tellHabits(cells, feature, union, -1)
    else gainHabits(cells, feature, union, day)
  }
  insertAt(days, at, day)
  if (!isFirst) return
  union.first = day
  for (const { cells } of told) tellHabits(cells, feature, union, 1)
}

/** Takes uses in without a word: for a person that is told anew. */
export function keepUses(person: Person, uses: readonly Use[]): void {
  for (const use of uses) addToList(person, use)
}

/** Adds all that a person is part of to the tally, or takes it back with `sign` -1. */
export function tell(person: Person, subjectsOf: SubjectsOf, tally: Tally, sign: 1 | -1): void {
  const pairs = new Map<string, Set<number>>()
  for (const part of partsOf(person)) {
    for (const subject of subjectsOf(part.account)) {
      const cells = cellsOf(tally, subject)
      part.days.forEach((day, i) => {
        addAt(cells, part.feature, series.events, day, sign * (part.counts[i] ?? 0))
      })
      pairs.set(subject, (pairs.get(subject) ?? new Set()).add(part.feature))
    }
  }
  if (person.isNobody) return
  for (const [subject, features] of pairs) {
    for (const feature of features) {
      const cells = cellsOf(tally, subject)
      const union = unionOf(partsIn(person, subject, feature, subjectsOf))
      eachShare(union.days, widthsOf(subject, feature), (width, from, to) =>
        addRange(cells, feature, series.window(width), from, to, sign),
      )
      tellHabits(cells, feature, union, sign)
    }
  }
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
    use.days = use.days.length === 0 ? [...days] : united([use.days, days])
  }
  return found
}

type Part = Omit<DayList, 'node'>

/** Lists by the account their days belong to. */
function* partsOf({ memberships, lists }: Person): Generator<Part> {
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

type Union = { first: number; readonly days: number[] }

/** What a person did with a feature within a subject. */
function partsIn(person: Person, subject: string, feature: number, subjectsOf: SubjectsOf): Part[] {
  const found: Part[] = []
  for (const part of partsOf(person)) {
    if (part.feature === feature && subjectsOf(part.account).includes(subject)) found.push(part)
  }
  return found
}

function unionOf(parts: readonly Part[]): Union {
  const [only] = parts
  if (only !== undefined && parts.length === 1) return { first: only.first, days: [...only.days] }
  return {
    first: Math.min(...parts.map(({ first }) => first)),
    days: united(parts.map(({ days }) => days)),
  }
}

const united = (lists: readonly (readonly number[])[]): number[] => [...new Set(lists.flat())].sort((a, b) => a - b)

/** First days; of whatever use also active days by block, and the weeks and blocks after the first. */
function tellHabits(cells: Cells, feature: number, { first, days }: Union, sign: 1 | -1): void {
  if (first === Infinity || (feature !== ANY && feature < FIRST_FEATURE)) return
  addAt(cells, feature, series.firsts, first, sign)
  if (feature !== ANY) return
  let [week, block, inBlock] = [-Infinity, -Infinity, 0]
  const closeBlock = (): void => {
    if (inBlock > 0) addAt(cells, ANY, series.activeDays(inBlock), blockStart(block), sign)
  }
  for (const day of days) {
    if (weekOf(day) !== week) {
      week = weekOf(day)
      tellWeek(cells, first, week, sign)
    }
    if (blockOf(day) !== block) {
      closeBlock()
      block = blockOf(day)
      inBlock = 0
      tellBlock(cells, first, block, sign)
    }
    inBlock++
  }
  closeBlock()
}

/** What a day that is not the first adds to them: a week, a block, or one more day of the block. */
function gainHabits(cells: Cells, feature: number, { first, days }: Union, day: number): void {
  if (feature !== ANY) return
  const [week, block] = [weekOf(day), blockOf(day)]
  if (daysWithin(days, weekStart(week), 7) === 0) tellWeek(cells, first, week, 1)
  const inBlock = daysWithin(days, blockStart(block), BLOCK_DAYS)
  if (inBlock === 0) tellBlock(cells, first, block, 1)
  else addAt(cells, ANY, series.activeDays(inBlock), blockStart(block), -1)
  addAt(cells, ANY, series.activeDays(inBlock + 1), blockStart(block), 1)
}

const daysWithin = (days: readonly number[], from: number, length: number): number =>
  placeOf(days, from + length) - placeOf(days, from)

function tellWeek(cells: Cells, first: number, week: number, sign: 1 | -1): void {
  const after = week - weekOf(first)
  if (after < COHORT_WEEKS) addAt(cells, ANY, series.weeksAfter(after), weekStart(week), sign)
}

function tellBlock(cells: Cells, first: number, block: number, sign: 1 | -1): void {
  const after = block - blockOf(first)
  if (after < COHORT_BLOCKS) addAt(cells, ANY, series.blocksAfter(after), blockStart(block), sign)
}

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

function cellsOf(tally: Tally, subject: string): Cells {
  let cells = tally.get(subject)
  if (cells === undefined) {
    cells = new Map()
    tally.set(subject, cells)
  }
  return cells
}
