import type { EventValue } from '@plimsoll/contracts/events.ts'

type Established = EventValue<'plimsoll.performance.v1.BaselineEstablished'>

/** What is normal for one series, as last established. Times are ms since the epoch. */
export type Baseline = {
  readonly baselineId: string
  readonly service: string
  readonly environment: string
  readonly endpoint: string
  readonly method: string
  readonly release: string
  readonly metric: string
  readonly unit: string
  readonly firmness: 'provisional' | 'firm'
  readonly establishedAt: number
  /** Requests behind the quantiles; null when the metric is not a latency. */
  readonly n: number | null
  readonly p50: number | null
  readonly p95: number | null
  readonly p99: number | null
  /** Requests per second. */
  readonly throughput: number | null
  /** Errors in % of requests. */
  readonly errorRate: number | null
}

/** The newest baseline of a series replaces the one before; a late or repeated event changes nothing. */
export function foldBaseline(current: Baseline | undefined, event: Established): Baseline {
  if (current !== undefined && current.establishedAt > event.at) return current
  const { baselineId, service, environment, endpoint, method, release, metric, unit, firmness, latency } = event
  return {
    baselineId,
    service,
    environment,
    endpoint,
    method,
    release,
    metric,
    unit,
    firmness,
    establishedAt: event.at,
    n: latency?.n ?? null,
    p50: latency?.p50 ?? null,
    p95: latency?.p95 ?? null,
    p99: latency?.p99 ?? null,
    throughput: event.throughput,
    errorRate: event.errorRate,
  }
}
