/** What is known of accounts at the end of a day, from tables: a handful of queries whatever the number of accounts. */

import { createBreather } from '@plimsoll/kit/breather.ts'
import type { ReaderDatabase } from '@plimsoll/kit/db/database.ts'
import type { Selectable } from 'kysely'
import { type AccountFacts, type AccountUsage, assemble } from '../domain/assemble.ts'
import { dayOf, startOf } from '../domain/day.ts'
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
import { accountSubject, daysByAccount, type Person, tell } from '../domain/usage-person.ts'
import { readCells } from './cells.ts'
import { personsOfAccounts } from './identity.ts'
import { type OptOuts, readOptOuts } from './opt-outs.ts'
import type { AccountTable, UsageTables } from './usage-tables.ts'

type Reader = ReaderDatabase<UsageTables>
type Account = Selectable<AccountTable>

/** Accounts read at a time: bounds the memory they take. */
const ACCOUNTS_AT_ONCE = 100

/** Of all accounts, or of those named, in the order of their ids. Accounts that began later are left out. */
export async function loadSnapshots(
  reader: Reader,
  day: number,
  accountIds?: readonly string[],
): Promise<AccountSnapshot[]> {
  return (await loadDays(reader, [day], accountIds)).get(day) ?? []
}

/** The same at the end of several days, by day: what is read of an account serves all of them. */
export async function loadDays(
  reader: Reader,
  days: readonly number[],
  accountIds?: readonly string[],
): Promise<Map<number, AccountSnapshot[]>> {
  const snapshots = new Map(days.map((day) => [day, [] as AccountSnapshot[]]))
  if (days.length === 0) return snapshots
  const [first, last] = [Math.min(...days), Math.max(...days)]
  const features = await reader.selectFrom('feature').selectAll().orderBy('id').execute()
  const ids = accountIds ?? (await allAccountIds(reader))
  const optOuts = await readOptOuts(reader)
  const breathe = createBreather()
  for (let from = 0; from < ids.length; from += ACCOUNTS_AT_ONCE) {
    const some = ids.slice(from, from + ACCOUNTS_AT_ONCE)
    const accounts = await reader
      .selectFrom('account')
      .selectAll()
      .where('account_id', 'in', some)
      .orderBy('account_id')
      .execute()
    if (accounts.length === 0) continue
    const [facts, cells, all] = await Promise.all([
      factsOf(reader, accounts, optOuts),
      readCells(reader, some.map(accountSubject), first - HISTORY_DAYS + 1, last),
      personsOfAccounts(
        reader,
        accounts.map(({ id }) => id),
      ),
    ])
    const isOut = ({ person }: Known): boolean => person.nodes.some((node) => optOuts.nodes.has(node))
    const out = all.filter(isOut)
    takeBack(cells, accounts, out)
    const [people, unscored] = [
      peopleOf(
        accounts,
        all.filter((one) => !isOut(one)),
      ),
      peopleOf(accounts, out),
    ]
    for (const account of accounts) {
      await breathe()
      const present = people.get(account.id) ?? []
      const firstUse = Math.min(...present.map((person) => person.first))
      const uses = features.map((feature) => ({
        feature,
        firstDay: Math.min(...present.map((person) => person.features.get(feature.id) ?? Infinity)),
      }))
      const usage = usageBetween(cells.get(accountSubject(account.account_id)) ?? new Map(), first, last)
      for (const [day, into] of snapshots) {
        const known = facts(account, firstUse, day)
        if (known === undefined) continue
        const own = withoutSeats(known, (unscored.get(account.id) ?? []).filter((one) => one.first <= day).length)
        const { activity, ofFeature } = usage(day)
        const told = {
          activity: { ...activity, lastDay: lastDayOf(present, day) },
          champion: championOf(presences(present, day), day),
          features: uses.map(({ feature, firstDay }) => ({
            feature: feature.name,
            isCore: feature.is_core,
            isEntitled: feature.plans === null || feature.plans.includes(account.plan),
            ...ofFeature(feature.id),
            firstDay: firstDay <= day ? firstDay : undefined,
          })),
        }
        into.push(assemble(own, told, day))
      }
    }
  }
  return snapshots
}

/** Days that are read together, and snapshots held at a time. */
const MOST_DAYS = 28
const MOST_SNAPSHOTS = 4_000

/** Days in stretches that are read together. */
export async function runsOf(reader: Reader, days: readonly number[]): Promise<number[][]> {
  const { accounts } = await reader
    .selectFrom('account')
    .select(({ fn }) => fn.countAll<number>().as('accounts'))
    .executeTakeFirstOrThrow()
  const length = Math.max(1, Math.min(MOST_DAYS, Math.floor(MOST_SNAPSHOTS / accounts)))
  return Array.from({ length: Math.ceil(days.length / length) }, (_, i) => days.slice(i * length, (i + 1) * length))
}

async function allAccountIds(reader: Reader): Promise<string[]> {
  const rows = await reader.selectFrom('account').select('account_id').orderBy('account_id').execute()
  return rows.map(({ account_id }) => account_id)
}

/** Features are looked at over this month and the one before. */
const WINDOW_DAYS = 28

type Counts = Pick<FeatureUse, 'uses28' | 'users28' | 'uses28Before'>

/** What an account's cells tell at the end of each day from `first` to `last`. */
function usageBetween(cells: Cells, first: number, last: number) {
  const from = first - HISTORY_DAYS + 1
  const active = (width: number) => rangesBetween(cells, ANY, series.window(width), from, last)
  const events = (feature: number) => daysBetween(cells, feature, series.events, from, last)
  const [users, users7, users28, users84] = [active(1), active(7), active(28), active(84)]
  const [any, apiCalls, apiErrors] = [events(ANY), events(API_CALLS), events(API_ERRORS)]
  const usesFrom = first - 2 * WINDOW_DAYS + 1
  const used = new Map(
    [...featuresIn(cells)].map((id) => {
      const uses = sumsOf(daysBetween(cells, id, series.events, usesFrom, last))
      return [id, { uses, users: rangesBetween(cells, id, series.window(WINDOW_DAYS), first, last) }]
    }),
  )
  return (
    day: number,
  ): { readonly activity: Omit<AccountUsage['activity'], 'lastDay'>; ofFeature(feature: number): Counts } => {
    const at = day - from
    const history = (values: Float64Array) => values.slice(at - HISTORY_DAYS + 1, at + 1)
    return {
      activity: {
        users: Uint32Array.from(history(users)),
        events: history(any),
        apiCalls: history(apiCalls),
        apiErrors: history(apiErrors),
        users7: users7[at] ?? 0,
        users28: users28[at] ?? 0,
        users84: users84[at] ?? 0,
        users28Before: users28[at - WINDOW_DAYS] ?? 0,
      },
      ofFeature(feature) {
        const own = used.get(feature)
        if (own === undefined) return NO_USE
        const upTo = (upToDay: number) => own.uses[upToDay - usesFrom] ?? 0
        const [now, before, longBefore] = [day, day - WINDOW_DAYS, day - 2 * WINDOW_DAYS].map(upTo) as Sums
        return { uses28: now - before, users28: own.users[day - first] ?? 0, uses28Before: before - longBefore }
      },
    }
  }
}

type Sums = [now: number, before: number, longBefore: number]

const NO_USE: Counts = { uses28: 0, users28: 0, uses28Before: 0 }

/** Of each value and all before it. */
function sumsOf(values: Float64Array): Float64Array {
  let sum = 0
  return values.map((value) => {
    sum += value
    return sum
  })
}

type Present = {
  readonly key: string
  readonly isNobody: boolean
  readonly first: number
  readonly days: readonly number[]
  /** First day by feature. */
  readonly features: ReadonlyMap<number, number>
}

type Known = { readonly key: string; readonly person: Person }

/** Figures of accounts as they would be without these persons. */
function takeBack(cells: Map<string, Cells>, accounts: readonly Account[], persons: readonly Known[]): void {
  const subjects = new Map(accounts.map(({ id, account_id }) => [id, [accountSubject(account_id)]]))
  for (const { person } of persons) tell(person, (account) => subjects.get(account) ?? [], cells, -1)
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

function peopleOf(accounts: readonly Account[], persons: readonly Known[]): Map<number, Present[]> {
  const people = new Map<number, Present[]>(accounts.map(({ id }) => [id, []]))
  for (const { key, person } of persons) {
    for (const [account, use] of daysByAccount(person)) {
      people.get(account)?.push({ key, isNobody: person.isNobody, ...use })
    }
  }
  return people
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

/** Facts by account and day; undefined for an account that had not begun. */
async function factsOf(reader: Reader, accounts: readonly Account[], { users }: OptOuts) {
  const ids = accounts.map(({ account_id }) => account_id)
  const [tickets, invoices, subscriptions, answers] = await Promise.all([
    reader.selectFrom('ticket_state').selectAll().where('account_id', 'in', ids).orderBy('updated_at').execute(),
    reader.selectFrom('invoice_state').selectAll().where('account_id', 'in', ids).orderBy('updated_at').execute(),
    reader
      .selectFrom('subscription_state')
      .selectAll()
      .where('account_id', 'in', ids)
      .orderBy('updated_at')
      .orderBy('source')
      .orderBy('subscription_id')
      .execute(),
    reader.selectFrom('nps_answer').selectAll().where('account_id', 'in', ids).execute(),
  ])
  const scored = ({ user_id }: { readonly user_id: string }): boolean => !users.has(user_id)
  const ticketsBy = statesBy(tickets.filter(scored), ({ ticket_id }) => ticket_id)
  const invoicesBy = statesBy(invoices, ({ invoice_id }) => invoice_id)
  const subscriptionsBy = Map.groupBy(subscriptions, ({ account_id }) => account_id)
  const answersBy = Map.groupBy(answers.filter(scored), ({ account_id }) => account_id)
  return (account: Account, firstUse: number, day: number): AccountFacts | undefined => {
    const id = account.account_id
    const end = new Date(startOf(day + 1))
    const states = subscriptionsBy.get(id) ?? []
    const contract = stateAt(states, end)
    const startedDay = contract === undefined ? firstUse : dayOf(contract.started_at.getTime())
    if (!(startedDay <= day)) return undefined
    return {
      accountId: id,
      name: account.name,
      segment: account.segment,
      plan: account.plan,
      seats: contract?.seats ?? 0,
      mrrMinor: contract?.mrr_minor ?? 0,
      currency: contract?.currency ?? '',
      startedDay,
      tickets: statesAt(ticketsBy.get(id), end).map((row) => ({
        openedDay: dayOf(row.opened_at.getTime()),
        resolvedDay: dayOrNone(row.resolved_at),
        severity: row.severity,
        reopened: row.reopened,
        csat: row.csat ?? undefined,
      })),
      invoices: statesAt(invoicesBy.get(id), end).map((row) => ({
        dueDay: dayOf(row.due_at.getTime()),
        paidDay: dayOrNone(row.paid_at),
        status: row.status,
        amountMinor: row.amount_minor,
      })),
      nps: (answersBy.get(id) ?? []).map((row) => ({
        userId: row.user_id,
        day: dayOf(row.answered_at.getTime()),
        score: row.score,
      })),
      subscription: contract && {
        status: contract.status,
        seatsBefore: seatsBefore(states.filter(({ updated_at }) => updated_at < end)),
        renewsDay: dayOrNone(contract.renews_at),
        cancelledDay: dayOrNone(contract.cancelled_at),
      },
    }
  }
}

type State = { readonly account_id: string; readonly source: string; readonly updated_at: Date }

/** The states of each thing, by account; oldest first if the rows are. */
function statesBy<Row extends State>(rows: readonly Row[], idOf: (row: Row) => string): Map<string, Row[][]> {
  const things = Map.groupBy(rows, (row) => JSON.stringify([row.account_id, row.source, idOf(row)]))
  return Map.groupBy(things.values(), (states) => states[0]?.account_id ?? '')
}

const statesAt = <Row extends State>(things: readonly Row[][] | undefined, end: Date): Row[] =>
  (things ?? []).flatMap((states) => stateAt(states, end) ?? [])

/** The newest state known before `end`; of what was told later the oldest, which assembling cuts back to then. */
const stateAt = <Row extends State>(states: readonly Row[], end: Date): Row | undefined =>
  states.findLast(({ updated_at }) => updated_at < end) ?? states[0]

const dayOrNone = (at: Date | null): number | undefined => (at === null ? undefined : dayOf(at.getTime()))

/** Seats as the running term began: in the first state that has the renewal of the last one. */
function seatsBefore(states: readonly Selectable<UsageTables['subscription_state']>[]): number {
  const renewal = states.at(-1)?.renews_at?.getTime()
  return states.find(({ renews_at }) => renews_at?.getTime() === renewal)?.seats ?? 0
}
