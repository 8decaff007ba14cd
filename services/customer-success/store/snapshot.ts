/** What is known of accounts at the end of a day, from tables: a handful of queries whatever the number of accounts. */

import type { ReaderDatabase } from '@plimsoll/kit/db/database.ts'
import { type Selectable, sql } from 'kysely'
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
  rangesBetween,
  series,
  valueAt,
} from '../domain/usage-cells.ts'
import { accountSubject, daysByAccount } from '../domain/usage-person.ts'
import { readCells } from './cells.ts'
import { personsOfAccounts } from './identity.ts'
import type { AccountTable, UsageTables } from './usage-tables.ts'

type Reader = ReaderDatabase<UsageTables>
type Account = Selectable<AccountTable>

/** Accounts read at a time: bounds the memory they take, and how long nothing else gets a turn. */
const ACCOUNTS_AT_ONCE = 100

/** Of all accounts, or of those named, in the order of their ids. Accounts that began later are left out. */
export async function loadSnapshots(
  reader: Reader,
  day: number,
  accountIds?: readonly string[],
): Promise<AccountSnapshot[]> {
  const features = await reader.selectFrom('feature').selectAll().orderBy('id').execute()
  const snapshots: AccountSnapshot[] = []
  const ids = accountIds ?? (await allAccountIds(reader))
  for (let from = 0; from < ids.length; from += ACCOUNTS_AT_ONCE) {
    const some = ids.slice(from, from + ACCOUNTS_AT_ONCE)
    const accounts = await reader
      .selectFrom('account')
      .selectAll()
      .where('account_id', 'in', some)
      .orderBy('account_id')
      .execute()
    if (accounts.length === 0) continue
    const [facts, cells, people] = await Promise.all([
      factsOf(reader, accounts, day),
      readCells(reader, some.map(accountSubject), day - HISTORY_DAYS + 1, day),
      peopleOf(reader, accounts),
    ])
    for (const account of accounts) {
      const present = people.get(account.id) ?? []
      const firstDay = Math.min(...present.flatMap(({ first }) => first))
      const own = facts(account, firstDay)
      if (own === undefined) continue
      const usage = usageOf(cells.get(accountSubject(account.account_id)) ?? new Map(), day)
      const uses = features.map((feature) => ({
        feature,
        firstDay: Math.min(...present.map(({ features: firsts }) => firsts.get(feature.id) ?? Infinity)),
      }))
      snapshots.push(
        assemble(
          own,
          {
            activity: { ...usage.activity, lastDay: lastDayOf(present, day) },
            champion: championOf(presences(present, day), day),
            features: uses.map(({ feature, firstDay: first }) => ({
              feature: feature.name,
              isCore: feature.is_core,
              isEntitled: feature.plans === null || feature.plans.includes(account.plan),
              ...usage.ofFeature(feature.id),
              firstDay: first <= day ? first : undefined,
            })),
          },
          day,
        ),
      )
    }
  }
  return snapshots
}

async function allAccountIds(reader: Reader): Promise<string[]> {
  const rows = await reader.selectFrom('account').select('account_id').orderBy('account_id').execute()
  return rows.map(({ account_id }) => account_id)
}

type Counts = Pick<FeatureUse, 'uses28' | 'users28' | 'uses28Before'>

function usageOf(
  cells: Cells,
  day: number,
): { readonly activity: Omit<AccountUsage['activity'], 'lastDay'>; ofFeature(feature: number): Counts } {
  const from = day - HISTORY_DAYS + 1
  const active = (width: number, feature: number, at: number): number =>
    rangesBetween(cells, feature, series.window(width), at, at)[0] ?? 0
  const events = (feature: number, firstDay: number, lastDay: number): number => {
    let sum = 0
    for (let at = firstDay; at <= lastDay; at++) sum += valueAt(cells, feature, series.events, at)
    return sum
  }
  return {
    activity: {
      users: Uint32Array.from(rangesBetween(cells, ANY, series.window(1), from, day)),
      events: daysBetween(cells, ANY, series.events, from, day),
      apiCalls: daysBetween(cells, API_CALLS, series.events, from, day),
      apiErrors: daysBetween(cells, API_ERRORS, series.events, from, day),
      users7: active(7, ANY, day),
      users28: active(28, ANY, day),
      users84: active(84, ANY, day),
      users28Before: active(28, ANY, day - 28),
    },
    ofFeature: (feature) => ({
      uses28: events(feature, day - 27, day),
      users28: active(28, feature, day),
      uses28Before: events(feature, day - 55, day - 28),
    }),
  }
}

type Present = {
  readonly key: string
  readonly isNobody: boolean
  readonly first: number
  readonly days: readonly number[]
  /** First day by feature. */
  readonly features: ReadonlyMap<number, number>
}

async function peopleOf(reader: Reader, accounts: readonly Account[]): Promise<Map<number, Present[]>> {
  const people = new Map<number, Present[]>(accounts.map(({ id }) => [id, []]))
  for (const { key, person } of await personsOfAccounts(reader, [...people.keys()])) {
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

/** Facts by account; undefined for an account that had not begun. */
async function factsOf(reader: Reader, accounts: readonly Account[], day: number) {
  const ids = accounts.map(({ account_id }) => account_id)
  const end = new Date(startOf(day + 1))
  const known = <Row>(table: string, key: string) => sql<Row>`
    select distinct on (source, ${sql.ref(key)}) * from ${sql.table(table)}
    where account_id = any(${ids})
    -- The newest state known then; of what was told later the oldest, which assembling cuts back to then.
    order by source, ${sql.ref(key)}, updated_at >= ${end},
      case when updated_at < ${end} then -extract(epoch from updated_at) else extract(epoch from updated_at) end`
  const executor = reader as unknown as Parameters<ReturnType<typeof known>['execute']>[0]
  const [tickets, invoices, subscriptions, answers] = await Promise.all([
    known<Selectable<UsageTables['ticket_state']>>('ticket_state', 'ticket_id').execute(executor),
    known<Selectable<UsageTables['invoice_state']>>('invoice_state', 'invoice_id').execute(executor),
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
  const by = <Row extends { readonly account_id: string }>(rows: readonly Row[]): Map<string, Row[]> =>
    Map.groupBy(rows, ({ account_id }) => account_id)
  const [ticketsBy, invoicesBy, subscriptionsBy, answersBy] = [
    by(tickets.rows),
    by(invoices.rows),
    by(subscriptions),
    by(answers),
  ]
  return (account: Account, firstUse: number): AccountFacts | undefined => {
    const id = account.account_id
    const states = subscriptionsBy.get(id) ?? []
    const contract = states.findLast(({ updated_at }) => updated_at < end) ?? states[0]
    const startedDay = contract === undefined ? firstUse : dayOf(contract.started_at.getTime())
    if (!(startedDay <= day)) return undefined
    return {
      accountId: id,
      segment: account.segment,
      plan: account.plan,
      seats: contract?.seats ?? 0,
      mrrMinor: contract?.mrr_minor ?? 0,
      currency: contract?.currency ?? '',
      startedDay,
      tickets: (ticketsBy.get(id) ?? []).map((row) => ({
        openedDay: dayOf(row.opened_at.getTime()),
        resolvedDay: dayOrNone(row.resolved_at),
        severity: row.severity,
        reopened: row.reopened,
        csat: row.csat ?? undefined,
      })),
      invoices: (invoicesBy.get(id) ?? []).map((row) => ({
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

const dayOrNone = (at: Date | null): number | undefined => (at === null ? undefined : dayOf(at.getTime()))

/** Seats as the running term began: in the first state that has the renewal of the last one. */
function seatsBefore(states: readonly Selectable<UsageTables['subscription_state']>[]): number {
  const renewal = states.at(-1)?.renews_at?.getTime()
  return states.find(({ renews_at }) => renews_at?.getTime() === renewal)?.seats ?? 0
}
