/** Regressions: what the ticker `cause` makes of signals, and what people decide about them. */

import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import { type Kysely, type Selectable, sql } from 'kysely'
import type { Told } from '../domain/grouping.ts'
import { subjectOf } from '../domain/meaning.ts'
import { acceptDrifts } from './drifts.ts'
import { tables } from './lane.ts'
import { noticeAccepted } from './notices.ts'
import type { RegressionTable, SeriesTable, SignalState, SignalTable, Tables } from './tables.ts'

export type SignalRow = Selectable<SignalTable>
export type RegressionRow = Selectable<RegressionTable>
export type SignalWithSeries = SignalRow &
  Pick<
    Selectable<SeriesTable>,
    'owner_id' | 'service' | 'environment' | 'endpoint' | 'method' | 'metric' | 'unit' | 'quantile'
  >

/** Signals, each with the series it is about. */
export function signalsWithSeries(db: Pick<Kysely<Tables>, 'selectFrom'>) {
  return db
    .selectFrom('regression_signal')
    .innerJoin('series', 'series.id', 'regression_signal.series_id')
    .selectAll('regression_signal')
    .select(['series.owner_id', 'series.service', 'series.environment', 'series.endpoint', 'series.method'])
    .select(['series.metric', 'series.unit', 'series.quantile'])
}

/** The oldest signals that were not taken in yet, by event time. */
export function waitingSignals(tx: WorkerTransaction, limit: number): Promise<SignalWithSeries[]> {
  return signalsWithSeries(tables(tx))
    .where('regression_signal.taken', '=', false)
    .orderBy('regression_signal.at')
    .orderBy('regression_signal.id')
    .limit(limit)
    .execute()
}

export async function markTaken(tx: WorkerTransaction, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  await tables(tx)
    .updateTable('regression_signal')
    .set({ taken: true })
    .where('id', 'in', [...ids])
    .execute()
}

/** Regressions whose onset lies within `spanMs` of a time. */
export async function toldAround(tx: WorkerTransaction, onsetMs: number, spanMs: number): Promise<Told[]> {
  const rows = await tables(tx)
    .selectFrom('regression')
    .select(['id', 'environment', 'service', 'endpoint', 'onset_at'])
    .where('onset_at', '>=', new Date(onsetMs - spanMs))
    .where('onset_at', '<=', new Date(onsetMs + spanMs))
    .orderBy('onset_at')
    .orderBy('id')
    .execute()
  return rows.map((row) => ({
    regressionId: row.id,
    environment: row.environment,
    subject: subjectOf(row),
    onsetMs: row.onset_at.getTime(),
  }))
}

export async function episodeOf(tx: WorkerTransaction, episodeId: string) {
  return await tables(tx)
    .selectFrom('regression_episode')
    .selectAll()
    .where('episode_id', '=', episodeId)
    .executeTakeFirst()
}

/** Takes a signal into its episode; one of growing evidence leaves the state as it is. */
export async function saveEpisode(
  tx: WorkerTransaction,
  signal: SignalWithSeries,
  regressionId: string,
): Promise<void> {
  const { episode_id, series_id, service, state, e_value, onset_at } = signal
  if (state === 'evidence') {
    await tables(tx)
      .updateTable('regression_episode')
      .set({ e_value: sql`greatest(e_value, ${e_value}::float8)` })
      .where('episode_id', '=', episode_id)
      .execute()
    return
  }
  await tables(tx)
    .insertInto('regression_episode')
    .values({ episode_id, regression_id: regressionId, series_id, service, state, e_value, onset_at })
    .onConflict((conflict) =>
      conflict.column('episode_id').doUpdateSet({
        state,
        e_value: sql`greatest(regression_episode.e_value, ${e_value}::float8)`,
      }),
    )
    .execute()
}

export async function moveEpisodes(tx: WorkerTransaction, from: readonly string[], to: string): Promise<void> {
  if (from.length === 0) return
  await tables(tx)
    .updateTable('regression_episode')
    .set({ regression_id: to })
    .where('regression_id', 'in', [...from])
    .execute()
}

export type Symptom = { readonly episodeId: string; readonly state: SignalState; readonly name: string }

/** All episodes of a regression with the names of their series. */
export async function episodesOf(tx: WorkerTransaction, regressionId: string): Promise<Symptom[]> {
  const rows = await tables(tx)
    .selectFrom('regression_episode')
    .innerJoin('series', 'series.id', 'regression_episode.series_id')
    .select(['regression_episode.episode_id', 'regression_episode.state'])
    .select(['series.service', 'series.method', 'series.endpoint', 'series.metric', 'series.quantile'])
    .where('regression_episode.regression_id', '=', regressionId)
    .orderBy('regression_episode.onset_at')
    .orderBy('regression_episode.episode_id')
    .execute()
  return rows.map((row) => ({ episodeId: row.episode_id, state: row.state, name: seriesName(row) }))
}

type NamedSeries = Pick<Selectable<SeriesTable>, 'service' | 'method' | 'endpoint' | 'metric' | 'quantile'>

/** How a series is called where people read it, e.g. `cart GET /cart latency`. */
export function seriesName({ service, method, endpoint, metric, quantile }: NamedSeries): string {
  return [service, method, endpoint, quantile === '' ? metric : `${quantile} ${metric}`].filter(Boolean).join(' ')
}

export async function regressionById(tx: WorkerTransaction, id: string): Promise<RegressionRow | undefined> {
  return await tables(tx).selectFrom('regression').selectAll().where('id', '=', id).executeTakeFirst()
}

export async function saveRegression(tx: WorkerTransaction, row: RegressionRow): Promise<void> {
  const values = {
    ...row,
    before: sql<RegressionRow['before']>`${JSON.stringify(row.before)}::jsonb`,
    after: sql<RegressionRow['after']>`${JSON.stringify(row.after)}::jsonb`,
    before_histogram: row.before_histogram && Buffer.from(row.before_histogram),
    after_histogram: row.after_histogram && Buffer.from(row.after_histogram),
  }
  const { id: _, ...rest } = values
  await tables(tx)
    .insertInto('regression')
    .values(values)
    .onConflict((conflict) => conflict.column('id').doUpdateSet(rest))
    .execute()
}

/** e-values of the episodes that are open, and how many series are watched: what the false discovery rate is kept over. */
export async function openEvidence(tx: WorkerTransaction): Promise<{
  readonly seriesCount: number
  readonly episodes: { readonly episodeId: string; readonly eValue: number }[]
}> {
  const db = tables(tx)
  const rows = await db
    .selectFrom('regression_episode')
    .select(['episode_id', 'e_value'])
    .where('state', 'in', ['suspected', 'confirmed'])
    .execute()
  const { count } = await db
    .selectFrom('series')
    .select((eb) => eb.fn.countAll<string>().as('count'))
    .where('latest_at', '>', (eb) =>
      eb.selectFrom('series').select(sql<Date>`max(latest_at) - interval '1 day'`.as('recently')),
    )
    .executeTakeFirstOrThrow()
  return {
    seriesCount: Number(count),
    episodes: rows.map((row) => ({ episodeId: row.episode_id, eValue: row.e_value })),
  }
}

const SUSPECT_BEFORE_MS = 30 * 60_000
const SUSPECT_AFTER_MS = 2 * 60_000

/** Deployments of the given services shortly before an onset, the nearest first. */
export async function deploymentsAround(
  tx: WorkerTransaction,
  services: readonly string[],
  onsetMs: number,
): Promise<{ readonly service: string; readonly release: string; readonly atMs: number }[]> {
  if (services.length === 0) return []
  const rows = await tables(tx)
    .selectFrom('deployment')
    .select(['service', 'release', 'at'])
    .where('service', 'in', [...services])
    .where('at', '>=', new Date(onsetMs - SUSPECT_BEFORE_MS))
    .where('at', '<=', new Date(onsetMs + SUSPECT_AFTER_MS))
    .orderBy('at', 'desc')
    .execute()
  return rows.map((row) => ({ service: row.service, release: row.release, atMs: row.at.getTime() }))
}

/** A person's decision: the regression is the new normal. Its series' lanes re-learn; see notices.ts. */
export async function acceptRegression(
  tx: WorkerTransaction,
  id: string,
  by: { readonly name: string; readonly note: string; readonly timeMs: number },
): Promise<'accepted' | 'not-found' | 'not-open'> {
  const db = tables(tx)
  const row = await db.selectFrom('regression').select('state').where('id', '=', id).forUpdate().executeTakeFirst()
  if (row === undefined) return 'not-found'
  if (row.state !== 'suspected' && row.state !== 'confirmed') return 'not-open'
  await db
    .updateTable('regression')
    .set({ accepted_by: by.name, accepted_at: new Date(by.timeMs), accept_note: by.note })
    .where('id', '=', id)
    .execute()
  await noticeAccepted(tx, id, by.timeMs)
  await acceptDrifts(tx, id)
  return 'accepted'
}
