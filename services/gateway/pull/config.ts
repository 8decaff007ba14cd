import { type Static, type TObject, Type } from 'typebox'
import { defaultSelection } from './domain/selection.ts'

/** The pull's share of the gateway's configuration. Nothing is pulled without a URL. */
export const pullConfig = {
  PLIMSOLL_PROMETHEUS_URL: Type.Optional(
    Type.String({
      format: 'uri',
      description: 'A Prometheus to read from (or Mimir, Thanos, VictoriaMetrics), up to but without /api/v1.',
    }),
  ),
  PLIMSOLL_PROMETHEUS_NAME: Type.String({
    minLength: 1,
    default: 'prometheus',
    description: 'What the source is called.',
  }),
  PLIMSOLL_PROMETHEUS_TOKEN: Type.Optional(
    Type.String({ minLength: 1, secret: true, description: 'Bearer token it asks for.' }),
  ),
  PLIMSOLL_PROMETHEUS_USER: Type.Optional(Type.String({ minLength: 1, description: 'User of basic authentication.' })),
  PLIMSOLL_PROMETHEUS_PASSWORD: Type.Optional(
    Type.String({ secret: true, description: 'Password of basic authentication.' }),
  ),
  PLIMSOLL_PROMETHEUS_METRICS: Type.String({
    minLength: 1,
    default: defaultSelection,
    description: 'Metrics to read: a regular expression that has to match the whole name.',
  }),
  PLIMSOLL_PROMETHEUS_STEP_SECONDS: Type.Integer({
    minimum: 0,
    maximum: 300,
    default: 0,
    description: 'Distance between samples, seconds; 0 takes the interval the Prometheus scrapes at.',
  }),
  PLIMSOLL_PROMETHEUS_DELAY_SECONDS: Type.Integer({
    minimum: 0,
    default: 15,
    description: 'How long samples are given to arrive there before they are read, seconds.',
  }),
  PLIMSOLL_PROMETHEUS_BACKFILL_HOURS: Type.Number({
    minimum: 0,
    maximum: 71,
    default: 24,
    description: 'History read at first contact, hours; the metric stream itself keeps 72.',
  }),
  PLIMSOLL_PROMETHEUS_QUERIES_PER_SECOND: Type.Number({
    exclusiveMinimum: 0,
    default: 20,
    description: 'Most queries a second.',
  }),
  PLIMSOLL_PROMETHEUS_MAX_SERIES: Type.Integer({
    minimum: 1,
    default: 100_000,
    description: 'Series read; those above are counted as refused.',
  }),
}

export type PullConfig = Static<TObject<typeof pullConfig>>
