import type { Metrics } from '@plimsoll/kit/telemetry/metrics.ts'
import type { Ingestion } from '../ingestion.ts'

/** The ledger as metrics. Hot paths keep plain numbers; they are handed over at each scrape. */
export function exposeIngestion(metrics: Metrics, ingestion: Ingestion): void {
  const by = ['source', 'protocol'] as const
  const requests = metrics.counter('plimsoll_gateway_requests_total', 'Requests accepted.', by)
  const repeats = metrics.counter(
    'plimsoll_gateway_repeated_requests_total',
    'Requests, of usage events, that came again.',
    by,
  )
  const points = metrics.counter('plimsoll_gateway_accepted_total', 'Points, spans and facts accepted.', [
    ...by,
    'kind',
  ])
  const bytes = metrics.counter('plimsoll_gateway_received_bytes_total', 'Bytes of accepted bodies.', by)
  const refused = metrics.counter('plimsoll_gateway_refused_total', 'Elements refused.', [...by, 'reason'])
  const inFlight = metrics.gauge('plimsoll_gateway_in_flight_bytes', 'Bytes of requests that wait for the broker.')
  const series = metrics.gauge('plimsoll_gateway_series_count', 'Series known.')

  metrics.onCollect(() => {
    inFlight.set(ingestion.inFlightBytes())
    series.set(ingestion.seriesCount())
    for (const metric of [requests, repeats, points, bytes, refused]) metric.reset()
    for (const { source, protocol, counts, refused: reasons } of ingestion.ledger.entries()) {
      const labels = { source, protocol }
      requests.inc(labels, counts.requests)
      repeats.inc(labels, counts.repeats)
      bytes.inc(labels, counts.bytes)
      for (const kind of ['samples', 'histograms', 'exemplars', 'spans', 'events'] as const) {
        if (counts[kind] > 0) points.inc({ ...labels, kind }, counts[kind])
      }
      for (const [reason, { count }] of reasons) refused.inc({ ...labels, reason }, count)
    }
  })
}
