/** Alarms that only the mix of requests explains: kept as signals that became no regression, and looked at again. */

import type { ReaderDatabase, WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import { sql } from 'kysely'
import { tables } from './lane.ts'
import type { PlaceFilter } from './queries.ts'
import { type SignalWithSeries, signalsWithSeries } from './regressions.ts'
import type { Tables } from './tables.ts'

/** Notes on the signal why and up to when its alarm is withheld, and the distributions that show it. */
export async function withhold(tx: WorkerTransaction, signal: SignalWithSeries): Promise<void> {
  const { at, before, after, before_histogram, after_histogram, before_value, after_value, auc, reason } = signal
  await tables(tx)
    .updateTable('regression_signal')
    .set({
      withheld_at: at,
      withheld_reason: reason,
      before: sql`${JSON.stringify(before)}::jsonb`,
      after: sql`${JSON.stringify(after)}::jsonb`,
      before_histogram: before_histogram && Buffer.from(before_histogram),
      after_histogram: after_histogram && Buffer.from(after_histogram),
      ...{ before_value, after_value, auc },
    })
    .where('id', '=', signal.id)
    .execute()
}

const MINUTE_MS = 60_000
/** Withheld alarms are looked at again by stretches of this long: eight tests of 0.3 % until the mix is a new regime. */
const LOOKED_AT_MS = 15 * MINUTE_MS

/**
 * Withheld alarms of episodes that are still open, the latest of each, as alarms of what came since they were looked at.
 * Their detectors take the changed mix for a change they have told, and say nothing new when the endpoint becomes slower.
 */
export async function openWithheld(tx: WorkerTransaction): Promise<SignalWithSeries[]> {
  const rows = await signalsWithSeries(tables(tx))
    .select(['series.latest_at', 'series.episode_told'])
    .distinctOn('regression_signal.series_id')
    .where('regression_signal.withheld_at', 'is not', null)
    .where('regression_signal.detector', '<>', 'drift')
    .whereRef('regression_signal.at', '>=', 'series.episode_at')
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('regression_episode')
            .select('regression_episode.episode_id')
            .whereRef('regression_episode.episode_id', '=', 'regression_signal.episode_id'),
        ),
      ),
    )
    .orderBy('regression_signal.series_id')
    .orderBy('regression_signal.at', 'desc')
    .execute()
  return rows
    .map(({ latest_at, episode_told, ...signal }) => ({
      ...signal,
      at: latest_at,
      onset_at: new Date((signal.withheld_at ?? signal.at).getTime() + MINUTE_MS),
      e_value: Math.max(signal.e_value, episode_told),
    }))
    .filter(({ at, onset_at }) => at.getTime() - onset_at.getTime() >= LOOKED_AT_MS)
}

/** Newest first. */
export function listWithheld(
  db: ReaderDatabase<Tables>,
  filter: PlaceFilter & { readonly after?: { readonly at: Date; readonly id: string } },
  limit: number,
): Promise<SignalWithSeries[]> {
  let query = signalsWithSeries(db)
    .where('regression_signal.withheld_at', 'is not', null)
    .orderBy('regression_signal.at', 'desc')
    .orderBy('regression_signal.id', 'desc')
    .limit(limit)
  if (filter.service !== undefined) query = query.where('series.service', '=', filter.service)
  if (filter.environment !== undefined) query = query.where('series.environment', '=', filter.environment)
  const { after } = filter
  if (after !== undefined) {
    query = query.where(
      sql<boolean>`(regression_signal.at, regression_signal.id) < (${after.at}::timestamptz, ${after.id})`,
    )
  }
  return query.execute()
}
