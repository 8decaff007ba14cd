import type { HealthBand } from '@plimsoll/contracts/generated/types.ts'
import type { AccountFact } from './feed.ts'

/** A line of an account's story. Account, time, kind and subject are its identity: told again, it is the same line. */
export type TimelineEntry = {
  readonly accountId: string
  /** Ms since the epoch. */
  readonly at: number
  readonly kind: 'band' | 'correction' | 'risk-raised' | 'risk-cleared' | 'action' | 'outcome' | 'adopted' | 'lag'
  /** Episode, action or feature; empty where an account has one of the kind at a time. */
  readonly subject: string
  readonly text: string
}

const bandNames: Readonly<Record<HealthBand, string>> = {
  healthy: 'healthy',
  at_risk: 'at risk',
  churn_risk: 'churn risk',
  unknown: 'unknown',
}

/** Undefined for a score that stays in its band: the history shows those, as a line would every day. */
export function timelineEntryOf({ type, value }: AccountFact): TimelineEntry | undefined {
  const { accountId, at } = value
  switch (type) {
    case 'plimsoll.customer_success.v1.HealthScoreChanged': {
      const points = `${pointsOf(value.previousScore)} to ${pointsOf(value.score)}`
      if (value.kind === 'corrected') {
        return {
          accountId,
          at,
          kind: 'correction',
          subject: '',
          text: `Late data moved this day's score from ${points}.`,
        }
      }
      if (value.band === value.previousBand) return undefined
      const band = bandNames[value.band]
      const why = value.drivers[0]?.text
      const text =
        value.previousScore === null
          ? `First health score: ${pointsOf(value.score)}, ${band}.`
          : `Health went from ${bandNames[value.previousBand]} to ${band}, ${points}${why === undefined ? '' : `: ${why}`}.`
      return { accountId, at, kind: 'band', subject: '', text }
    }
    case 'plimsoll.customer_success.v1.ChurnRiskRaised':
      return { accountId, at, kind: 'risk-raised', subject: value.episodeId, text: value.reason }
    case 'plimsoll.customer_success.v1.ChurnRiskCleared':
      return { accountId, at, kind: 'risk-cleared', subject: value.episodeId, text: value.reason }
    case 'plimsoll.customer_success.v1.ActionTriggered': {
      const what = value.arm === 'treated' ? 'Started' : `Held out (${value.arm}) of`
      return {
        accountId,
        at,
        kind: 'action',
        subject: value.actionId,
        text: `${what} ${value.playbook}${value.reason === '' ? '.' : `: ${value.reason}`}`,
      }
    }
    case 'plimsoll.customer_success.v1.ActionOutcomeRecorded': {
      const end = `${value.metric} ${pointsOf(value.before)} to ${pointsOf(value.after)}`
      const text = `${value.playbook} ${value.reached ? 'reached' : 'missed'} its goal: ${end}.`
      return { accountId, at, kind: 'outcome', subject: value.actionId, text }
    }
    case 'plimsoll.customer_success.v1.FeatureAdopted': {
      const text = `Adopted ${value.feature}: ${value.uses} uses in ${value.windowDays} days.`
      return { accountId, at, kind: 'adopted', subject: value.feature, text }
    }
    case 'plimsoll.customer_success.v1.AdoptionLagDetected':
      return { accountId, at, kind: 'lag', subject: '', text: value.reason }
  }
}

const pointsOf = (value: number | null): string => (value === null ? 'unknown' : String(Math.round(value * 10) / 10))
