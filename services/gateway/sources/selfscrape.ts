import { hostname } from 'node:os'
import type { Clock } from '@plimsoll/kit/clock.ts'
import type { Metrics } from '@plimsoll/kit/telemetry/metrics.ts'
import { parsePrometheusText } from '../decode/prometheustext.ts'
import type { GivenSeries, Ingestion } from '../ingestion.ts'

/** What the platform is called among its own sources. */
export const SELF = 'plimsoll'

/** One scrape of this process' own registry, as a source like any other. */
export async function scrapeSelf(metrics: Metrics, ingestion: Ingestion, clock: Clock): Promise<void> {
  const timeMs = clock.now()
  const instance = `${hostname()}:${process.pid}`
  const series: GivenSeries[] = parsePrometheusText(await metrics.expose()).map(({ labels, kind, value }) => ({
    labels: [
      ...labels.filter(([name]) => name !== 'job' && name !== 'instance'),
      ['job', SELF],
      ['instance', instance],
    ],
    kind,
    samples: [{ timeMs, value }],
  }))
  await ingestion.ingestSeries(SELF, 'self-scrape', `${instance} ${timeMs}`, series)
}
