/** What is known of accounts at the end of a day, from tables: a handful of queries whatever the number of accounts. */

import { createBreather } from '@plimsoll/kit/breather.ts'
import type { ReaderDatabase } from '@plimsoll/kit/db/database.ts'
import type { Selectable } from 'kysely'
import { type AccountFacts, type AccountUsage, assemble } from '../domain/assemble.ts'
import { championOf, PACE_DAYS, type Presence } from '../domain/health/champion.ts'
import { placeOf } from '../domain/rolling.ts'
import { type AccountSnapshot, type FeatureUse, HISTORY_DAYS } from '../domain/snapshot.ts'
import {
  ANY,
  API_CALLS,
  API_ERRORS,
  type Cells,
  daysBetween,
  featuresIn,
  rangesBetween,
  series,
} from '../domain/usage-cells.ts'
import { accountSubject, countPerson } from '../domain/usage-figures.ts'
import { daysByAccount, type Person } from '../domain/usage-person.ts'
import { readCells } from './cells.ts'
import { personsOfAccounts } from './identity.ts'
import { readOptOuts } from './opt-outs.ts'
import { factsOf } from './snapshot-facts.ts'
import type { AccountTable, FeatureTable, UsageTables } from './usage-tables.ts'

type Reader = ReaderDatabase<UsageTables>
type Account = Selectable<AccountTable>

/** Accounts read at a time: bounds the memory their rows take. */
const ACCOUNTS_AT_ONCE = 100

/** Of all accounts, or of those named, in the order of their ids. Accounts that began later are left out. */
export async function loadSnapshots(
  reader: Reader,
  day: number,
  accountIds?: readonly string[],
): Promise<AccountSnapshot[]> {
  for await (const [, snapshots] of loadDays(reader, [day], accountIds)) return snapshots
  return []
}

/** The same at the end of each of several days: what is read of an account serves all of them. */
export async function* loadDays(
  reader: Reader,
  days: readonly number[],
  accountIds?: readonly string[],
): AsyncGenerator<readonly [day: number, snapshots: AccountSnapshot[]]> {
  if (days.length === 0) return
  const histories = await readHistories(reader, accountIds, Math.min(...days), Math.max(...days))
  const breathe = createBreather()
  for (const day of days) {
    const snapshots: AccountSnapshot[] = []
    for (const snapshotAt of histories.values()) {
      await breathe()
      const snapshot = snapshotAt(day)
      if (snapshot !== undefined) snapshots.push(snapshot)
    }
    yield [day, snapshots]
  }
}

/** An account, and a day at whose end it is asked about. */
export type AccountDay = { readonly accountId: string; readonly day: number }

/** Snapshots of single accounts, each of its own day; undefined where an account had not begun. */
export async function loadEach<Wanted extends AccountDay>(
  reader: Reader,
  wanted: readonly Wanted[],
): Promise<Map<Wanted, AccountSnapshot | undefined>> {
  const found = new Map<Wanted, AccountSnapshot | undefined>()
  const byAccount = [...Map.groupBy(wanted, ({ accountId }) => accountId)]
  // What is read of an account is let go with the hundred it was read with.
  for (let from = 0; from < byAccount.length; from += ACCOUNTS_AT_ONCE) {
    const some = byAccount.slice(from, from + ACCOUNTS_AT_ONCE)
    const days = some.flatMap(([, own]) => own.map(({ day }) => day))
    const ids = some.map(([accountId]) => accountId)
    const histories = await readHistories(reader, ids, Math.min(...days), Math.max(...days))
    for (const [accountId, own] of some) for (const one of own) found.set(one, histories.get(accountId)?.(one.day))
  }
  return found
}

/** Days that are read together, and snapshots made of them: what a transaction has time for. */
const MOST_DAYS = 28
const MOST_SNAPSHOTS = 40_000

/** Days in stretches that are read together. */
export async function runsOf(reader: Reader, days: readonly number[]): Promise<number[][]> {
  const { accounts } = await reader
    .selectFrom('account')
    .select(({ fn }) => fn.countAll<number>().as('accounts'))
    .executeTakeFirstOrThrow()
  const length = Math.max(1, Math.min(MOST_DAYS, Math.floor(MOST_SNAPSHOTS / accounts)))
  return Array.from({ length: Math.ceil(days.length / length) }, (_, i) => days.slice(i * length, (i + 1) * length))
}

/** What is known of an account, for any day it was read for; undefined where it had not begun. */
type History = (day: number) => AccountSnapshot | undefined

async function readHistories(
  reader: Reader,
  accountIds: readonly string[] | undefined,
  first: number,
  last: number,
): Promise<Map<string, History>> {
  const features = await reader.selectFrom('feature').selectAll().orderBy('id').execute()
  const ids = accountIds ?? (await allAccountIds(reader))
  const optOuts = await readOptOuts(reader)
  const breathe = createBreather()
  const histories = new Map<string, History>()
  for (let from = 0; from < ids.length; from += ACCOUNTS_AT_ONCE) {
    const some = ids.slice(from, from + ACCOUNTS_AT_ONCE)
    const accounts = await reader
      .selectFrom('account')
      .selectAll()
      .where('account_id', 'in', some)
      .orderBy('account_id')
      .execute()
    if (accounts.length === 0) continue
    const oldest = first - HISTORY_DAYS + 1
    const [facts, cells, all] = await Promise.all([
      factsOf(reader, accounts, optOuts),
      readCells(reader, some.map(accountSubject), oldest, last),
      personsOfAccounts(
        reader,
        accounts.map(({ id }) => id),
      ),
    ])
    const isOut = ({ person }: Known): boolean => person.nodes.some((node) => optOuts.nodes.has(node))
    const [out, scored] = [all.filter(isOut), all.filter((one) => !isOut(one))]
    takeBack(cells, accounts, out)
    const [people, unscored] = [peopleOf(accounts, scored, oldest), peopleOf(accounts, out, oldest)]
    for (const account of accounts) {
      await breathe()
      const { present, firstUses } = people.get(account.id) ?? NO_PEOPLE
      const usageAt = usageBetween(cells.get(accountSubject(account.account_id)) ?? new Map(), first, last)
      const featuresAt = featuresOf(account, features, firstUses)
      const factsAt = facts(account, firstUses.get(ANY) ?? Infinity)
      const { present: silenced } = unscored.get(account.id) ?? NO_PEOPLE
      histories.set(account.account_id, (day) => {
        const known = factsAt(day)
        if (known === undefined) return undefined
        const own = withoutSeats(known, silenced.filter((one) => one.first <= day).length)
        const { activity, ofFeature } = usageAt(day)
        const told = {
          activity: { ...activity, lastDay: lastDayOf(present, day) },
          champion: championOf(presences(present, day), day),
          features: featuresAt(day, ofFeature),
        }
        return assemble(own, told, day)
      })
    }
  }
  return histories
}

async function allAccountIds(reader: Reader): Promise<string[]> {
  const rows = await reader.selectFrom('account').select('account_id').orderBy('account_id').execute()
  return rows.map(({ account_id }) => account_id)
}

/** Features are looked at over this month and the one before. */
const WINDOW_DAYS = 28

type Counts = Pick<FeatureUse, 'uses28' | 'users28' | 'uses28Before'>

/** What an account's cells tell at the end of each day from `first` to `last`. Keeps no hold of the cells. */
function usageBetween(cells: Cells, first: number, last: number) {
  const from = first - HISTORY_DAYS + 1
  const users = new Uint32Array(rangesBetween(cells, ANY, series.window(1), from, last))
  const users7 = rangesBetween(cells, ANY, series.window(7), first, last)
  const users28 = rangesBetween(cells, ANY, series.window(28), first - WINDOW_DAYS, last)
  const users84 = rangesBetween(cells, ANY, series.window(84), first, last)
  const events = daysBetween(cells, ANY, series.events, from, last)
  const apiCalls = daysBetween(cells, API_CALLS, series.events, from, last)
  const apiErrors = daysBetween(cells, API_ERRORS, series.events, from, last)
  const countsOf = countsBetween(cells, first, last)
  return (
    day: number,
  ): { readonly activity: Omit<AccountUsage['activity'], 'lastDay'>; ofFeature(feature: number): Counts } => {
    const at = day - first
    const end = at + HISTORY_DAYS
    return {
      activity: {
        users: users.subarray(at, end),
        events: events.subarray(at, end),
        apiCalls: apiCalls.subarray(at, end),
        apiErrors: apiErrors.subarray(at, end),
        users7: users7[at] ?? 0,
        users28: users28[at + WINDOW_DAYS] ?? 0,
        users84: users84[at] ?? 0,
        users28Before: users28[at] ?? 0,
      },
      ofFeature: (feature) => countsOf.get(feature)?.[at] ?? NO_USE,
    }
  }
}

/** Of each feature that was used, day by day from `first` on. */
function countsBetween(cells: Cells, first: number, last: number): Map<number, Counts[]> {
  const found = new Map<number, Counts[]>()
  for (const feature of featuresIn(cells)) {
    const upTo = sumsOf(daysBetween(cells, feature, series.events, first - 2 * WINDOW_DAYS + 1, last))
    const users = rangesBetween(cells, feature, series.window(WINDOW_DAYS), first, last)
    const counts = Array.from(users, (users28, i): Counts => {
      const [longBefore = 0, before = 0, now = 0] = [upTo[i], upTo[i + WINDOW_DAYS], upTo[i + 2 * WINDOW_DAYS]]
      return now === longBefore ? NO_USE : { uses28: now - before, users28, uses28Before: before - longBefore }
    })
    found.set(feature, counts)
  }
  return found
}

const NO_USE: Counts = { uses28: 0, users28: 0, uses28Before: 0 }

/** Of the first 0, 1, 2 ... values. */
function sumsOf(values: Float64Array): Float64Array {
  const sums = new Float64Array(values.length + 1)
  for (let i = 0; i < values.length; i++) sums[i + 1] = (sums[i] ?? 0) + (values[i] ?? 0)
  return sums
}

type Present = {
  readonly key: string
  readonly isNobody: boolean
  readonly first: number
  /** Ascending: those a snapshot looks back on, and the last before them. */
  readonly days: readonly number[]
}

type People = {
  readonly present: Present[]
  /** First day of use by any of them, by feature. */
  readonly firstUses: Map<number, number>
}

const NO_PEOPLE: People = { present: [], firstUses: new Map() }

type Known = { readonly key: string; readonly person: Person }

/** Features as an account has them on a day, in the order of their ids. */
function featuresOf(
  account: Account,
  features: readonly Selectable<FeatureTable>[],
  firstUses: ReadonlyMap<number, number>,
) {
  const own = features.map(({ id, name, is_core, plans }) => ({
    id,
    feature: name,
    isCore: is_core,
    isEntitled: plans === null || plans.includes(account.plan),
    first: firstUses.get(id) ?? Infinity,
  }))
  return (day: number, countsOf: (feature: number) => Counts): FeatureUse[] =>
    own.map(({ id, feature, isCore, isEntitled, first }) => {
      const { uses28, users28, uses28Before } = countsOf(id)
      const firstDay = first <= day ? first : undefined
      return { feature, isCore, isEntitled, uses28, users28, uses28Before, firstDay }
    })
}

/** Figures of accounts as they would be without these persons. */
function takeBack(cells: Map<string, Cells>, accounts: readonly Account[], persons: readonly Known[]): void {
  const subjects = new Map(accounts.map(({ id, account_id }) => [id, [accountSubject(account_id)]]))
  for (const { person } of persons) countPerson(person, (account) => subjects.get(account) ?? [], cells, -1)
}

/** Whoever is not scored takes no seat: an account is not worse for their being silent in it. */
function withoutSeats(facts: AccountFacts, unscored: number): AccountFacts {
  const left = (seats: number): number => (seats === 0 ? 0 : Math.max(1, seats - unscored))
  const { subscription } = facts
  return {
    ...facts,
    seats: left(facts.seats),
    subscription: subscription && { ...subscription, seatsBefore: left(subscription.seatsBefore) },
  }
}

function peopleOf(accounts: readonly Account[], persons: readonly Known[], firstDay: number): Map<number, People> {
  const found = new Map<number, People>(accounts.map(({ id }) => [id, { present: [], firstUses: new Map() }]))
  for (const { key, person } of persons) {
    for (const [account, { first, days, features }] of daysByAccount(person)) {
      const people = found.get(account)
      if (people === undefined) continue
      const lookedAt = days.slice(Math.max(0, placeOf(days, firstDay) - 1))
      people.present.push({ key, isNobody: person.isNobody, first, days: lookedAt })
      for (const [feature, day] of features) {
        people.firstUses.set(feature, Math.min(day, people.firstUses.get(feature) ?? Infinity))
      }
    }
  }
  return found
}

const lastDayOf = (people: readonly Present[], day: number): number | undefined => {
  const last = Math.max(...people.map(({ days }) => days[placeOf(days, day + 1) - 1] ?? -Infinity))
  return last === -Infinity ? undefined : last
}

/** Who came within the history a snapshot has: whoever left before it is not missed any more. */
function presences(people: readonly Present[], day: number): Presence[] {
  return people.flatMap(({ key, isNobody, days }) => {
    const [from, end] = [placeOf(days, day - HISTORY_DAYS + 1), placeOf(days, day + 1)]
    const [firstDay, lastDay] = [days[from], days[end - 1]]
    if (isNobody || from >= end || firstDay === undefined || lastDay === undefined) return []
    const paceFrom = Math.max(from, placeOf(days, lastDay - PACE_DAYS + 1))
    return [{ userId: key, firstDay, lastDay, activeDays: end - paceFrom }]
  })
}
