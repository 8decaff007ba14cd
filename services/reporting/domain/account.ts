import type { EventValue } from '@plimsoll/contracts/events.ts'
import type { HealthBand, HealthDriver, RiskTrigger } from '@plimsoll/contracts/generated/types.ts'

type HealthChanged = EventValue<'plimsoll.customer_success.v1.HealthScoreChanged'>
type Raised = EventValue<'plimsoll.customer_success.v1.ChurnRiskRaised'>
type Cleared = EventValue<'plimsoll.customer_success.v1.ChurnRiskCleared'>
type LagDetected = EventValue<'plimsoll.customer_success.v1.AdoptionLagDetected'>
type Adopted = EventValue<'plimsoll.customer_success.v1.FeatureAdopted'>

/** A customer as the facts so far tell it. Times are ms since the epoch. */
export type Account = {
  readonly accountId: string
  /** As the newest score told, as plan and segment; empty when not known. */
  readonly name: string
  readonly plan: string
  readonly segment: string
  /** Null before the first score. */
  readonly health: Health | null
  /** The open risk episode; null while there is none. */
  readonly risk: Risk | null
  /** Time of the newest event that raised or cleared risk. */
  readonly riskChangedAt: number | null
  /** Null while it uses what accounts like it use. */
  readonly lag: Lag | null
}

/** The newest score. `drivers`: why it moved, in the week before where it is not healthy, else since the one told before. */
export type Health = Pick<
  HealthChanged,
  'at' | 'score' | 'band' | 'confidence' | 'provisional' | 'trend7' | 'trend28' | 'churnProbability'
> & { readonly drivers: readonly HealthDriver[] }

export type Risk = {
  readonly episodeId: string
  readonly raisedAt: number
  readonly trigger: RiskTrigger
  /** Monthly revenue at risk in the currency's minor unit. */
  readonly mrrMinor: number
  readonly currency: string
  readonly reason: string
}

/** Core features the account is entitled to and does not use, as last detected less those it has adopted since. */
export type Lag = Pick<LagDetected, 'at' | 'breadth' | 'expected' | 'missing'>

export const newAccount = (accountId: string): Account => ({
  accountId,
  ...{ name: '', plan: '', segment: '' },
  health: null,
  risk: null,
  riskChangedAt: null,
  lag: null,
})

/** The score of the newest day is the account's. A correction of an older day is for the history, not for the state. */
export function foldHealth(account: Account, event: HealthChanged): Account {
  if (account.health !== null && account.health.at > event.at) return account
  const { at, score, band, confidence, provisional, trend7, trend28, churnProbability } = event
  const drivers = event.weekDrivers.length > 0 ? event.weekDrivers : event.drivers
  return {
    ...account,
    ...{ name: event.accountName, plan: event.plan, segment: event.segment },
    health: { at, score, band, confidence, provisional, trend7, trend28, churnProbability, drivers },
  }
}

export function foldRaised(account: Account, event: Raised): Account {
  if (account.riskChangedAt !== null && account.riskChangedAt > event.at) return account
  const { episodeId, at, trigger, mrrMinor, currency, reason } = event
  return { ...account, risk: { episodeId, raisedAt: at, trigger, mrrMinor, currency, reason }, riskChangedAt: at }
}

export function foldCleared(account: Account, event: Cleared): Account {
  if (account.riskChangedAt !== null && account.riskChangedAt > event.at) return account
  return { ...account, risk: null, riskChangedAt: event.at }
}

export function foldLag(account: Account, event: LagDetected): Account {
  if (account.lag !== null && account.lag.at > event.at) return account
  const { at, breadth, expected, missing } = event
  return { ...account, lag: { at, breadth, expected, missing } }
}

/** A feature that was missing is not any more; with the last of them the lag ends. */
export function foldAdopted(account: Account, event: Adopted): Account {
  if (account.lag === null) return account
  const missing = account.lag.missing.filter((feature) => feature !== event.feature)
  return { ...account, lag: missing.length === 0 ? null : { ...account.lag, missing } }
}

const bandRank: Readonly<Record<HealthBand, number>> = { churn_risk: 3, at_risk: 2, unknown: 1, healthy: 0 }

/** Worst first, before revenue and score: an open risk before none, then the worse band. */
export const severityOf = ({ risk, health }: Account): number =>
  (risk === null ? 0 : 4) + bandRank[health?.band ?? 'unknown']
