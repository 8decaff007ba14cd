/** Rows of the learned model, as queries see them. */

import type { ColumnType } from 'kysely'
import type { Backtest } from '../domain/learn/candidate.ts'
import type { ChurnModel } from '../domain/learn/model.ts'

type Json<T> = ColumnType<T, string, never>
type NullableJson<T> = ColumnType<T | null, string | null, never>

export type ChurnModelTable = {
  version: number
  created_at: ColumnType<Date, Date, never>
  /** The newest day of which was known who left. */
  learned_up_to: number
  promoted: boolean
  reasons: Json<readonly string[]>
  trained_on: NullableJson<ChurnModel['trainedOn']>
  backtest: NullableJson<Backtest>
  /** The version in use then. */
  compared_with: number | null
  model: NullableJson<ChurnModel>
}

export type ChurnDayTable = { day: number; names: string[]; version: number | null }

export type ChurnFeaturesTable = { day: number; account_id: string; features: Uint8Array }

export type ModelTables = {
  churn_model: ChurnModelTable
  churn_day: ChurnDayTable
  churn_features: ChurnFeaturesTable
}
