/** What a playbook can ask of an account: a day's snapshot, its health and its open risk, as named numbers and texts. */

import type { AccountSnapshot } from '../snapshot.ts'

export type AccountState = {
  readonly snapshot: AccountSnapshot
  /** Undefined when there is no score of that day. */
  readonly health: HealthState | undefined
  /** The risk episode that is open at the end of the day. */
  readonly risk: RiskState | undefined
}

export type HealthState = {
  readonly score: number | undefined
  readonly confidence: number
  readonly churnProbability: number | undefined
}

export type RiskState = { readonly episodeId: string; readonly trigger: string; readonly raisedDay: number }

/** Undefined is "not known", which no condition takes for an answer. */
type Measure = (state: AccountState) => number | undefined

const ofSnapshot =
  (measure: (snapshot: AccountSnapshot) => number | undefined): Measure =>
  ({ snapshot }) =>
    measure(snapshot)

const daysFrom = (from: number | undefined, to: number | undefined): number | undefined =>
  from === undefined || to === undefined ? undefined : to - from
const isSevere = (severity: string): boolean => severity === 'high' || severity === 'urgent'
const openTickets = ({ tickets }: AccountSnapshot) => tickets.filter(({ resolvedDay }) => resolvedDay === undefined)
const unpaid = ({ invoices }: AccountSnapshot) =>
  invoices.filter(({ status }) => status === 'open' || status === 'failed' || status === 'final_failed')

export const METRICS = {
  healthScore: ({ health }) => health?.score,
  healthConfidence: ({ health }) => health?.confidence,
  churnProbability: ({ health }) => health?.churnProbability,
  isAtRisk: ({ risk }) => (risk === undefined ? 0 : 1),
  riskDays: ({ risk, snapshot }) => risk && snapshot.day - risk.raisedDay,
  ageDays: ofSnapshot(({ day, startedDay }) => day - startedDay),
  seats: ofSnapshot(({ seats }) => seats || undefined),
  mrrMinor: ofSnapshot(({ mrrMinor }) => mrrMinor || undefined),
  activeUsers7: ofSnapshot(({ activity }) => activity.users7),
  activeUsers28: ofSnapshot(({ activity }) => activity.users28),
  activeShare: ofSnapshot(({ activity, seats }) => (seats === 0 ? undefined : activity.users28 / seats)),
  /** Active users of the last 28 days over those of the 28 before; undefined for an account that had none. */
  activeUsersTrend: ofSnapshot(({ activity }) =>
    activity.users28Before === 0 ? undefined : activity.users28 / activity.users28Before,
  ),
  silentDays: ofSnapshot(({ activity, day }) => daysFrom(activity.lastDay, day)),
  /** Visits the account's most regular person would have made since last seen. */
  championMissedDays: ofSnapshot(({ champion }) => champion?.missedDays),
  coreBreadth: ofSnapshot(({ features }) => {
    const core = features.filter(({ isCore, isEntitled }) => isCore && isEntitled)
    return core.length === 0 ? undefined : core.filter(({ uses28 }) => uses28 > 0).length / core.length
  }),
  openTickets: ofSnapshot((snapshot) => openTickets(snapshot).length),
  openSevereTickets: ofSnapshot(
    (snapshot) => openTickets(snapshot).filter(({ severity }) => isSevere(severity)).length,
  ),
  failedInvoices: ofSnapshot((snapshot) => unpaid(snapshot).filter(({ status }) => status !== 'open').length),
  overdueDays: ofSnapshot((snapshot) => Math.max(0, ...unpaid(snapshot).map(({ dueDay }) => snapshot.day - dueDay))),
  npsMean: ofSnapshot(({ nps }) =>
    nps.length === 0 ? undefined : nps.reduce((sum, { score }) => sum + score, 0) / nps.length,
  ),
  daysToRenewal: ofSnapshot(({ subscription, day }) => daysFrom(day, subscription?.renewsDay)),
  isCancelled: ofSnapshot(({ subscription }) => (subscription?.status === 'cancelled' ? 1 : 0)),
} satisfies Record<string, Measure>

export type Metric = keyof typeof METRICS

export const metricOf = (state: AccountState, metric: Metric): number | undefined => METRICS[metric](state)

export const ATTRIBUTES = {
  segment: ({ snapshot }) => snapshot.segment,
  plan: ({ snapshot }) => snapshot.plan,
  subscriptionStatus: ({ snapshot }) => snapshot.subscription?.status ?? '',
  riskTrigger: ({ risk }) => risk?.trigger ?? '',
} satisfies Record<string, (state: AccountState) => string>

export type Attribute = keyof typeof ATTRIBUTES
