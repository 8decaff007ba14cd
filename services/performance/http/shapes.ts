/** Bodies the routes share. */

import { nullable, time } from '@plimsoll/kit/http/shapes.ts'
import { type Static, Type } from 'typebox'
import type { SeriesItem } from '../store/queries.ts'
import type { RegressionRow } from '../store/regressions.ts'

export const iso = (at: Date): string => at.toISOString()
export const isoOrNull = (at: Date | null): string | null => at?.toISOString() ?? null

/** Filters every list takes. */
export const placeQuery = {
  service: Type.Optional(Type.String({ description: 'Only this service.' })),
  environment: Type.Optional(Type.String({ description: 'Only this environment; empty = series that state none.' })),
}

export const summarySchema = Type.Object({
  n: Type.Number({ description: 'Requests behind it; 0 = unknown.' }),
  p50: nullable(Type.Number()),
  p50Low: nullable(Type.Number({ description: 'Lower end of the 95 % interval.' })),
  p50High: nullable(Type.Number({ description: 'Upper end of the 95 % interval.' })),
  p95: nullable(Type.Number()),
  p95Low: nullable(Type.Number()),
  p95High: nullable(Type.Number()),
  p99: nullable(Type.Number()),
  p99Low: nullable(Type.Number()),
  p99High: nullable(Type.Number()),
  mean: nullable(Type.Number()),
})

export const seriesSchema = Type.Object({
  id: Type.String(),
  service: Type.String(),
  environment: Type.String(),
  endpoint: Type.String({ description: "Route, operation or gauge; '*' for the whole service." }),
  method: Type.String(),
  instrument: Type.String({ description: 'Metric family, or `spans`.' }),
  metric: Type.String({ description: 'latency, error_rate, throughput or gauge.' }),
  quantile: Type.String({ description: 'p95 of an imported percentile, else empty.' }),
  unit: Type.String(),
  windows: Type.Integer({ description: 'Windows seen.' }),
  firstAt: time('End of the first window.'),
  latestAt: time('End of the latest window.'),
  latestValue: Type.Number(),
  release: Type.String(),
  changedSince: nullable(time('Onset of the episode that is open.')),
})

export function seriesBody(row: SeriesItem): Static<typeof seriesSchema> {
  const { service, environment, endpoint, method, instrument, metric, quantile, unit, windows, release } = row
  return {
    id: String(row.id),
    ...{ service, environment, endpoint, method, instrument, metric, quantile, unit, windows, release },
    firstAt: iso(row.first_at),
    latestAt: iso(row.latest_at),
    latestValue: row.latest_value,
    changedSince: isoOrNull(row.episode_at),
  }
}

/** What changed where, in regressions and in alarms that became none. */
export const changeFields = {
  id: Type.String(),
  seriesId: Type.String(),
  service: Type.String(),
  environment: Type.String(),
  endpoint: Type.String(),
  method: Type.String(),
  release: Type.String(),
  onsetAt: time('When the change began, as dated.'),
  before: summarySchema,
  after: summarySchema,
  auc: nullable(Type.Number({ description: 'Probability that a request after is slower than one before.' })),
}

export const regressionSchema = Type.Object({
  ...changeFields,
  metric: Type.String({ description: 'latency, error_rate, throughput or gauge.' }),
  unit: Type.String(),
  state: Type.String({ description: 'suspected, confirmed, accepted or resolved.' }),
  direction: Type.String({ description: 'up: values grew.' }),
  detector: Type.String(),
  detectedAt: time('End of the window that first proved it.'),
  confirmedAt: nullable(time('End of the window that confirmed it.')),
  resolvedAt: nullable(time('End of the window that closed it.')),
  beforeValue: Type.Number({
    description: 'p95 (p50 where requests are too few for it), error rate in %, req/s or the median of a gauge.',
  }),
  afterValue: Type.Number(),
  eValue: Type.Number({ description: 'Evidence against no change.' }),
  cost: nullable(Type.Number({ description: 'Extra ms x req/s.' })),
  symptoms: Type.Array(Type.String(), { description: 'Series that moved with it and are explained by it.' }),
  suspects: Type.Array(Type.String(), { description: 'Deployments shortly before the onset, nearest first.' }),
  reason: Type.String(),
  acceptedBy: nullable(Type.String()),
  acceptedAt: nullable(time('When it was accepted.')),
  acceptNote: nullable(Type.String()),
})

export type RegressionBody = Static<typeof regressionSchema>

export function regressionBody(row: RegressionRow): RegressionBody {
  const { id, service, environment, endpoint, method, release, metric, unit, state, direction, detector } = row
  return {
    ...{ id, service, environment, endpoint, method, release, metric, unit, state, direction, detector },
    seriesId: String(row.series_id),
    onsetAt: iso(row.onset_at),
    detectedAt: iso(row.detected_at),
    confirmedAt: isoOrNull(row.confirmed_at),
    resolvedAt: isoOrNull(row.resolved_at),
    before: { ...row.before },
    after: { ...row.after },
    beforeValue: row.before_value,
    afterValue: row.after_value,
    auc: row.auc,
    eValue: row.e_value,
    cost: row.cost,
    symptoms: row.symptoms,
    suspects: row.suspects,
    reason: row.reason,
    acceptedBy: row.accepted_by,
    acceptedAt: isoOrNull(row.accepted_at),
    acceptNote: row.accept_note,
  }
}
