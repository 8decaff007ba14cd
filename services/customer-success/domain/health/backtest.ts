/** What a configuration would have said of accounts whose fate is known: ranking, and churn by band. */

import { auc, rankingOf } from '../learn/metrics.ts'
import type { Configuration } from './configuration.ts'
import type { Readings } from './metrics.ts'
import { type Band, bandOf, type Health, healthBy } from './score.ts'

/** Churn counts from a week after the day of the readings, for 30 days: a warning of the last week comes too late. */
export const LEAD_DAYS = 7
export const WINDOW_DAYS = 30

/** An account on a day, scored by a template, and whether it left in the window that follows. */
export type Fate = {
  readonly accountId: string
  readonly day: number
  readonly template: string
  readonly readings: Readings
  readonly churned: boolean
}

/** A fitted configuration beside the one it would replace, on days neither was fitted on. */
export type Comparison = { readonly fitted: Backtest; readonly before: Backtest & { readonly version: number } }

export type BandChurn = {
  readonly band: Band
  /** Share of the accounts. */
  readonly share: number
  readonly churn: number
  /** Churn over the mean churn. */
  readonly multiple: number
}

export type Backtest = {
  readonly accounts: number
  readonly churners: number
  /** Chance that an account that left had the lower score than one that stayed. */
  readonly auc: number
  readonly bands: readonly BandChurn[]
}

const BANDS: readonly Band[] = ['churn_risk', 'at_risk', 'healthy', 'unknown']

/** Whether an account churned in the window of a day; undefined when the day tells nothing: gone already, or too early. */
export function fateOf(day: number, cancelledDay: number | undefined, today: number): boolean | undefined {
  if (cancelledDay !== undefined && cancelledDay <= day + LEAD_DAYS) return undefined
  if (day + LEAD_DAYS + WINDOW_DAYS > today) return undefined
  return cancelledDay !== undefined && cancelledDay <= day + LEAD_DAYS + WINDOW_DAYS
}

export function backtest(fates: readonly Fate[], configuration: Configuration): Backtest {
  const scored = fates.map(({ readings, template, churned }) => ({
    health: healthBy(readings, template, configuration),
    churned,
  }))
  const churners = scored.filter(({ churned }) => churned).length
  const base = churners / Math.max(1, scored.length)
  const loss = ({ score }: Health): number => -(score ?? 50)
  const ranking = rankingOf(
    Float64Array.from(scored, ({ health }) => loss(health)),
    Uint8Array.from(scored, ({ churned }) => (churned ? 1 : 0)),
  )
  const bands = BANDS.flatMap((band) => {
    const members = scored.filter(({ health }) => bandOf(health.score) === band)
    if (members.length === 0) return []
    const churn = members.filter(({ churned }) => churned).length / members.length
    return [{ band, share: members.length / scored.length, churn, multiple: base === 0 ? 0 : churn / base }]
  })
  return { accounts: scored.length, churners, auc: auc(ranking), bands }
}
