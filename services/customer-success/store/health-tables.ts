/** Rows of health and risk, as queries see them. */

import type { ColumnType } from 'kysely'
import type { Comparison } from '../domain/health/backtest.ts'
import type { Configuration } from '../domain/health/configuration.ts'
import type { Line } from '../domain/health/explain.ts'
import type { Readings } from '../domain/health/metrics.ts'
import type { Grade, RiskState, RiskTrigger } from '../domain/risk.ts'

type Time = ColumnType<Date, Date | string, Date | string>
type Json<T> = ColumnType<T, string, string>

export type HealthConfigurationTable = {
  version: number
  configuration: Json<Configuration>
  backtest: ColumnType<Comparison | null, string | null, string | null>
  created_at: Time
  created_by: string
  activated_at: ColumnType<Date | null, Date | null | undefined, Date | null>
}

export type HealthScoreTable = {
  account_id: string
  day: number
  /** 0 = as known at the end of the day; higher = corrections. */
  revision: number
  version: number
  template: string
  segment: string
  score: number | null
  confidence: number
  churn_probability: number | null
  readings: Json<Readings>
  hard: RiskTrigger | null
  is_cancelled: boolean
  mrr_minor: number
  currency: string
  /** The day up to this one whose score was told last as an event, and what was told. */
  told_day: number
  told_score: number | null
  told_trend7: number | null
  told_provisional: boolean
}

export type HealthSegmentTable = { day: number; segment: string; typical: Json<Readings> }
/** Of a scored day: what was known of it then, see store/health-known.ts. */
export type HealthKnownTable = { day: number; known: string }
export type HealthProgressTable = { name: 'health' | 'risk'; day: number }

export type RiskStateTable = { account_id: string; state: Json<RiskState> }

export type RiskEpisodeTable = {
  id: string
  account_id: string
  raised_day: number
  trigger: RiskTrigger
  score: number | null
  churn_probability: number | null
  mrr_minor: number
  currency: string
  drivers: Json<readonly Line[]>
  reason: string
  cleared_day: number | null
  outcome: 'recovered' | 'cancelled' | null
  grade: Grade | null
}

export type HealthTables = {
  health_configuration: HealthConfigurationTable
  health_score: HealthScoreTable
  health_segment: HealthSegmentTable
  health_progress: HealthProgressTable
  health_known: HealthKnownTable
  risk_state: RiskStateTable
  risk_episode: RiskEpisodeTable
}
