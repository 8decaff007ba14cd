/** The requests before and since a change, from the windows kept: what the verdict of a histogram series is told with. */

import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import { type ChartWindow, latenciesOf } from '../domain/chart.ts'
import type { Histogram } from '../domain/histogram.ts'
import { encodeHistogram } from '../domain/histogramcodec.ts'
import { compareRequests, describeRequests } from '../domain/randomeffects.ts'
import { REFERENCE_MS } from '../domain/standing.ts'
import { summarise } from '../domain/summary.ts'
import { tables } from './lane.ts'
import { endpointWindows } from './queries.ts'
import type { SignalWithSeries } from './regressions.ts'

const MINUTE_MS = 60_000
/** A drift is told against the week before it, so that hours of the day weigh alike. */
const DRIFT_REFERENCE_MS = 7 * 24 * 60 * MINUTE_MS

/** The signal with both histograms and their quantiles; as it was where the series is not one of request latencies. */
export async function withDistributions(tx: WorkerTransaction, signal: SignalWithSeries): Promise<SignalWithSeries> {
  if (signal.metric !== 'latency' || signal.quantile !== '') return signal
  const drift = signal.detector === 'drift'
  // The onset is the end of the first window of the change; a drift is dated by the start of its first hour.
  const changed = signal.onset_at.getTime() - (drift ? 0 : MINUTE_MS)
  const windows = await endpointWindows(tables(tx), [signal.owner_id], {
    from: new Date(changed - (drift ? DRIFT_REFERENCE_MS : REFERENCE_MS)),
    to: new Date(signal.at.getTime() - MINUTE_MS),
    resolution: drift ? '1h' : '1m',
  })
  const windowsBefore = windows.filter(({ t }) => t.getTime() < changed)
  const windowsAfter = windows.filter(({ t }) => t.getTime() >= changed)
  const before = latenciesOf(windowsBefore)
  const after = latenciesOf(windowsAfter)
  if (before.count === 0 || after.count === 0) return signal
  const [was, is] = [summarise(before), summarise(after)]
  return {
    ...signal,
    before: was,
    after: is,
    before_histogram: encodeHistogram(before),
    after_histogram: encodeHistogram(after),
    ...(drift ? {} : requestLevel(signal, windowsBefore, windowsAfter)),
    // One quantile for both, or they could not be compared.
    ...(was.p95 !== null && is.p95 !== null
      ? { before_value: was.p95, after_value: is.p95 }
      : { before_value: was.p50 ?? signal.before_value, after_value: is.p50 ?? signal.after_value }),
  }
}

/** The AUC of the requests themselves, and whether a rise goes beyond what minutes vary by. */
function requestLevel(
  { direction, reason, auc }: SignalWithSeries,
  before: readonly ChartWindow[],
  after: readonly ChartWindow[],
): Pick<SignalWithSeries, 'auc' | 'reason'> {
  const comparison = compareRequests(minutesOf(before), minutesOf(after))
  if (comparison === undefined) return { auc, reason }
  const told = direction === 'up' ? `${reason}; ${describeRequests(comparison)}` : reason
  return { auc: comparison.auc, reason: told }
}

function minutesOf(windows: readonly ChartWindow[]): Histogram[] {
  return [...Map.groupBy(windows, ({ t }) => t.getTime()).values()].map(latenciesOf)
}
