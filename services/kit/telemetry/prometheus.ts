import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Metrics } from './metrics.ts'

// prom-client's names of what it measures of the process and the runtime; everything else is ours.
const ownName = /^plimsoll_[a-z0-9_]+$/

/**
 * The registry behind /metrics, with the process's own metrics unless `processMetrics` is false.
 * @example const metrics = createMetrics(); metrics.counter('plimsoll_things_total', 'Things seen.').inc()
 */
export function createMetrics({ processMetrics = true }: { processMetrics?: boolean } = {}): Metrics {
  const registry = new Registry()
  const collectors: (() => void)[] = []
  if (processMetrics) collectDefaultMetrics({ register: registry })

  function once<Metric>(name: string, create: () => Metric): Metric {
    if (!ownName.test(name))
      throw new RangeError(`"${name}" is not a metric's name here: plimsoll_<noun>_<unit>[_total], in lower case`)
    // Services of one process share the registry; who asks first creates it.
    return (registry.getSingleMetric(name) as Metric | undefined) ?? create()
  }

  return {
    counter: (name, help, labels = []) =>
      once(name, () => new Counter({ name, help, labelNames: [...labels], registers: [registry] })),
    gauge: (name, help, labels = []) =>
      once(name, () => new Gauge({ name, help, labelNames: [...labels], registers: [registry] })),
    histogram: (name, help, labels = [], buckets) =>
      once(
        name,
        () =>
          new Histogram({
            name,
            help,
            labelNames: [...labels],
            registers: [registry],
            ...(buckets && { buckets: [...buckets] }),
          }),
      ),
    onCollect: (collect) => void collectors.push(collect),
    expose() {
      for (const collect of collectors) collect()
      return registry.metrics()
    },
  }
}
