import { nullable, time } from '@plimsoll/kit/http/shapes.ts'
import { type Static, Type } from 'typebox'
import type { Quantiles, Regression } from '../domain/regression.ts'
import { bucketsOf } from './buckets.ts'

const quantilesSchema = Type.Object({
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

const bucketsSchema = Type.Object(
  {
    scale: Type.Integer(),
    offset: Type.Integer(),
    zero: Type.Number({ description: 'Requests with no measurable duration.' }),
    counts: Type.Array(Type.Number()),
  },
  { description: 'counts[i] lies in (2^((offset + i) / 2^scale), 2^((offset + i + 1) / 2^scale)], in the unit.' },
)

export const regressionSchema = Type.Object({
  regressionId: Type.String(),
  service: Type.String(),
  environment: Type.String(),
  endpoint: Type.String({ description: "Route, operation or series; '*' for the whole service." }),
  method: Type.String(),
  release: Type.String(),
  metric: Type.String({ description: 'latency, error_rate, throughput or gauge.' }),
  unit: Type.String(),
  state: Type.String({ description: 'suspected, confirmed, accepted or resolved.' }),
  direction: nullable(Type.String({ description: 'up: values grew.' })),
  detector: Type.String(),
  onsetAt: time('When the change began, as dated.'),
  detectedAt: nullable(time('End of the window that proved it.')),
  resolvedAt: nullable(time('End of the window that closed it.')),
  changedAt: time('Event time of its newest event.'),
  beforeValue: Type.Number({ description: 'p95, error rate in %, req/s or the median of a gauge.' }),
  afterValue: Type.Number(),
  before: nullable(quantilesSchema),
  after: nullable(quantilesSchema),
  histogram: nullable(Type.Object({ before: bucketsSchema, after: bucketsSchema })),
  auc: nullable(Type.Number({ description: 'Probability that a request after is slower than one before.' })),
  eValue: nullable(Type.Number({ description: 'Evidence against no change.' })),
  falseAlarmBudget: nullable(Type.Number()),
  cost: nullable(Type.Number({ description: 'Extra ms x req/s.' })),
  symptoms: Type.Array(Type.String()),
  suspects: Type.Array(Type.String()),
  reason: Type.String(),
})

export type RegressionBody = Static<typeof regressionSchema>

export function regressionBody(regression: Regression): RegressionBody {
  const { beforeHistogram, afterHistogram, onsetAt, detectedAt, resolvedAt, changedAt, ...rest } = regression
  const before = bucketsOf(beforeHistogram)
  const after = bucketsOf(afterHistogram)
  return {
    ...rest,
    onsetAt: iso(onsetAt),
    detectedAt: detectedAt === null ? null : iso(detectedAt),
    resolvedAt: resolvedAt === null ? null : iso(resolvedAt),
    changedAt: iso(changedAt),
    before: rest.before satisfies Quantiles | null,
    symptoms: [...rest.symptoms],
    suspects: [...rest.suspects],
    histogram: before === null || after === null ? null : { before, after },
  }
}

export const iso = (ms: number): string => new Date(ms).toISOString()
