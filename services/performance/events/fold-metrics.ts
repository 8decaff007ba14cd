/** What the fold did with samples, as Prometheus counters: nothing is set aside silently. */

import { laneToken } from '@plimsoll/contracts/lane.ts'
import type { Metrics } from '@plimsoll/kit/telemetry/metrics.ts'
import type { FoldCounts } from '../domain/fold.ts'
import type { Forgotten } from '../domain/forget.ts'
import type { Lane } from '../domain/lane.ts'

const outcomes: Readonly<Record<keyof FoldCounts, string>> = {
  samples: 'read',
  ignored: 'ignored',
  repeated: 'repeated',
  late: 'late',
  empty: 'empty',
  overflow: 'overflow',
}

export type LaneCounter = (lane: Lane, forgotten: Forgotten | undefined) => void

/** Hands a lane's counts over and starts them anew. Counts of a batch that is tried again are counted again. */
export function foldMetrics(metrics: Metrics): LaneCounter {
  const samples = metrics.counter(
    'plimsoll_performance_samples_total',
    'Samples by what became of them: read, of series that mean nothing here, repeated, late for their window, not a number, of endpoints beyond the cap.',
    ['outcome'],
  )
  const series = metrics.gauge('plimsoll_performance_lane_series', 'Series a lane keeps.', ['lane'])
  const owners = metrics.gauge('plimsoll_performance_lane_endpoints', 'Endpoints and gauges a lane keeps.', ['lane'])
  const gone = metrics.counter(
    'plimsoll_performance_forgotten_total',
    'Series, endpoints and gauges forgotten because nothing was heard of them any more.',
    ['what'],
  )
  return ({ fold }, forgotten) => {
    for (const name of Object.keys(outcomes) as (keyof FoldCounts)[]) {
      if (fold.counts[name] > 0) samples.inc({ outcome: outcomes[name] }, fold.counts[name])
      fold.counts[name] = 0
    }
    const lane = laneToken(fold.lane)
    series.set({ lane }, fold.table.count)
    owners.set({ lane }, fold.endpoints.length + fold.gauges.length)
    for (const what of ['series', 'endpoints', 'gauges'] as const) {
      if (forgotten !== undefined && forgotten[what] > 0) gone.inc({ what }, forgotten[what])
    }
  }
}
