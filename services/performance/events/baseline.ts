/** Keeps the standing baselines and tells when one is established, becomes firm, or belongs to a new release. */

import type { OutgoingEvent, Ticker } from '@plimsoll/kit/lanes/processor.ts'
import { LAG_MS, REFERENCE_MS, type Standing, standingOf } from '../domain/standing.ts'
import { type DueSeries, saveBaseline, seriesDue } from '../store/baselines.ts'
import { tables } from '../store/lane.ts'
import { endpointWindows, gaugeWindows, ownerIsGauge } from '../store/queries.ts'

/** Event time after which a baseline is made anew. */
const RENEW_MS = 60 * 60_000
const SERIES_AT_ONCE = 50

export const baselineTicker: Ticker<{ after: number }> = {
  name: 'baseline',
  version: 1,
  lanes: 1,
  everyMs: 2_000,
  load: async () => ({ after: 0 }),
  async tick(state, tx) {
    const events: OutgoingEvent[] = []
    const db = tables(tx)
    const due = await seriesDue(tx, RENEW_MS, state.after, SERIES_AT_ONCE)
    // Round and round: series too sparse for a baseline stay due and must not keep the others waiting.
    state.after = due.length < SERIES_AT_ONCE ? 0 : (due.at(-1)?.id ?? 0)
    for (const series of due) {
      const to = series.latest_at.getTime() - LAG_MS
      const range = { from: new Date(to - REFERENCE_MS), to: new Date(to), resolution: '1m' as const }
      const kind = (await ownerIsGauge(db, series.owner_id)) ? 'gauge' : 'endpoint'
      const windows =
        kind === 'gauge'
          ? await gaugeWindows(db, series.owner_id, range)
          : await endpointWindows(db, [series.owner_id], range)
      const standing = standingOf(series.metric, windows, kind, to - series.first_at.getTime())
      if (standing === undefined) continue
      await saveBaseline(tx, series, standing)
      if (standing.firmness !== series.known_firmness || series.release !== series.known_release) {
        events.push(established(series, standing))
      }
    }
    return { events }
  },
}

function established(series: DueSeries, standing: Standing): OutgoingEvent {
  const { service, endpoint, method, environment, release, metric, unit } = series
  const isLatency = metric === 'latency'
  return {
    type: 'plimsoll.performance.v1.BaselineEstablished',
    key: String(series.id),
    time: series.latest_at.getTime(),
    value: {
      baselineId: String(series.id),
      ...{ service, endpoint, method, environment, release, metric, unit },
      firmness: standing.firmness,
      from: standing.fromMs,
      at: series.latest_at.getTime(),
      latency: isLatency ? { ...standing.summary, histogram: standing.histogram } : null,
      throughput: metric === 'throughput' ? standing.value : null,
      errorRate: metric === 'error_rate' ? standing.value : null,
      value: metric === 'gauge' ? standing.value : null,
      acceptedShare: standing.acceptedShare,
    },
  }
}
