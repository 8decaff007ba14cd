/** What the fold did with samples, as Prometheus counters: nothing is set aside silently. */

import type { Metrics } from '@plimsoll/kit/telemetry/metrics.ts'
import type { Fold, FoldCounts } from '../domain/fold.ts'

const outcomes: Readonly<Record<keyof FoldCounts, string>> = {
  samples: 'read',
  ignored: 'ignored',
  repeated: 'repeated',
  late: 'late',
  empty: 'empty',
  overflow: 'overflow',
}

/** Hands a lane's counts over and starts them anew. Counts of a batch that is tried again are counted again. */
export function foldMetrics(metrics: Metrics): (fold: Fold) => void {
  const samples = metrics.counter(
    'plimsoll_performance_samples_total',
    'Samples by what became of them: read, of series that mean nothing here, repeated, late for their window, not a number, of endpoints beyond the cap.',
    ['outcome'],
  )
  const series = metrics.gauge('plimsoll_performance_lane_series', 'Series a lane keeps.', ['lane'])
  return (fold) => {
    for (const name of Object.keys(outcomes) as (keyof FoldCounts)[]) {
      if (fold.counts[name] > 0) samples.inc({ outcome: outcomes[name] }, fold.counts[name])
      fold.counts[name] = 0
    }
    series.set({ lane: String(fold.lane) }, fold.table.count)
  }
}
