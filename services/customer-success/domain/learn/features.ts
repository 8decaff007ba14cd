/**
 * What the learned model sees of an account. Ratios against the account's own past stand beside levels, because small
 * and large accounts slip away alike; whatever is not known is NaN, never a guess. A contract's end or cancellation is not
 * among them: the model would only learn to read the outcome (customer-success.md section 8). A feature whose effect has a
 * known direction keeps it, so that no driver claims that failed payments make an account safer.
 */

import {
  type AccountSnapshot,
  type FeatureUse,
  HISTORY_DAYS,
  type InvoiceState,
  type TicketState,
} from '../snapshot.ts'
import type { Direction } from './boost.ts'

type Feature = { readonly direction: Direction; readonly of: (snapshot: AccountSnapshot) => number }

/** More of it may only raise the risk, may only lower it, or either. */
const raises = (of: Feature['of']): Feature => ({ direction: 1, of })
const lowers = (of: Feature['of']): Feature => ({ direction: -1, of })
const either = (of: Feature['of']): Feature => ({ direction: 0, of })

const FEATURES: Readonly<Record<string, Feature>> = {
  ageDays: either(({ day, startedDay }) => day - startedDay),
  seats: either(({ seats }) => known(seats)),
  mrrPerSeat: either(({ mrrMinor, seats }) => known(mrrMinor) / known(seats)),
  seatsKept: lowers(({ seats, subscription }) => known(seats) / known(subscription?.seatsBefore ?? 0)),

  silentDays: raises(({ day, activity }) => (activity.lastDay === undefined ? Number.NaN : day - activity.lastDay)),
  activeDays28: lowers(activeDays28),
  usersPerDay28: lowers((s) => perDay(s, s.activity.users, 0, 28)),
  seatsActive28: lowers(({ activity, seats }) => activity.users28 / known(seats)),
  usersTrend14: lowers((s) => trend(s, s.activity.users, 14, 28)),
  usersTrend28: lowers((s) => trend(s, s.activity.users, 28, 56)),
  usersTrendQuarter: lowers(quarterTrend),
  eventsTrend7: lowers((s) => trend(s, s.activity.events, 7, 28)),
  eventsTrend14: lowers((s) => trend(s, s.activity.events, 14, 56)),
  peopleTrend28: lowers(({ activity }) => Math.log((activity.users28 + 1) / (activity.users28Before + 1))),
  fallStrength: raises((s) => fall(s).strength),
  fallDays: either((s) => fall(s).days),
  missedDays: raises(({ champion }) => champion?.missedDays ?? Number.NaN),
  apiErrors28: raises((s) => perDay(s, s.activity.apiErrors, 0, 28) / known(perDay(s, s.activity.apiCalls, 0, 28))),

  coreBreadth56: lowers(({ features }) => share(features, ({ uses28, uses28Before }) => uses28 + uses28Before > 0)),
  coreEver: lowers(({ features }) => share(features, ({ firstDay }) => firstDay !== undefined)),

  tickets28: raises((s) => opened(s, 28).length),
  severe14: raises((s) => opened(s, 14).filter(isSevere).length),
  severe56: raises((s) => opened(s, 56).filter(isSevere).length),
  openTickets: raises(({ tickets }) => tickets.filter(isOpen).length),
  oldestOpenDays: raises(({ tickets, day }) => most(tickets.filter(isOpen).map(({ openedDay }) => day - openedDay))),
  csat84: lowers((s) => mean(opened(s, 84).flatMap(({ csat }) => (csat === undefined ? [] : [csat])))),
  reopened84: raises((s) => opened(s, 84).reduce((sum, { reopened }) => sum + reopened, 0)),

  failed28: raises((s) => s.invoices.filter((invoice) => isFailed(invoice) && isDue(s, invoice, 28)).length),
  overdueDays: raises(({ invoices, day }) => most(invoices.filter(isOwed).map(({ dueDay }) => day - dueDay))),
  daysSinceFailed: lowers(({ invoices, day }) =>
    invoices.filter(isFailed).reduce((least, { dueDay }) => Math.min(least, day - dueDay), HISTORY_DAYS),
  ),

  nps: lowers(({ nps }) => mean(nps.map(({ score }) => score))),
  worstNps: lowers(({ nps }) => (nps.length === 0 ? Number.NaN : Math.min(...nps.map(({ score }) => score)))),
}

export const FEATURE_NAMES: readonly string[] = Object.keys(FEATURES)

export const FEATURE_DIRECTIONS: readonly Direction[] = Object.values(FEATURES).map(({ direction }) => direction)

/** The simple rule a model has to beat: fewer users than before. */
export const RULE = { feature: 'usersTrend14', sign: -1 } as const

const COMPUTE = Object.values(FEATURES).map(({ of }) => of)

/** In the order of `FEATURE_NAMES`. */
export function featuresOf(snapshot: AccountSnapshot): Float64Array {
  return Float64Array.from(COMPUTE, (of) => of(snapshot))
}

/** 0 stands for "not known" in a snapshot's counts of seats and money. */
const known = (value: number): number => (value === 0 ? Number.NaN : value)

const mean = (values: readonly number[]): number =>
  values.length === 0 ? Number.NaN : values.reduce((sum, x) => sum + x, 0) / values.length

/** 0 of none: what does not wait has waited for no time. */
const most = (values: readonly number[]): number => values.reduce((high, x) => Math.max(high, x), 0)

/** Mean a day over `days` days that end `back` days ago; days before the account began do not count. */
function perDay({ day, startedDay }: AccountSnapshot, series: ArrayLike<number>, back: number, days: number): number {
  const counted = Math.min(days, day - back - startedDay + 1)
  if (counted < 7) return Number.NaN
  let sum = 0
  for (let i = HISTORY_DAYS - back - days; i < HISTORY_DAYS - back; i++) sum += series[i] ?? 0
  return sum / counted
}

/** Log of the mean of the last days over that of the days before them. Whole weeks, so weekdays cancel out. */
function trend(snapshot: AccountSnapshot, series: ArrayLike<number>, last: number, before: number): number {
  // A tenth of a user or event a day keeps silence finite without hiding it.
  return Math.log((perDay(snapshot, series, 0, last) + 0.1) / (perDay(snapshot, series, last, before) + 0.1))
}

function activeDays28({ activity }: AccountSnapshot): number {
  return activity.users.subarray(HISTORY_DAYS - 28).reduce((days, users) => days + (users > 0 ? 1 : 0), 0)
}

/** The last four weeks beside those a quarter earlier: slow slides that shorter trends follow down. */
function quarterTrend(s: AccountSnapshot): number {
  return Math.log((perDay(s, s.activity.users, 0, 28) + 0.1) / (perDay(s, s.activity.users, 84, 28) + 0.1))
}

const FALL_DAYS = 56
const LEAST_FALL_DAYS = 7

/**
 * The most telling fall of daily users within eight weeks: the day at which two Poisson rates explain the past better than
 * one by the most, twice the log likelihood ratio, and how long ago it was. Negative strength: the level rose instead.
 */
function fall({ day, startedDay, activity }: AccountSnapshot): { strength: number; days: number } {
  const first = Math.max(0, HISTORY_DAYS - 1 - (day - startedDay))
  const all = activity.users.subarray(first)
  const total = all.reduce((sum, n) => sum + n, 0)
  let best = { strength: 0, days: 0 }
  let after = 0
  for (let days = 1; days <= FALL_DAYS && days <= all.length - LEAST_FALL_DAYS; days++) {
    after += all[all.length - days] ?? 0
    if (days < LEAST_FALL_DAYS) continue
    const before = total - after
    const [rate, rateAfter, rateBefore] = [total / all.length, after / days, before / (all.length - days)]
    const ratio = 2 * (timesLog(after, rateAfter / rate) + timesLog(before, rateBefore / rate))
    if (ratio > Math.abs(best.strength)) best = { strength: rateAfter < rateBefore ? ratio : -ratio, days }
  }
  return best
}

/** x log y, 0 where x is. */
const timesLog = (x: number, y: number): number => (x === 0 ? 0 : x * Math.log(y))

/** Share of the core features the plan includes. */
function share(features: readonly FeatureUse[], picks: (feature: FeatureUse) => boolean): number {
  const core = features.filter(({ isCore, isEntitled }) => isCore && isEntitled)
  return core.filter(picks).length / known(core.length)
}

const opened = ({ tickets, day }: AccountSnapshot, days: number): TicketState[] =>
  tickets.filter(({ openedDay }) => openedDay > day - days)

const isOpen = ({ resolvedDay }: TicketState): boolean => resolvedDay === undefined
const isSevere = ({ severity }: TicketState): boolean => severity === 'high' || severity === 'urgent'

const isDue = ({ day }: AccountSnapshot, { dueDay }: InvoiceState, days: number): boolean =>
  dueDay > day - days && dueDay <= day

const isFailed = ({ status }: InvoiceState): boolean => status === 'failed' || status === 'final_failed'
const isOwed = (invoice: InvoiceState): boolean => isFailed(invoice) || invoice.status === 'open'
