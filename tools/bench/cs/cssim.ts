/**
 * The simulated product log `customer-success/cs-sim`, counted plainly: what snapshots made from tables must equal.
 * Days are the recording's own, from 0.
 */

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { type AccountFacts, type AccountUsage, assemble } from '../../../services/customer-success/domain/assemble.ts'
import { championOf, PACE_DAYS, type Presence } from '../../../services/customer-success/domain/health/champion.ts'
import {
  type AccountSnapshot,
  HISTORY_DAYS,
  type InvoiceState,
  type TicketState,
} from '../../../services/customer-success/domain/snapshot.ts'
import { isApiCall } from '../../../services/customer-success/domain/usage-kind.ts'
import { csvRows } from '../detect/csv.ts'

export type CssimOutcome = {
  readonly accountId: string
  /** Undefined when the account stayed. */
  readonly cancelDay: number | undefined
  /** Planted cause of the risk episode. */
  readonly cause: string
  readonly riskOnsetDay: number | undefined
  readonly recovered: boolean
}

export type CssimAction = {
  readonly accountId: string
  readonly day: number
  readonly trigger: string
  readonly arm: 'treated' | 'holdout'
}

export type Cssim = {
  readonly lastDay: number
  /** Facts of every account, whenever they happened. */
  readonly accounts: readonly AccountFacts[]
  /** One row an episode; an account may have several. */
  readonly outcomes: readonly CssimOutcome[]
  readonly actions: readonly CssimAction[]
  /** Accounts whose contract runs at the end of `day`, in the order of the file. */
  snapshotsAt(day: number): AccountSnapshot[]
}

export const cssimFolder = (data: string): string => join(data, 'customer-success', 'cs-sim')

/** Reads the recording once, a few seconds; undefined when it is not there. */
export function loadCssim(data: string): Cssim | undefined {
  const folder = cssimFolder(data)
  if (!existsSync(join(folder, 'events.csv.gz'))) return undefined
  const file = (name: string): string[][] => [...csvRows(join(folder, `${name}.csv.gz`))]
  const outcomes = file('outcomes').map(([accountId = '', cancel = '', cause = '', onset = '', recovered]) => ({
    accountId,
    cancelDay: dayOrNone(cancel),
    cause,
    riskOnsetDay: dayOrNone(onset),
    recovered: recovered === '1',
  }))
  const actions = file('actions').map(([accountId = '', day, trigger = '', arm]) => ({
    accountId,
    day: Number(day),
    trigger,
    arm: arm === 'holdout' ? ('holdout' as const) : ('treated' as const),
  }))
  const accounts = accountFacts(file, outcomes)
  const events = readEvents(join(folder, 'events.csv.gz'))
  return {
    lastDay: events.lastDay,
    accounts,
    outcomes,
    actions,
    snapshotsAt: (day) =>
      accounts
        .filter(({ startedDay, subscription }) => startedDay <= day && (subscription?.cancelledDay ?? Infinity) > day)
        .map((facts) => assemble(facts, usageAt(events, facts.accountId, day), day)),
  }
}

const dayOrNone = (text: string): number | undefined => (text === '' ? undefined : Number(text))

function accountFacts(file: (name: string) => string[][], outcomes: readonly CssimOutcome[]): AccountFacts[] {
  const cancelled = new Map(outcomes.map(({ accountId, cancelDay }) => [accountId, cancelDay] as const))
  for (const { accountId, cancelDay } of outcomes) if (cancelDay !== undefined) cancelled.set(accountId, cancelDay)
  const tickets = Map.groupBy(file('tickets'), ([, account = '']) => account)
  const invoices = Map.groupBy(file('invoices'), ([, account = '']) => account)
  const nps = Map.groupBy(file('nps'), ([account = '']) => account)
  return file('accounts').map(([accountId = '', segment = '', seats, mrr, startedDay]) => {
    const cancelledDay = cancelled.get(accountId)
    return {
      accountId,
      name: '',
      segment,
      plan: '',
      seats: Number(seats),
      mrrMinor: minor(mrr),
      currency: 'USD',
      startedDay: Number(startedDay),
      tickets: (tickets.get(accountId) ?? []).map(ticketOf),
      invoices: (invoices.get(accountId) ?? []).map(invoiceOf),
      nps: (nps.get(accountId) ?? []).map(([, userId = '', day, score]) => ({
        userId,
        day: Number(day),
        score: Number(score),
      })),
      subscription: {
        status: cancelledDay === undefined ? 'active' : 'cancelled',
        seatsBefore: Number(seats),
        renewsDay: undefined,
        cancelledDay,
      },
    }
  })
}

const minor = (amount: string | undefined): number => Math.round(Number(amount) * 100)

function ticketOf([, , opened, severity, resolved = '', csat = '']: readonly string[]): TicketState {
  return {
    openedDay: Number(opened),
    resolvedDay: dayOrNone(resolved),
    severity: severity as TicketState['severity'],
    reopened: 0,
    csat: csat === '' ? undefined : Number(csat),
  }
}

function invoiceOf([, , due, amount, status, paid = '']: readonly string[]): InvoiceState {
  return {
    dueDay: Number(due),
    paidDay: dayOrNone(paid),
    status: status as InvoiceState['status'],
    amountMinor: minor(amount),
  }
}

/** Events of an account as columns, ordered by day. */
type AccountEvents = {
  readonly day: Uint16Array
  readonly user: Uint16Array
  readonly feature: Uint8Array
  readonly users: number
  /** Day of the first use by feature; absent = never. */
  readonly firstDays: ReadonlyMap<number, number>
}

type Events = {
  readonly features: readonly string[]
  readonly byAccount: ReadonlyMap<string, AccountEvents>
  readonly lastDay: number
}

/** Day, user and feature of an event in one number that sorts by day. */
const packed = (day: number, user: number, feature: number): number => (day * 65_536 + user) * 256 + feature

/** 1.5 M lines: read without an array for each. */
function readEvents(path: string): Events {
  const text = gunzipSync(readFileSync(path)).toString('latin1')
  const features = new Map<string, number>()
  const columns = new Map<string, { readonly rows: number[]; readonly users: Map<string, number> }>()
  let lastDay = 0
  for (let at = text.indexOf('\n') + 1; at < text.length; ) {
    // message_id,day,second,account_id,user_id,event
    const dayAt = text.indexOf(',', at) + 1
    const secondAt = text.indexOf(',', dayAt) + 1
    const accountAt = text.indexOf(',', secondAt) + 1
    const userAt = text.indexOf(',', accountAt) + 1
    const nameAt = text.indexOf(',', userAt) + 1
    const newline = text.indexOf('\n', nameAt)
    const end = newline < 0 ? text.length : newline
    const account = text.slice(accountAt, userAt - 1)
    let column = columns.get(account)
    if (column === undefined) {
      column = { rows: [], users: new Map() }
      columns.set(account, column)
    }
    const day = Number(text.slice(dayAt, secondAt - 1))
    if (day > lastDay) lastDay = day
    const user = numberOf(column.users, text.slice(userAt, nameAt - 1))
    column.rows.push(packed(day, user, numberOf(features, text.slice(nameAt, end).trimEnd())))
    at = end + 1
  }
  const byAccount = new Map([...columns].map(([account, { rows, users }]) => [account, eventsOf(rows, users.size)]))
  return { features: [...features.keys()], byAccount, lastDay }
}

function numberOf(numbers: Map<string, number>, key: string): number {
  const number = numbers.get(key) ?? numbers.size
  if (number === numbers.size) numbers.set(key, number)
  return number
}

function eventsOf(rows: readonly number[], users: number): AccountEvents {
  const sorted = Float64Array.from(rows).sort()
  const day = Uint16Array.from(sorted, (row) => Math.floor(row / 16_777_216))
  const feature = Uint8Array.from(sorted, (row) => row % 256)
  const firstDays = new Map<number, number>()
  feature.forEach((number, i) => {
    if (!firstDays.has(number)) firstDays.set(number, day[i] ?? 0)
  })
  return { day, user: Uint16Array.from(sorted, (row) => Math.floor(row / 256) % 65_536), feature, users, firstDays }
}

const NO_EVENTS = eventsOf([], 0)

function usageAt({ features, byAccount }: Events, accountId: string, day: number): AccountUsage {
  const events = byAccount.get(accountId) ?? NO_EVENTS
  const [from, to] = [firstRow(events.day, day - HISTORY_DAYS + 1), firstRow(events.day, day + 1)]
  const activity = {
    users: new Uint32Array(HISTORY_DAYS),
    events: new Float64Array(HISTORY_DAYS),
    apiCalls: new Float64Array(HISTORY_DAYS),
    apiErrors: new Float64Array(HISTORY_DAYS),
  }
  const isApi = features.map(isApiCall)
  let seen = -1
  for (let row = from; row < to; row++) {
    const index = (events.day[row] ?? 0) - (day - HISTORY_DAYS + 1)
    const user = index * 65_536 + (events.user[row] ?? 0)
    activity.events[index] = (activity.events[index] ?? 0) + 1
    if (isApi[events.feature[row] ?? 0]) activity.apiCalls[index] = (activity.apiCalls[index] ?? 0) + 1
    if (user !== seen) activity.users[index] = (activity.users[index] ?? 0) + 1
    seen = user
  }
  const within = (firstDay: number, lastDay: number): Window => windowOf(events, features.length, firstDay, lastDay)
  const [last28, before28] = [within(day - 27, day), within(day - 55, day - 28)]
  return {
    activity: {
      ...activity,
      users7: within(day - 6, day).users,
      users28: last28.users,
      users84: within(day - 83, day).users,
      users28Before: before28.users,
      lastDay: to === 0 ? undefined : events.day[to - 1],
    },
    champion: championOf(peopleOf(events, from, to), day),
    features: features.map((feature, number) => {
      const firstDay = events.firstDays.get(number)
      return {
        feature,
        isCore: true,
        isEntitled: true,
        uses28: last28.uses[number] ?? 0,
        users28: last28.usersOf[number] ?? 0,
        uses28Before: before28.uses[number] ?? 0,
        firstDay: firstDay !== undefined && firstDay <= day ? firstDay : undefined,
      }
    }),
  }
}

/** Who came on the days of these rows, and how often. */
function peopleOf(events: AccountEvents, from: number, to: number): Presence[] {
  const days = new Map<number, number[]>()
  for (let row = from; row < to; row++) {
    const [day, user] = [events.day[row] ?? 0, events.user[row] ?? 0]
    const own = days.get(user) ?? []
    if (own.length === 0) days.set(user, own)
    if (own.at(-1) !== day) own.push(day)
  }
  return [...days].map(([user, active]) => {
    const lastDay = active.at(-1) ?? 0
    const activeDays = active.filter((day) => day > lastDay - PACE_DAYS).length
    return { userId: String(user), firstDay: active[0] ?? 0, lastDay, activeDays }
  })
}

type Window = { readonly users: number; readonly uses: Float64Array; readonly usersOf: Uint32Array }

/** Distinct users, and uses and users by feature, between two days. */
function windowOf(events: AccountEvents, features: number, firstDay: number, lastDay: number): Window {
  const uses = new Float64Array(features)
  const usersOf = new Uint32Array(features)
  const seen = new Uint8Array(events.users * features)
  const seenUser = new Uint8Array(events.users)
  let users = 0
  for (let row = firstRow(events.day, firstDay), to = firstRow(events.day, lastDay + 1); row < to; row++) {
    const [user, feature] = [events.user[row] ?? 0, events.feature[row] ?? 0]
    uses[feature] = (uses[feature] ?? 0) + 1
    if (seenUser[user] === 0) users++
    seenUser[user] = 1
    const cell = user * features + feature
    if (seen[cell] === 0) usersOf[feature] = (usersOf[feature] ?? 0) + 1
    seen[cell] = 1
  }
  return { users, uses, usersOf }
}

/** The first row of `day` or later. */
function firstRow(days: Uint16Array, day: number): number {
  let [low, high] = [0, days.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((days[middle] ?? 0) < day) low = middle + 1
    else high = middle
  }
  return low
}
