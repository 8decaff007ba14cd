/**
 * What the learned model sees of an account. Ratios against the account's own past stand beside levels, because small
 * and large accounts slip away alike; whatever is not known is NaN, never a guess. A contract's end or cancellation is not
 * among them: the model would only learn to read the outcome (customer-success.md section 8).
 */

import {
  type AccountSnapshot,
  type FeatureUse,
  HISTORY_DAYS,
  type InvoiceState,
  type TicketState,
} from '../snapshot.ts'

type Feature = (snapshot: AccountSnapshot) => number

const FEATURES = {
  ageDays: ({ day, startedDay }) => day - startedDay,
  seats: ({ seats }) => known(seats),
  mrrPerSeat: ({ mrrMinor, seats }) => known(mrrMinor) / known(seats),
  seatsKept: ({ seats, subscription }) => known(seats) / known(subscription?.seatsBefore ?? 0),

  silentDays: ({ day, activity }) => (activity.lastDay === undefined ? Number.NaN : day - activity.lastDay),
  activeDays7: (s) => activeDays(s, 7),
  activeDays28: (s) => activeDays(s, 28),
  usersPerDay7: (s) => perDay(s, s.activity.users, 0, 7),
  usersPerDay28: (s) => perDay(s, s.activity.users, 0, 28),
  seatsActive7: ({ activity, seats }) => activity.users7 / known(seats),
  seatsActive28: ({ activity, seats }) => activity.users28 / known(seats),
  usersTrend7: (s) => trend(s, s.activity.users, 7, 28),
  usersTrend14: (s) => trend(s, s.activity.users, 14, 28),
  usersTrend28: (s) => trend(s, s.activity.users, 28, 56),
  eventsTrend7: (s) => trend(s, s.activity.events, 7, 28),
  eventsTrend14: (s) => trend(s, s.activity.events, 14, 56),
  eventsTrend28: (s) => trend(s, s.activity.events, 28, 56),
  peopleTrend28: ({ activity }) => Math.log((activity.users28 + 1) / (activity.users28Before + 1)),
  peopleLost84: ({ activity }) => activity.users28 / known(activity.users84),
  stickiness28: (s) => perDay(s, s.activity.users, 0, 28) / known(s.activity.users28),
  eventsPerUserDay28: (s) => perDay(s, s.activity.events, 0, 28) / known(perDay(s, s.activity.users, 0, 28)),
  usersTrendQuarter: (s) => quarterTrend(s),
  roughness28: (s) => roughness(s),
  fallStrength: (s) => fall(s).strength,
  fallDays: (s) => fall(s).days,
  missedDays: ({ champion }) => champion?.missedDays ?? Number.NaN,
  apiErrors28: (s) => perDay(s, s.activity.apiErrors, 0, 28) / known(perDay(s, s.activity.apiCalls, 0, 28)),

  coreBreadth56: ({ features }) => share(features, ({ uses28, uses28Before }) => uses28 + uses28Before > 0),
  coreBreadth28: ({ features }) => share(features, ({ uses28 }) => uses28 > 0),
  coreBreadthBefore: ({ features }) => share(features, ({ uses28Before }) => uses28Before > 0),
  coreEver: ({ features }) => share(features, ({ firstDay }) => firstDay !== undefined),
  newFeatures28: ({ features, day }) => features.filter(({ firstDay }) => (firstDay ?? -Infinity) > day - 28).length,

  tickets28: (s) => opened(s, 28).length,
  tickets84: (s) => opened(s, 84).length,
  severe14: (s) => opened(s, 14).filter(isSevere).length,
  severe28: (s) => opened(s, 28).filter(isSevere).length,
  severe56: (s) => opened(s, 56).filter(isSevere).length,
  openTickets: ({ tickets }) => tickets.filter(isOpen).length,
  oldestOpenDays: ({ tickets, day }) =>
    tickets.filter(isOpen).reduce((most, { openedDay }) => Math.max(most, day - openedDay), 0),
  resolutionDays84: (s) => mean(opened(s, 84).map(({ openedDay, resolvedDay }) => (resolvedDay ?? s.day) - openedDay)),
  csat84: (s) => mean(answers(opened(s, 84))),
  worstCsat84: (s) => least(answers(opened(s, 84))),
  reopened84: (s) => opened(s, 84).reduce((sum, { reopened }) => sum + reopened, 0),

  failed28: (s) => due(s, 28).filter(isFailed).length,
  failed84: (s) => due(s, 84).filter(isFailed).length,
  overdueDays: ({ invoices, day }) =>
    invoices.filter(isOwed).reduce((most, { dueDay }) => Math.max(most, day - dueDay), 0),
  lateDays84: (s) => mean(due(s, 84).map(({ dueDay, paidDay }) => (paidDay ?? s.day) - dueDay)),
  latestLateDays: (s) => mean(latest(due(s, 84)).map(({ dueDay, paidDay }) => (paidDay ?? s.day) - dueDay)),
  daysSinceFailed: ({ invoices, day }) =>
    invoices.filter(isFailed).reduce((least, { dueDay }) => Math.min(least, day - dueDay), HISTORY_DAYS),

  nps: ({ nps }) => mean(nps.map(({ score }) => score)),
  worstNps: ({ nps }) => least(nps.map(({ score }) => score)),
} as const satisfies Readonly<Record<string, Feature>>

export const FEATURE_NAMES: readonly string[] = Object.keys(FEATURES)

const COMPUTE: readonly Feature[] = Object.values(FEATURES)

/** In the order of `FEATURE_NAMES`. */
export function featuresOf(snapshot: AccountSnapshot): Float64Array {
  return Float64Array.from(COMPUTE, (feature) => feature(snapshot))
}

/** 0 stands for "not known" in a snapshot's counts of seats and money. */
const known = (value: number): number => (value === 0 ? Number.NaN : value)

const mean = (values: readonly number[]): number =>
  values.length === 0 ? Number.NaN : values.reduce((sum, x) => sum + x, 0) / values.length

const least = (values: readonly number[]): number => (values.length === 0 ? Number.NaN : Math.min(...values))

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

function activeDays({ activity }: AccountSnapshot, days: number): number {
  let count = 0
  for (let i = HISTORY_DAYS - days; i < HISTORY_DAYS; i++) if ((activity.users[i] ?? 0) > 0) count++
  return count
}

/** The last four weeks beside those a quarter earlier: slow slides that shorter trends follow down. */
function quarterTrend(s: AccountSnapshot): number {
  return Math.log((perDay(s, s.activity.users, 0, 28) + 0.1) / (perDay(s, s.activity.users, 84, 28) + 0.1))
}

/** Standard deviation over mean of the last four weeks' users. */
function roughness(s: AccountSnapshot): number {
  const weeks = [0, 7, 14, 21].map((back) => perDay(s, s.activity.users, back, 7))
  const level = mean(weeks)
  return Math.sqrt(mean(weeks.map((w) => (w - level) ** 2))) / (level + 0.1)
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

const answers = (tickets: readonly TicketState[]): number[] =>
  tickets.flatMap(({ csat }) => (csat === undefined ? [] : [csat]))

const isOpen = ({ resolvedDay }: TicketState): boolean => resolvedDay === undefined
const isSevere = ({ severity }: TicketState): boolean => severity === 'high' || severity === 'urgent'

const due = ({ invoices, day }: AccountSnapshot, days: number): InvoiceState[] =>
  invoices.filter(({ dueDay }) => dueDay > day - days && dueDay <= day)

/** The last of them, in a list because there may be none. */
const latest = (invoices: readonly InvoiceState[]): InvoiceState[] =>
  invoices.toSorted((a, b) => b.dueDay - a.dueDay).slice(0, 1)

const isFailed = ({ status }: InvoiceState): boolean => status === 'failed' || status === 'final_failed'
const isOwed = (invoice: InvoiceState): boolean => isFailed(invoice) || invoice.status === 'open'
