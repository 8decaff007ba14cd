/** The requests before and since a change, from the windows kept: what the verdict of a histogram series is told with. */

import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import { latenciesOf } from '../domain/chart.ts'
import { type CostShift, costShift, describeCostShift, type SizeGate } from '../domain/costshift.ts'
import { encodeHistogram } from '../domain/histogramcodec.ts'
import { compareRequests, describeRequests } from '../domain/randomeffects.ts'
import { REFERENCE_MS } from '../domain/standing.ts'
import { pooled, type Strata, strataByStart } from '../domain/strata.ts'
import { summarise } from '../domain/summary.ts'
import { tables } from './lane.ts'
import { endpointWindows } from './queries.ts'
import type { SignalWithSeries } from './regressions.ts'

const MINUTE_MS = 60_000
/** A drift is told against the week before it, so that hours of the day weigh alike. */
const DRIFT_REFERENCE_MS = 7 * 24 * 60 * MINUTE_MS

/** An alarm with the distributions it is told with. */
export type Alarm = {
  readonly signal: SignalWithSeries
  /** Whose doing a rise of request latencies is. */
  readonly cause: CostShift['cause']
}

/**
 * The signal with both histograms, their quantiles and what they say of it; as it was where the series is not one of
 * request latencies.
 */
export async function withDistributions(
  tx: WorkerTransaction,
  signal: SignalWithSeries,
  gate: SizeGate,
): Promise<Alarm> {
  const unchanged = { signal, cause: 'unclear' as const }
  if (signal.metric !== 'latency' || signal.quantile !== '') return unchanged
  const drift = signal.detector === 'drift'
  // The onset is the end of the first window of the change; a drift is dated by the start of its first hour.
  const changed = signal.onset_at.getTime() - (drift ? 0 : MINUTE_MS)
  const windows = await endpointWindows(tables(tx), [signal.owner_id], {
    from: new Date(changed - (drift ? DRIFT_REFERENCE_MS : REFERENCE_MS)),
    to: new Date(signal.at.getTime() - MINUTE_MS),
    resolution: drift ? '1h' : '1m',
  })
  const before = latenciesOf(windows.filter(({ t }) => t.getTime() < changed))
  const after = latenciesOf(windows.filter(({ t }) => t.getTime() >= changed))
  if (before.count === 0 || after.count === 0) return unchanged
  const [was, is] = [summarise(before), summarise(after)]
  const strata = [...strataByStart(windows)]
  const { cause, ...requestLevel } = judgeRequests(
    signal,
    strata.filter(([start]) => start < changed).map(([, minute]) => minute),
    strata.filter(([start]) => start >= changed).map(([, minute]) => minute),
    gate,
  )
  return {
    signal: {
      ...signal,
      before: was,
      after: is,
      before_histogram: encodeHistogram(before),
      after_histogram: encodeHistogram(after),
      ...requestLevel,
      // One quantile for both, or they could not be compared.
      ...(was.p95 !== null && is.p95 !== null
        ? { before_value: was.p95, after_value: is.p95 }
        : { before_value: was.p50 ?? signal.before_value, after_value: is.p50 ?? signal.after_value }),
    },
    cause,
  }
}

/** The AUC of the requests themselves, and what a rise of them is: the endpoint's, the mix of its traffic, or chance. */
function judgeRequests(
  { direction, detector, reason, auc }: SignalWithSeries,
  before: readonly Strata[],
  since: readonly Strata[],
  gate: SizeGate,
): Pick<SignalWithSeries, 'auc' | 'reason'> & Pick<Alarm, 'cause'> {
  // Hours follow the day: what they differ by is no measure of chance.
  const comparison = detector === 'drift' ? undefined : compareRequests(before.map(pooled), since.map(pooled))
  const shift = direction === 'up' ? costShift(before, since, gate) : undefined
  const told =
    shift !== undefined
      ? [reason, describeCostShift(shift)]
      : comparison !== undefined && direction === 'up'
        ? [reason, describeRequests(comparison)]
        : [reason]
  return { auc: comparison?.auc ?? auc, reason: told.join('; '), cause: shift?.cause ?? 'unclear' }
}
