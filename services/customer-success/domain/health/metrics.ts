/** The metrics of the health score: which number, seen against what, and how a change of it is told. */

import type { AccountSnapshot } from '../snapshot.ts'
import { leftAlone } from './absence.ts'
import { type TrendOptions, trendOf } from './baseline.ts'
import { type Book, rankOf } from './book.ts'
import { coreFeatures, MEASURES, type Measure } from './measures.ts'

export const COMPONENTS = ['engagement', 'adoption', 'api', 'support', 'payment', 'sentiment'] as const
export type Component = (typeof COMPONENTS)[number]

/** What is known of one metric of an account. */
export type Reading = {
  /** What its curve takes: the number itself, its rank in the segment (0 to 1), or now over before. */
  readonly value: number
  /** What people are told, in the metric's unit. */
  readonly shown: number
  /** 0 to 1: how fresh and how much the data behind it is. */
  readonly confidence: number
  /** Share of a loss, 0 to 1, that is another metric's story: it costs the same points and is told in that line. */
  readonly toldAs?: { readonly metric: 'champion' | 'usage'; readonly share: number }
}

type Metric = {
  readonly component: Component
  readonly unit: string
  /** How a change is told; {before} and {after} are `shown` then and now. */
  readonly sentence: string
  /** Undefined when there is no data: the metric then has no part in the score. */
  readonly read: (snapshot: AccountSnapshot, book: Book) => Reading | undefined
}

/** The share of a full month of life a level needs behind it. */
const monthOf = ({ day, startedDay }: AccountSnapshot): number => Math.min(1, (day - startedDay + 1) / 28)
const ageOf = ({ day, startedDay }: AccountSnapshot): number => day - startedDay + 1
const percent = (share: number): number => Math.round(share * 100)

/** Half of an answer's worth is gone after 45 days: the half of the 90 days answers are kept for. */
const ANSWER_HALF_LIFE_DAYS = 45
const freshness = (ageDays: number): number => 2 ** (-ageDays / ANSWER_HALF_LIFE_DAYS)
/** n answers are worth n / (n + 2) of full confidence: one a third, two a half, six three quarters. */
const answers = (n: number): number => n / (n + 2)

/** User-days below which a change of people is mostly chance; an event is worth less the more a person makes. */
const PRIOR_USER_DAYS = 6
const PRIOR_CALLS = 10

const ofSegment =
  (measure: Measure, shownAs: (value: number) => number = (value) => value) =>
  (snapshot: AccountSnapshot, book: Book): Reading | undefined => {
    const value = MEASURES[measure](snapshot)
    if (value === undefined) return undefined
    return {
      value: rankOf(book, snapshot.segment, measure, value),
      shown: shownAs(value),
      confidence: monthOf(snapshot),
    }
  }

function ofOwn(
  snapshot: AccountSnapshot,
  book: Book,
  daily: ArrayLike<number>,
  options: Omit<TrendOptions, 'ageDays'>,
): Reading | undefined {
  const trend = trendOf(daily, book.season, { ...options, ageDays: ageOf(snapshot) })
  return trend && { value: trend.ratio, shown: trend.nowPerDay, confidence: trend.enough }
}

/** A trend of use by people, with the part of a fall that the most regular of them took along. */
function ofPeople(
  snapshot: AccountSnapshot,
  book: Book,
  daily: ArrayLike<number>,
  options: Omit<TrendOptions, 'ageDays'>,
): Reading | undefined {
  const reading = ofOwn(snapshot, book, daily, options)
  if (reading === undefined || reading.value >= 1) return reading
  return { ...reading, toldAs: { metric: 'champion', share: leftAlone(snapshot, book) } }
}

const WINDOW = 28
const recentTickets = ({ tickets, day }: AccountSnapshot) => tickets.filter(({ openedDay }) => openedDay > day - WINDOW)
const isSevere = ({ severity }: AccountSnapshot['tickets'][number]): boolean =>
  severity === 'high' || severity === 'urgent'

/** Tickets tell something, their absence included, where tickets are sent at all. */
const ofTickets =
  (count: (snapshot: AccountSnapshot) => number) =>
  (snapshot: AccountSnapshot, book: Book): Reading | undefined => {
    if (!book.hasTickets) return undefined
    const value = count(snapshot)
    return { value, shown: value, confidence: monthOf(snapshot) }
  }

/** An invoice is unpaid by what came later as well: failed attempts are forgotten once a later invoice is paid. */
function unpaid({ invoices }: AccountSnapshot) {
  const paid = Math.max(...invoices.map(({ dueDay, status }) => (status === 'paid' ? dueDay : -Infinity)))
  return invoices.filter(
    ({ dueDay, status }) => dueDay > paid && status !== 'paid' && status !== 'void' && status !== 'refunded',
  )
}

function ofInvoices(count: (snapshot: AccountSnapshot) => number) {
  return (snapshot: AccountSnapshot): Reading | undefined => {
    if (snapshot.invoices.length === 0) return undefined
    const value = count(snapshot)
    return { value, shown: value, confidence: 1 }
  }
}

export const METRICS = {
  active_seats: {
    component: 'engagement',
    unit: '%',
    sentence: 'active seats {before} % -> {after} % in 28 d',
    read: (snapshot) => {
      if (snapshot.seats === 0) return undefined
      const value = snapshot.activity.users28 / snapshot.seats
      return { value, shown: percent(value), confidence: monthOf(snapshot) }
    },
  },
  active_days: {
    component: 'engagement',
    unit: 'd',
    sentence: 'days with use {before} -> {after} of 28',
    read: ofSegment('activeDays'),
  },
  active_users: {
    component: 'engagement',
    unit: 'users/d',
    sentence: 'active users a day {before} -> {after} in 14 d',
    read: (snapshot, book) =>
      ofPeople(snapshot, book, snapshot.activity.users, { recentDays: 14, prior: PRIOR_USER_DAYS }),
  },
  usage: {
    component: 'engagement',
    unit: 'events/d',
    sentence: 'events a day {before} -> {after} in 7 d',
    read: (snapshot, book) => {
      const { users, events } = snapshot.activity
      const userDays = users.reduce((sum, n) => sum + n, 0)
      const perUserDay = userDays === 0 ? 1 : events.reduce((sum, n) => sum + n, 0) / userDays
      return ofPeople(snapshot, book, events, { recentDays: 7, prior: PRIOR_USER_DAYS * perUserDay })
    },
  },
  champion: {
    component: 'engagement',
    unit: 'd',
    sentence: 'visits missed of the most regular person {before} -> {after}',
    read: (snapshot, book) => {
      const missed = snapshot.champion?.missedDays
      if (missed === undefined) return undefined
      // Where all come less, even the most regular one does: a loss all the same, but of use, not of a person.
      const toldAs = { metric: 'usage', share: 1 - leftAlone(snapshot, book) } as const
      return { value: missed, shown: missed, confidence: monthOf(snapshot), toldAs }
    },
  },
  core_breadth: {
    component: 'adoption',
    unit: '%',
    sentence: 'core features in use {before} % -> {after} % in 56 d',
    read: (snapshot) => {
      const core = coreFeatures(snapshot)
      if (core === undefined) return undefined
      return { value: core.breadth, shown: percent(core.breadth), confidence: monthOf(snapshot) }
    },
  },
  core_breadth_rank: {
    component: 'adoption',
    unit: '%',
    sentence: 'core features in use, among accounts of its segment, {before} % -> {after} %',
    read: ofSegment('coreBreadth', percent),
  },
  depth: {
    component: 'adoption',
    unit: 'uses/user',
    sentence: 'uses of core features per active user {before} -> {after} in 28 d',
    read: ofSegment('depth'),
  },
  api_volume: {
    component: 'api',
    unit: 'calls/d',
    sentence: 'API calls a day {before} -> {after} in 14 d',
    read: (snapshot, book) => ofOwn(snapshot, book, snapshot.activity.apiCalls, { recentDays: 14, prior: PRIOR_CALLS }),
  },
  api_errors: {
    component: 'api',
    unit: '%',
    sentence: 'API errors {before} % -> {after} % in 28 d',
    read: ({ activity }) => {
      const calls = activity.apiCalls.subarray(-WINDOW).reduce((sum, n) => sum + n, 0)
      if (calls === 0) return undefined
      const value = activity.apiErrors.subarray(-WINDOW).reduce((sum, n) => sum + n, 0) / calls
      return { value, shown: percent(value), confidence: calls / (calls + PRIOR_CALLS) }
    },
  },
  severe_tickets: {
    component: 'support',
    unit: 'tickets',
    sentence: 'urgent and high tickets {before} -> {after} in 28 d',
    read: ofTickets((snapshot) => recentTickets(snapshot).filter(isSevere).length),
  },
  open_tickets: {
    component: 'support',
    unit: 'tickets',
    sentence: 'open tickets {before} -> {after}',
    read: ofTickets(({ tickets }) => tickets.filter(({ resolvedDay }) => resolvedDay === undefined).length),
  },
  oldest_ticket: {
    component: 'support',
    unit: 'd',
    sentence: 'oldest open ticket {before} d -> {after} d',
    read: ofTickets(({ tickets, day }) =>
      Math.max(0, ...tickets.map(({ openedDay, resolvedDay }) => (resolvedDay === undefined ? day - openedDay : 0))),
    ),
  },
  reopened_tickets: {
    component: 'support',
    unit: 'tickets',
    sentence: 'tickets opened again {before} -> {after} in 28 d',
    read: ofTickets((snapshot) => recentTickets(snapshot).reduce((sum, { reopened }) => sum + reopened, 0)),
  },
  csat: {
    component: 'support',
    unit: 'of 5',
    sentence: 'satisfaction with answers {before} -> {after} of 5',
    read: ({ tickets, day }) => {
      const rated = tickets.filter(({ csat, openedDay }) => csat !== undefined && openedDay > day - 90)
      if (rated.length === 0) return undefined
      const value = rated.reduce((sum, { csat }) => sum + (csat ?? 0), 0) / rated.length
      const newest = Math.max(...rated.map(({ openedDay }) => openedDay))
      return { value, shown: value, confidence: answers(rated.length) * freshness(day - newest) }
    },
  },
  failed_payments: {
    component: 'payment',
    unit: 'attempts',
    sentence: 'failed payments {before} -> {after} since the last that was paid',
    read: ofInvoices((snapshot) => unpaid(snapshot).filter(({ status }) => status !== 'open').length),
  },
  overdue: {
    component: 'payment',
    unit: 'd',
    sentence: 'days overdue {before} -> {after}',
    read: ofInvoices((snapshot) =>
      Math.max(0, ...unpaid(snapshot).map(({ dueDay }) => Math.max(0, snapshot.day - dueDay))),
    ),
  },
  seats_kept: {
    component: 'payment',
    unit: '%',
    sentence: 'seats kept since the last renewal {before} % -> {after} %',
    read: ({ subscription, seats }) => {
      if (subscription === undefined || subscription.seatsBefore === 0) return undefined
      const value = seats / subscription.seatsBefore
      return { value, shown: percent(value), confidence: 1 }
    },
  },
  nps: {
    component: 'sentiment',
    unit: 'of 10',
    sentence: 'would recommend {before} -> {after} of 10',
    read: ({ nps, day }) => {
      if (nps.length === 0) return undefined
      const value = nps.reduce((sum, { score }) => sum + score, 0) / nps.length
      const newest = Math.max(...nps.map((answer) => answer.day))
      return { value, shown: value, confidence: answers(nps.length) * freshness(day - newest) }
    },
  },
} as const satisfies Readonly<Record<string, Metric>>

export type MetricName = keyof typeof METRICS
export const METRIC_NAMES = Object.keys(METRICS) as readonly MetricName[]

export type Readings = Partial<Readonly<Record<MetricName, Reading>>>

/** Everything that is known of an account on its day. */
export function readingsOf(snapshot: AccountSnapshot, book: Book): Readings {
  const readings: Partial<Record<MetricName, Reading>> = {}
  for (const name of METRIC_NAMES) {
    const reading = METRICS[name].read(snapshot, book)
    if (reading !== undefined) readings[name] = reading
  }
  return readings
}
