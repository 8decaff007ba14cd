/** HealthScoreChanged: a score, what it is made of, and what moved it since it was told last. */

import type { HealthScoreChanged } from '@plimsoll/contracts/generated/types.ts'
import type { OutgoingEvent } from '@plimsoll/kit/lanes/processor.ts'
import { startOf } from '../domain/day.ts'
import type { Configuration } from '../domain/health/configuration.ts'
import type { Line } from '../domain/health/explain.ts'
import { bandOf, componentsOf, type Health, healthBy, LEAST_CONFIDENCE } from '../domain/health/score.ts'
import type { AccountSnapshot } from '../domain/snapshot.ts'
import type { ScoreRow } from '../store/health.ts'

export const isProvisional = (confidence: number): boolean => confidence < LEAST_CONFIDENCE

/** What a stored score was made of: parts follow from its readings and its configuration. */
export const healthOfRow = (row: ScoreRow, configuration: Configuration): Health =>
  healthBy(row.readings, row.template, configuration)

export type ToldScore = {
  readonly snapshot: AccountSnapshot
  readonly health: Health
  readonly configuration: Configuration
  readonly kind: HealthScoreChanged['kind']
  /** The one told last; of a correction what was known for the day. */
  readonly previous: ScoreRow | undefined
  /** Of the day before: that of the day itself is learned from the day once it is closed. */
  readonly churnProbability: number | null
  readonly trends: Pick<HealthScoreChanged, 'trend7' | 'trend28' | 'trend84'>
  readonly drivers: readonly Line[]
  readonly weekDrivers: readonly Line[]
}

export function healthScoreChanged(row: Omit<ScoreRow, 'hard'>, told: ToldScore): OutgoingEvent {
  return {
    type: 'plimsoll.customer_success.v1.HealthScoreChanged',
    key: row.account_id,
    time: startOf(row.day + 1) - 1,
    value: {
      accountId: row.account_id,
      accountName: told.snapshot.name,
      plan: told.snapshot.plan,
      segment: told.snapshot.segment,
      at: startOf(row.day + 1) - 1,
      kind: told.kind,
      score: row.score,
      previousScore: told.previous?.score ?? null,
      band: bandOf(row.score ?? undefined),
      previousBand: bandOf(told.previous?.score ?? undefined),
      confidence: row.confidence,
      provisional: isProvisional(row.confidence),
      ...told.trends,
      churnProbability: told.churnProbability,
      configurationVersion: row.version,
      components: componentsOf(told.health, told.configuration).map(({ name, value, weight, confidence }) => ({
        ...{ name, weight, confidence },
        value: value ?? null,
      })),
      drivers: told.drivers.map(driverOf),
      weekDrivers: told.weekDrivers.map(driverOf),
    },
  }
}

export const driverOf = ({ component, metric, before, after, points, text }: Line) => ({
  ...{ component, metric, points, text },
  before: before ?? null,
  after: after ?? null,
})
