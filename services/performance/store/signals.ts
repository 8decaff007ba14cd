/** Signals of stage 1: written by the lanes, taken in by the ticker `cause`. */

import { bulkUpsert } from '@plimsoll/kit/db/bulk.ts'
import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import type { Summary } from '../domain/detector.ts'
import type { Signal } from '../domain/signal.ts'
import type { LatencySummary } from '../domain/summary.ts'

/** A signal as it is written: of a lane's watched series, or of one that is known by its row. */
export type NewSignal = Omit<Signal, 'watched' | 'before' | 'after'> & {
  readonly watched: { readonly id: number }
  readonly before: Summary | LatencySummary
  readonly after: Summary | LatencySummary
}

/** Appends signals; one that is there already (the same transition of the same episode) stays as it is. */
export async function saveSignals(tx: WorkerTransaction, lane: number, all: readonly NewSignal[]): Promise<void> {
  const signals = [...new Map(all.map((signal) => [idOf(signal), signal])).values()]
  const number = (name: string, of: (signal: NewSignal) => number | null) => ({
    name,
    type: 'float8' as const,
    values: signals.map(of),
  })
  const text = (name: string, of: (signal: NewSignal) => string) => ({
    name,
    type: 'text' as const,
    values: signals.map(of),
  })
  await bulkUpsert(tx, {
    table: 'regression_signal',
    key: ['id'],
    onConflict: 'keep',
    columns: [
      text('id', idOf),
      text('episode_id', ({ episodeId }) => episodeId),
      { name: 'lane', type: 'int2', values: signals.map(() => lane) },
      { name: 'series_id', type: 'int8', values: signals.map(({ watched }) => watched.id) },
      text('state', ({ state }) => state),
      text('direction', ({ direction }) => direction),
      text('detector', ({ detector }) => detector),
      number('e_value', ({ eValue }) => eValue),
      { name: 'onset_at', type: 'timestamptz', values: signals.map(({ onsetMs }) => onsetMs) },
      { name: 'at', type: 'timestamptz', values: signals.map(({ atMs }) => atMs) },
      { name: 'before', type: 'jsonb', values: signals.map(({ before }) => storedSummary(before)) },
      { name: 'after', type: 'jsonb', values: signals.map(({ after }) => storedSummary(after)) },
      { name: 'before_histogram', type: 'bytea', values: signals.map(({ before }) => histogramOf(before)) },
      { name: 'after_histogram', type: 'bytea', values: signals.map(({ after }) => histogramOf(after)) },
      number('before_value', ({ beforeValue }) => beforeValue),
      number('after_value', ({ afterValue }) => afterValue),
      number('auc', ({ auc }) => auc),
      number('rate', ({ rate }) => rate),
      text('release', ({ release }) => release),
      text('reason', ({ reason }) => reason),
    ],
  })
}

const idOf = ({ episodeId, state, atMs }: NewSignal): string => `${episodeId}-${state}-${(atMs / 1000).toString(36)}`

const orNull = (value: number): number | null => (Number.isFinite(value) ? value : null)

const histogramOf = (summary: Summary | LatencySummary): Uint8Array | null =>
  'histogram' in summary ? (summary.histogram ?? null) : null

function storedSummary(summary: Summary | LatencySummary): LatencySummary {
  if ('mean' in summary) return summary
  const [low, high] = summary.p50Interval
  return {
    n: summary.n,
    p50: orNull(summary.p50),
    p50Low: orNull(low),
    p50High: orNull(high),
    p95: orNull(summary.p95),
    p95Low: null,
    p95High: null,
    p99: orNull(summary.p99),
    p99Low: null,
    p99High: null,
    mean: null,
  }
}
