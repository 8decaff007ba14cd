/**
 * All figures a person is part of, as cells by subject. They follow from what is kept of the person, so a merge, a split,
 * a move between accounts and an erasure are one thing: subtract what the persons before came to, add what they come to
 * now.
 */

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
import { accountAt, keepUses, type Part, type Person, partsOf, type Use, unionOfDays } from './usage-person.ts'

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
  const unions = new Map<number | string, CountedDays>()
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
        union = { ...activeDaysOf(parts), feature, figures: group.map((subject) => figuresOf(subject, feature, tally)) }
        unions.set(key, union)
      }
      addDay(union, day)
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
type CountedDays = ActiveDays & { readonly feature: number; readonly figures: readonly Figures[] }

type Figures = { readonly cells: Cells; readonly widths: readonly number[] }

const figuresOf = (subject: string, feature: number, tally: Tally): Figures => ({
  cells: cellsOf(tally, subject),
  widths: widthsOf(subject, feature),
})

function addDay(union: CountedDays, day: number): void {
  const { feature, figures, first, days } = union
  const at = placeOf(days, day)
  if (days[at] === day) return
  // Weeks and blocks are numbered from the first day: with a new one all habits are counted anew.
  const isFirst = day < first
  for (const { cells, widths } of figures) {
    eachGain(days, at, day, widths, (width, from, to) => {
      addRange(cells, feature, series.window(width), from, to, 1)
    })
    if (isFirst) countHabits(cells, feature, union, -1)
    else addToHabits(cells, feature, union, day)
  }
  insertAt(days, at, day)
  if (!isFirst) return
  union.first = day
  for (const { cells } of figures) countHabits(cells, feature, union, 1)
}

/** Adds all that a person is part of to the tally, or takes it back with `sign` -1. */
export function countPerson(person: Person, subjectsOf: SubjectsOf, tally: Tally, sign: 1 | -1): void {
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
      const union = activeDaysOf(partsIn(person, subject, feature, subjectsOf))
      eachShare(union.days, widthsOf(subject, feature), (width, from, to) =>
        addRange(cells, feature, series.window(width), from, to, sign),
      )
      countHabits(cells, feature, union, sign)
    }
  }
}

type ActiveDays = { first: number; readonly days: number[] }

/** What a person did with a feature within a subject. */
function partsIn(person: Person, subject: string, feature: number, subjectsOf: SubjectsOf): Part[] {
  const found: Part[] = []
  for (const part of partsOf(person)) {
    if (part.feature === feature && subjectsOf(part.account).includes(subject)) found.push(part)
  }
  return found
}

function activeDaysOf(parts: readonly Part[]): ActiveDays {
  const [only] = parts
  if (only !== undefined && parts.length === 1) return { first: only.first, days: [...only.days] }
  return {
    first: Math.min(...parts.map(({ first }) => first)),
    days: unionOfDays(parts.map(({ days }) => days)),
  }
}

/** First days; of whatever use also active days by block, and the weeks and blocks after the first. */
function countHabits(cells: Cells, feature: number, { first, days }: ActiveDays, sign: 1 | -1): void {
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
      countWeek(cells, first, week, sign)
    }
    if (blockOf(day) !== block) {
      closeBlock()
      block = blockOf(day)
      inBlock = 0
      countBlock(cells, first, block, sign)
    }
    inBlock++
  }
  closeBlock()
}

/** What a day that is not the first adds to them: a week, a block, or one more day of the block. */
function addToHabits(cells: Cells, feature: number, { first, days }: ActiveDays, day: number): void {
  if (feature !== ANY) return
  const [week, block] = [weekOf(day), blockOf(day)]
  if (daysWithin(days, weekStart(week), 7) === 0) countWeek(cells, first, week, 1)
  const inBlock = daysWithin(days, blockStart(block), BLOCK_DAYS)
  if (inBlock === 0) countBlock(cells, first, block, 1)
  else addAt(cells, ANY, series.activeDays(inBlock), blockStart(block), -1)
  addAt(cells, ANY, series.activeDays(inBlock + 1), blockStart(block), 1)
}

const daysWithin = (days: readonly number[], from: number, length: number): number =>
  placeOf(days, from + length) - placeOf(days, from)

function countWeek(cells: Cells, first: number, week: number, sign: 1 | -1): void {
  const after = week - weekOf(first)
  if (after < COHORT_WEEKS) addAt(cells, ANY, series.weeksAfter(after), weekStart(week), sign)
}

function countBlock(cells: Cells, first: number, block: number, sign: 1 | -1): void {
  const after = block - blockOf(first)
  if (after < COHORT_BLOCKS) addAt(cells, ANY, series.blocksAfter(after), blockStart(block), sign)
}

function cellsOf(tally: Tally, subject: string): Cells {
  let cells = tally.get(subject)
  if (cells === undefined) {
    cells = new Map()
    tally.set(subject, cells)
  }
  return cells
}
