import { worstFirst } from './ranking.ts'

/** What is normal for a service, over its series. */
export type ServiceBaseline = {
  readonly service: string
  readonly environment: string
  /** Series with a baseline. */
  readonly series: number
  readonly firm: number
  /** Requests per second; null when no series states it. */
  readonly throughput: number | null
  /** Errors in % of requests; null when no series states it. */
  readonly errorRate: number | null
  /** The latency series with the most requests behind it, the whole service ('*') where there is one. */
  readonly endpoint: string | null
  readonly method: string | null
  readonly p95: number | null
}

/** What is open on a service, with its worst regression: latency before others, confirmed before suspected, by cost. */
export type ServiceRegressions = {
  readonly service: string
  readonly environment: string
  readonly confirmed: number
  readonly suspected: number
  /** Extra ms x req/s. */
  readonly cost: number
  readonly endpoint: string
  readonly method: string
  readonly metric: string
  readonly unit: string
  readonly before: number
  readonly after: number
}

/** One line of the page. */
export type ServiceLine = {
  readonly service: string
  readonly environment: string
  readonly state: 'confirmed' | 'suspected' | 'normal'
  readonly confirmed: number
  readonly suspected: number
  /** Extra ms x req/s over its open regressions. */
  readonly cost: number
  readonly throughput: number | null
  readonly errorRate: number | null
  readonly series: number
  readonly firm: number
  /** The one series that stands for the service; `after` is null while nothing is open on it. */
  readonly headline: {
    readonly endpoint: string
    readonly method: string
    readonly metric: string
    readonly unit: string
    readonly before: number
    readonly after: number | null
  } | null
}

/** Joins what is normal with what is not, worst first. A service may have either without the other. */
export function serviceLines(
  baselines: readonly ServiceBaseline[],
  regressions: readonly ServiceRegressions[],
): ServiceLine[] {
  const keyOf = ({ service, environment }: { service: string; environment: string }) => `${environment}\u0000${service}`
  const normal = new Map(baselines.map((baseline) => [keyOf(baseline), baseline]))
  const open = new Map(regressions.map((regression) => [keyOf(regression), regression]))
  const keys = new Set([...normal.keys(), ...open.keys()])
  return [...keys].map((key) => serviceLine(key, normal.get(key), open.get(key))).sort(worstFirst)
}

function serviceLine(
  key: string,
  normal: ServiceBaseline | undefined,
  open: ServiceRegressions | undefined,
): ServiceLine {
  const [environment = '', service = ''] = key.split('\u0000')
  return {
    service,
    environment,
    state: stateOf(open),
    confirmed: open?.confirmed ?? 0,
    suspected: open?.suspected ?? 0,
    cost: open?.cost ?? 0,
    throughput: normal?.throughput ?? null,
    errorRate: normal?.errorRate ?? null,
    series: normal?.series ?? 0,
    firm: normal?.firm ?? 0,
    headline: headlineOf(normal, open),
  }
}

function stateOf(open: ServiceRegressions | undefined): ServiceLine['state'] {
  if (open === undefined) return 'normal'
  return open.confirmed > 0 ? 'confirmed' : 'suspected'
}

function headlineOf(
  normal: ServiceBaseline | undefined,
  open: ServiceRegressions | undefined,
): ServiceLine['headline'] {
  if (open !== undefined) {
    const { endpoint, method, metric, unit, before, after } = open
    return { endpoint, method, metric, unit, before, after }
  }
  if (normal === undefined || normal.p95 === null || normal.endpoint === null) return null
  const { endpoint, method, p95 } = normal
  return { endpoint, method: method ?? '', metric: 'latency', unit: 'ms', before: p95, after: null }
}
