import { Type } from 'typebox'
import { defaultSelection } from './domain/selection.ts'

/** The pull's share of the gateway's configuration. Nothing is pulled while `prometheusUrl` is not set. */
export const pullConfig = {
  prometheusUrl: Type.Optional(
    Type.String({
      format: 'uri',
      description: 'A Prometheus to read from (or Mimir, Thanos, VictoriaMetrics), up to but without /api/v1.',
    }),
  ),
  prometheusName: Type.String({ minLength: 1, default: 'prometheus', description: 'What the source is called.' }),
  prometheusToken: Type.Optional(Type.String({ minLength: 1, secret: true, description: 'Bearer token it asks for.' })),
  prometheusUser: Type.Optional(Type.String({ minLength: 1, description: 'User of basic authentication.' })),
  prometheusPassword: Type.Optional(Type.String({ secret: true, description: 'Password of basic authentication.' })),
  prometheusMetrics: Type.String({
    minLength: 1,
    default: defaultSelection,
    description: 'Metrics to read: a regular expression that has to match the whole name.',
  }),
  prometheusStepSeconds: Type.Integer({
    minimum: 0,
    maximum: 300,
    default: 0,
    description: 'Distance between samples, seconds; 0 takes the interval the Prometheus scrapes at.',
  }),
  prometheusDelaySeconds: Type.Integer({
    minimum: 0,
    default: 15,
    description: 'How long samples are given to arrive there before they are read, seconds.',
  }),
  prometheusBackfillHours: Type.Number({
    minimum: 0,
    maximum: 71,
    default: 24,
    description: 'History read at first contact, hours; the metric stream itself keeps 72.',
  }),
  prometheusQueriesPerSecond: Type.Number({ exclusiveMinimum: 0, default: 20, description: 'Most queries a second.' }),
  prometheusMaxSeries: Type.Integer({
    minimum: 1,
    default: 100_000,
    description: 'Series read; those above are counted as refused.',
  }),
}

export type PullConfig = {
  readonly prometheusUrl?: string
  readonly prometheusName: string
  readonly prometheusToken?: string
  readonly prometheusUser?: string
  readonly prometheusPassword?: string
  readonly prometheusMetrics: string
  readonly prometheusStepSeconds: number
  readonly prometheusDelaySeconds: number
  readonly prometheusBackfillHours: number
  readonly prometheusQueriesPerSecond: number
  readonly prometheusMaxSeries: number
}
