/** What a service is ranked by. */
export type Severity = {
  readonly service: string
  readonly environment: string
  readonly confirmed: number
  readonly suspected: number
  /** Extra ms x req/s over its open regressions. */
  readonly cost: number
  /** Errors in % of requests; null when unknown. */
  readonly errorRate: number | null
  /** Requests per second; null when unknown. */
  readonly throughput: number | null
  readonly headline: { readonly before: number; readonly after: number | null } | null
}

/**
 * Worst first: a confirmed regression before a suspected one before none, then what costs users most time, then the
 * largest relative change, then errors, then traffic. The name decides last, so that equal services keep their places.
 */
export function worstFirst(a: Severity, b: Severity): number {
  return (
    rankOf(b) - rankOf(a) ||
    b.cost - a.cost ||
    growthOf(b) - growthOf(a) ||
    (b.errorRate ?? 0) - (a.errorRate ?? 0) ||
    (b.throughput ?? 0) - (a.throughput ?? 0) ||
    compareText(a.service, b.service) ||
    compareText(a.environment, b.environment)
  )
}

function rankOf(service: Severity): number {
  if (service.confirmed > 0) return 2
  return service.suspected > 0 ? 1 : 0
}

/** Log of the ratio, so that halving (throughput) weighs as much as doubling (latency). */
function growthOf({ headline }: Severity): number {
  if (headline === null || headline.after === null || !(headline.before > 0) || !(headline.after > 0)) return 0
  return Math.abs(Math.log(headline.after / headline.before))
}

function compareText(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
