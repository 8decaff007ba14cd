/** What the ticker `drift` reads and writes. */

import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import { type Selectable, sql } from 'kysely'
import type { Drift, DriftFate, HourlyMetric } from '../domain/regimes.ts'
import { tables } from './lane.ts'
import type { NewSignal } from './signals.ts'
import type { SeriesTable } from './tables.ts'

export type DriftSeries = Selectable<SeriesTable> & { readonly metric: HourlyMetric }

/** Series of requests behind `after` in order of id that are measured still. */
export async function seriesWithHours(tx: WorkerTransaction, after: number, limit: number): Promise<DriftSeries[]> {
  const rows = await tables(tx)
    .selectFrom('series')
    .selectAll()
    .where('id', '>', after)
    .where('kind', 'in', ['latency', 'errors'])
    .where('quantile', '=', '')
    .where('metric', 'in', ['latency', 'error_rate'])
    .where('latest_at', '>', (eb) =>
      eb.selectFrom('series').select(sql<Date>`max(latest_at) - interval '1 day'`.as('recently')),
    )
    .orderBy('id')
    .limit(limit)
    .execute()
  return rows as DriftSeries[]
}

export type ToldDrift = {
  readonly episodeId: string
  readonly onsetMs: number
  readonly before: number
  readonly after: number
}

/** Drifts of a series that are open. */
export async function openDrifts(tx: WorkerTransaction, seriesId: number): Promise<ToldDrift[]> {
  const rows = await tables(tx)
    .selectFrom('regression_signal as signal')
    .innerJoin('regression_episode as episode', 'episode.episode_id', 'signal.episode_id')
    .select(['signal.episode_id', 'signal.onset_at', 'signal.before_value', 'signal.after_value'])
    .where('signal.series_id', '=', seriesId)
    .where('signal.detector', '=', 'drift')
    .where('signal.state', '=', 'confirmed')
    .where('episode.state', 'in', ['suspected', 'confirmed'])
    .execute()
  return rows.map((row) => ({
    episodeId: row.episode_id,
    onsetMs: row.onset_at.getTime(),
    before: row.before_value,
    after: row.after_value,
  }))
}

/** A change of a series is one, whoever dates it, and whenever: two dates of it are at most this far apart. */
const SAME_CHANGE_MS = 36 * 3_600_000

/** Whether a change of the series around then has been told by any detector; one that was withheld is looked at again. */
export async function isToldAround(tx: WorkerTransaction, seriesId: number, onsetMs: number): Promise<boolean> {
  const row = await tables(tx)
    .selectFrom('regression_signal')
    .select('id')
    .where('series_id', '=', seriesId)
    .where('onset_at', '>=', new Date(onsetMs - SAME_CHANGE_MS))
    .where('onset_at', '<=', new Date(onsetMs + SAME_CHANGE_MS))
    .where('withheld_at', 'is', null)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

function signal(series: DriftSeries, onsetMs: number) {
  return {
    watched: { id: series.id },
    direction: 'up' as const,
    onsetMs,
    atMs: series.latest_at.getTime(),
    auc: null,
    rate: null,
    release: series.release,
  }
}

const round = (value: number): string => String(Number(value.toPrecision(3)))

export const driftSignals = {
  /** The detector is sure; whether it is confirmed among all series is for the ticker `cause` to say. */
  found(series: DriftSeries, drift: Drift, episodeId: string): NewSignal {
    const share = drift.before > 0 ? ` (+${Math.round((drift.after / drift.before - 1) * 100)} %)` : ''
    return {
      ...signal(series, drift.onsetMs),
      episodeId,
      state: 'confirmed',
      detector: 'drift',
      eValue: drift.eValue,
      before: drift.beforeSummary,
      after: drift.afterSummary,
      beforeValue: drift.before,
      afterValue: drift.after,
      reason: `Hour by hour ${round(drift.before)} -> ${round(drift.after)} ${series.unit}${share} since ${new Date(drift.onsetMs).toISOString()}.`,
    }
  },
  ended(series: DriftSeries, told: ToldDrift, fate: Exclude<DriftFate, 'open'>): NewSignal {
    const value = { n: 0, p50: null, p50Low: null, p50High: null, p95: null, p95Low: null, p95High: null }
    const nothing = { ...value, p99: null, p99Low: null, p99High: null, mean: null }
    return {
      ...signal(series, told.onsetMs),
      episodeId: told.episodeId,
      state: fate,
      detector: 'drift',
      eValue: 0,
      before: nothing,
      after: nothing,
      beforeValue: told.before,
      afterValue: fate === 'resolved' ? told.before : told.after,
      reason:
        fate === 'resolved'
          ? `Back to about ${round(told.before)} ${series.unit}.`
          : 'New regime: it has stayed for a week.',
    }
  },
}

/** A person's decision: no lane has a drift's episode, so its end is written here. */
export async function acceptDrifts(tx: WorkerTransaction, regressionId: string): Promise<void> {
  await sql`
    insert into regression_signal (id, episode_id, lane, series_id, state, direction, detector, e_value, onset_at, at,
      before, after, before_value, after_value, auc, rate, release, reason)
    select signal.episode_id || '-accepted', signal.episode_id, signal.lane, signal.series_id, 'accepted',
      signal.direction, 'person', 0, signal.onset_at, signal.at, signal.before, signal.after, signal.before_value,
      signal.after_value, signal.auc, signal.rate, signal.release, 'Accepted as the new normal.'
    from regression_signal signal join regression_episode episode on episode.episode_id = signal.episode_id
    where episode.regression_id = ${regressionId} and episode.state in ('suspected', 'confirmed')
      and signal.detector = 'drift' and signal.state = 'confirmed'
    on conflict (id) do nothing
  `.execute(tables(tx))
}
