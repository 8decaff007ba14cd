/** Slow drifts: once a day every series' last month of hours is looked at, and what was told before is followed up. */

import type { Ticker } from '@plimsoll/kit/lanes/processor.ts'
import { driftOf, fateOf, HOUR_MS, hoursOf } from '../domain/regimes.ts'
import { episodeId } from '../domain/signal.ts'
import { driftSignals, isToldAround, openDrifts, seriesWithHours } from '../store/drifts.ts'
import { tables } from '../store/lane.ts'
import { endpointWindows } from '../store/queries.ts'
import { type NewSignal, saveSignals } from '../store/signals.ts'

const ROUND_MS = 24 * HOUR_MS
/** A month of hours of each is read: a few at a time, so that a night's round is never in anyone's way. */
const SERIES_AT_ONCE = 10
const SPAN_MS = 28 * ROUND_MS

type Round = { after: number; startedMs: number; done: boolean }

export const driftTicker: Ticker<Round> = {
  name: 'drift',
  version: 1,
  lanes: 1,
  everyMs: 2_000,
  load: async () => ({ after: 0, startedMs: 0, done: true }),
  async tick(round, tx, { now }) {
    if (round.done) {
      if (now() - round.startedMs < ROUND_MS) return {}
      Object.assign(round, { after: 0, startedMs: now(), done: false })
    }
    const batch = await seriesWithHours(tx, round.after, SERIES_AT_ONCE)
    round.after = batch.at(-1)?.id ?? round.after
    round.done = batch.length < SERIES_AT_ONCE
    for (const series of batch) {
      const range = {
        from: new Date(series.latest_at.getTime() - SPAN_MS),
        to: series.latest_at,
        resolution: '1h' as const,
      }
      const hours = hoursOf(series.metric, await endpointWindows(tables(tx), [series.owner_id], range))
      const signals: NewSignal[] = []
      for (const told of await openDrifts(tx, series.id)) {
        const fate = fateOf(told, hours)
        if (fate !== 'open') signals.push(driftSignals.ended(series, told, fate))
      }
      const drift = driftOf(series.metric, hours)
      if (drift !== undefined && !(await isToldAround(tx, series.id, drift.onsetMs))) {
        signals.push(driftSignals.found(series, drift, episodeId(series.id, drift.onsetMs)))
      }
      await saveSignals(tx, series.lane, signals)
    }
    return {}
  },
}
