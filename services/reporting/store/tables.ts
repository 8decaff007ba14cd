import type { WorkerDatabase, WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import type { Transaction } from 'kysely'
import type { Quantiles } from '../domain/regression.ts'
import type { AccountTables } from './account-tables.ts'
import type { Json } from './json.ts'

export type BaselineTable = {
  baseline_id: string
  service: string
  environment: string
  endpoint: string
  method: string
  release: string
  metric: string
  unit: string
  firmness: 'provisional' | 'firm'
  established_at: Date
  n: number | null
  p50: number | null
  p95: number | null
  p99: number | null
  throughput: number | null
  error_rate: number | null
}

export type RegressionTable = {
  regression_id: string
  service: string
  environment: string
  endpoint: string
  method: string
  release: string
  metric: string
  unit: string
  state: 'suspected' | 'confirmed' | 'accepted' | 'resolved'
  direction: 'up' | 'down' | null
  detector: string
  onset_at: Date
  detected_at: Date | null
  resolved_at: Date | null
  changed_at: Date
  before_value: number
  after_value: number
  before: Json<Quantiles | null>
  after: Json<Quantiles | null>
  before_histogram: Buffer | null
  after_histogram: Buffer | null
  auc: number | null
  e_value: number | null
  false_alarm_budget: number | null
  cost: number | null
  symptoms: Json<readonly string[]>
  suspects: Json<readonly string[]>
  reason: string
}

/** What happened, in the order it became visible here: what the page's event stream sends. */
export type FeedTable = {
  seq: number
  event_id: string
  type: string
  occurred_at: Date
  body: Json<unknown>
}

/** One row: which version and which build of the projection this is, and how far it has come. */
export type HeadTable = {
  one: boolean
  version: number
  /** Counts rebuilds: sequences of one generation mean nothing in another. */
  generation: number
  /** Newest `feed.seq`. */
  seq: number
  /** Newest event time applied, of services. */
  as_of: Date | null
  /** Newest event time applied, of accounts. */
  account_as_of: Date | null
}

export type ReportingTables = AccountTables & {
  baseline: BaselineTable
  regression: RegressionTable
  feed: FeedTable
  head: HeadTable
}

export type ReportingDatabase = WorkerDatabase<ReportingTables>
export type ReportingTransaction = Transaction<ReportingTables>

/** The worker's transaction, typed with this service's tables. */
export const typed = (tx: WorkerTransaction): ReportingTransaction => tx as unknown as ReportingTransaction
