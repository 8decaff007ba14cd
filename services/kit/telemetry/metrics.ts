import type { Counter, Gauge, Histogram } from 'prom-client'

/** The one registry behind /metrics. Names are `plimsoll_<noun>_<unit>[_total]`; asking twice gives the same metric. */
export type Metrics = {
  counter(name: string, help: string, labels?: readonly string[]): Counter
  gauge(name: string, help: string, labels?: readonly string[]): Gauge
  histogram(name: string, help: string, labels?: readonly string[], buckets?: readonly number[]): Histogram
  /** Called at each scrape: hot paths keep plain numbers and hand them over here. */
  onCollect(collect: () => void): void
  expose(): Promise<string>
}
