import type { EventValue } from '@plimsoll/contracts/events.ts'
import type { LatencySummary } from '@plimsoll/contracts/generated/types.ts'

type Detected = EventValue<'plimsoll.performance.v1.RegressionDetected'>
type Resolved = EventValue<'plimsoll.performance.v1.RegressionResolved'>

/** `suspected` and `confirmed` are open; `accepted` (a person said: this is the new normal) and `resolved` are closed. */
export type RegressionState = 'suspected' | 'confirmed' | 'accepted' | 'resolved'

export const openStates = ['suspected', 'confirmed'] as const satisfies readonly RegressionState[]

/** Quantiles in the series' unit with the ends of their 95 % intervals; null where n is too small. */
export type Quantiles = Omit<LatencySummary, 'histogram'>

/** One episode as its events so far tell it. Times are ms since the epoch; values are in `unit`. */
export type Regression = {
  readonly regressionId: string
  readonly service: string
  readonly environment: string
  readonly endpoint: string
  readonly method: string
  readonly release: string
  readonly metric: string
  readonly unit: string
  readonly state: RegressionState
  readonly direction: 'up' | 'down' | null
  readonly detector: string
  readonly onsetAt: number
  readonly detectedAt: number | null
  readonly resolvedAt: number | null
  /** Time of the newest event applied. */
  readonly changedAt: number
  readonly beforeValue: number
  /** Since the onset, as last stated while it was open. */
  readonly afterValue: number
  readonly before: Quantiles | null
  readonly after: Quantiles | null
  /** Packed histograms (contracts/histogram). */
  readonly beforeHistogram: Uint8Array | null
  readonly afterHistogram: Uint8Array | null
  readonly auc: number | null
  readonly eValue: number | null
  readonly falseAlarmBudget: number | null
  /** Extra ms x req/s. */
  readonly cost: number | null
  readonly symptoms: readonly string[]
  readonly suspects: readonly string[]
  readonly reason: string
}

/**
 * The newest event of an episode is its state. An older one that arrives late, or one applied before, changes nothing.
 * @param at event time, ms since the epoch
 */
export function foldDetected(current: Regression | undefined, event: Detected, at: number): Regression {
  if (current !== undefined && current.changedAt > at) return current
  return {
    ...seriesOf(event),
    regressionId: event.regressionId,
    unit: event.unit,
    state: event.state,
    direction: event.direction,
    detector: event.detector,
    onsetAt: event.onsetAt,
    detectedAt: event.detectedAt,
    resolvedAt: null,
    changedAt: at,
    beforeValue: event.beforeValue,
    afterValue: event.afterValue,
    before: quantilesOf(event.before),
    after: quantilesOf(event.after),
    beforeHistogram: event.before.histogram,
    afterHistogram: event.after.histogram,
    auc: event.auc,
    eValue: event.eValue,
    falseAlarmBudget: event.falseAlarmBudget,
    cost: event.cost,
    symptoms: event.symptoms,
    suspects: event.suspects,
    reason: event.reason,
  }
}

/**
 * Closes an episode and keeps its evidence, the value it had while it was open included. An episode never seen open (its
 * facts have aged out) has none to keep.
 */
export function foldResolved(current: Regression | undefined, event: Resolved, at: number): Regression {
  if (current !== undefined && current.changedAt > at) return current
  const evidence = current ?? {
    direction: null,
    detector: '',
    detectedAt: null,
    beforeValue: event.beforeValue,
    afterValue: event.afterValue,
    before: null,
    after: null,
    beforeHistogram: null,
    afterHistogram: null,
    auc: null,
    eValue: null,
    falseAlarmBudget: null,
    cost: null,
    symptoms: [],
    suspects: [],
  }
  return {
    ...evidence,
    ...seriesOf(event),
    regressionId: event.regressionId,
    unit: event.unit,
    state: 'resolved',
    onsetAt: event.onsetAt,
    resolvedAt: event.resolvedAt,
    changedAt: at,
    reason: event.reason,
  }
}

function seriesOf(event: Detected | Resolved) {
  const { service, environment, endpoint, method, release, metric } = event
  return { service, environment, endpoint, method, release, metric }
}

function quantilesOf(summary: Detected['before']): Quantiles {
  const { histogram: _, ...quantiles } = summary
  return quantiles
}
