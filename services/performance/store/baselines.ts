/** Standing baselines: one row per series, renewed as its reference moves on. */

import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import { type Selectable, sql } from 'kysely'
import type { Standing } from '../domain/standing.ts'
import { tables } from './lane.ts'
import type { SeriesTable } from './tables.ts'

export type DueSeries = Selectable<SeriesTable> & {
  readonly known_firmness: 'provisional' | 'firm' | null
  readonly known_release: string | null
}

/**
 * Series behind `after` in order of id without a baseline, or with one older than `renewMs` of event time, that are in no
 * episode.
 */
export async function seriesDue(
  tx: WorkerTransaction,
  renewMs: number,
  after: number,
  limit: number,
): Promise<DueSeries[]> {
  return await tables(tx)
    .selectFrom('series')
    .leftJoin('baseline', 'baseline.series_id', 'series.id')
    .selectAll('series')
    .select(['baseline.firmness as known_firmness', 'baseline.release as known_release'])
    .where('series.id', '>', after)
    .where('series.windows', '>=', 35)
    .where('series.episode_at', 'is', null)
    .where((eb) =>
      eb.or([
        eb('baseline.at', 'is', null),
        sql<boolean>`series.latest_at > baseline.at + ${renewMs / 1000} * interval '1 second'`,
      ]),
    )
    .orderBy('series.id')
    .limit(limit)
    .execute()
}

export async function saveBaseline(tx: WorkerTransaction, series: DueSeries, standing: Standing): Promise<void> {
  const values = {
    series_id: series.id,
    firmness: standing.firmness,
    from_at: new Date(standing.fromMs),
    at: series.latest_at,
    release: series.release,
    summary: sql<Standing['summary']>`${JSON.stringify(standing.summary)}::jsonb`,
    histogram: standing.histogram && Buffer.from(standing.histogram),
    value: standing.value,
    accepted_share: standing.acceptedShare,
  }
  const { series_id: _, ...rest } = values
  await tables(tx)
    .insertInto('baseline')
    .values(values)
    .onConflict((conflict) => conflict.column('series_id').doUpdateSet(rest))
    .execute()
}
