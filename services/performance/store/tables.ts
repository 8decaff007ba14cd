/** Rows of the schema `performance`, as queries see them. Ids are lane * 2^32 + number: exact in a double. */

import type { ColumnType, Generated } from 'kysely'
import type { LatencySummary } from '../domain/summary.ts'

type Id = ColumnType<number, number, never>
type Time = ColumnType<Date, Date | string, Date | string>
type NullableTime = ColumnType<Date | null, Date | string | null | undefined, Date | string | null>

export type EndpointTable = {
  id: Id
  lane: number
  source: string
  service: string
  environment: string
  endpoint: string
  method: string
  instrument: string
  last_at: NullableTime
}

export type CellTable = {
  id: Id
  endpoint_id: Id
  status_class: number
  release: string
  /** Tenant tier and payload class; empty where the sender states neither. */
  request_class: Generated<string>
}

export type GaugeTable = {
  id: Id
  lane: number
  source: string
  service: string
  environment: string
  endpoint: string
  method: string
  instrument: string
  kind: string
  quantile: number
  scale: number
  unit: string
}

export type SeriesTable = {
  id: Id
  lane: number
  /** Endpoint or gauge. */
  owner_id: Id
  service: string
  environment: string
  endpoint: string
  method: string
  instrument: string
  metric: 'latency' | 'error_rate' | 'throughput' | 'gauge'
  quantile: string
  unit: string
  kind: string
  windows: number
  first_at: Time
  latest_at: Time
  latest_value: number
  release: string
  /** Requests put by until they are enough for a window. */
  pending: Uint8Array | null
  pending_at: NullableTime
  /** The episode that is open: its onset, the evidence it opened with, the evidence last told. */
  episode_at: NullableTime
  episode_evidence: number
  episode_told: number
}

export type WindowTable = {
  /** Cell or gauge. */
  cell_id: Id
  /** Start of the window. */
  t: Time
  requests: number
  rate: number
  sum: number
  min: number | null
  max: number | null
  histogram: Uint8Array | null
}

export type BaselineTable = {
  series_id: Id
  firmness: 'provisional' | 'firm'
  from_at: Time
  at: Time
  release: string
  summary: LatencySummary | null
  histogram: Uint8Array | null
  value: number
  accepted_share: number
}

export type SignalState = 'suspected' | 'confirmed' | 'resolved' | 'accepted'

/** One transition of one episode, as stage 1 wrote it; stage 2 notes what became of it. */
export type SignalTable = {
  id: string
  episode_id: string
  lane: number
  series_id: Id
  state: SignalState | 'evidence'
  direction: 'up' | 'down'
  detector: string
  e_value: number
  onset_at: Time
  /** End of the window that led to it. */
  at: Time
  before: LatencySummary
  after: LatencySummary
  before_histogram: Uint8Array | null
  after_histogram: Uint8Array | null
  before_value: number
  after_value: number
  auc: number | null
  rate: number | null
  release: string
  reason: string
  /** Taken in by the ticker `cause`. */
  taken: Generated<boolean>
  /** Of an alarm that only the mix of requests explains: up to when that was so (event time), and what is told of it. */
  withheld_at: NullableTime
  withheld_reason: Generated<string>
}

export type RegressionTable = {
  id: string
  /** The episode it is told by. */
  episode_id: string
  series_id: Id
  service: string
  environment: string
  endpoint: string
  method: string
  release: string
  metric: 'latency' | 'error_rate' | 'throughput' | 'gauge'
  unit: string
  state: SignalState
  direction: 'up' | 'down'
  detector: string
  onset_at: Time
  detected_at: Time
  confirmed_at: NullableTime
  resolved_at: NullableTime
  before: LatencySummary
  after: LatencySummary
  before_histogram: Uint8Array | null
  after_histogram: Uint8Array | null
  before_value: number
  after_value: number
  auc: number | null
  e_value: number
  cost: number | null
  symptoms: string[]
  suspects: string[]
  reason: string
  accepted_by: string | null
  accepted_at: NullableTime
  accept_note: string | null
}

export type EdgeTable = { caller: string; callee: string; first_at: Time; last_at: Time }

export type DeploymentTable = {
  id: string
  service: string
  environment: string
  release: string
  status: 'started' | 'succeeded' | 'failed'
  at: Time
  url: string
  commit: string
}

export type RegressionEpisodeTable = {
  episode_id: string
  regression_id: string
  series_id: Id
  service: string
  state: SignalState
  e_value: number
  onset_at: Time
}

/** What a lane is to know, from people and from other streams; taken with the lane's next commit. */
export type LaneNoticeTable = {
  id: Generated<number>
  lane: number
  kind: 'accepted' | 'released'
  /** Of an acceptance. */
  series_id: Id | null
  /** Of a release. */
  service: string
  environment: string
  release: string
  at: Time
}

export type RollupDueTable = { t: Time }

export type SpanLinkTable = { trace: string; span: string; parent: string; service: string; at: Time; kept_at: Time }

export type DetectorTable = { series_id: Id; lane: number; state: Uint8Array }

export type Tables = {
  endpoint: EndpointTable
  cell: CellTable
  gauge: GaugeTable
  series: SeriesTable
  perf_window: WindowTable
  perf_window_10m: WindowTable
  perf_window_1h: WindowTable
  rollup_due: RollupDueTable
  baseline: BaselineTable
  regression_signal: SignalTable
  regression: RegressionTable
  regression_episode: RegressionEpisodeTable
  edge: EdgeTable
  deployment: DeploymentTable
  lane_notice: LaneNoticeTable
  span_link: SpanLinkTable
  detector: DetectorTable
}
