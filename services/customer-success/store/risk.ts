/** Risk episodes: open ones, past ones and how those turned out. */

import { bulkUpsert } from '@plimsoll/kit/db/bulk.ts'
import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import { type Selectable, sql } from 'kysely'
import type { Grade, RiskState } from '../domain/risk.ts'
import type { HealthReader } from './health.ts'
import type { RiskEpisodeTable } from './health-tables.ts'
import { tables } from './tables.ts'

export type EpisodeRow = Selectable<RiskEpisodeTable>

export async function riskStates(tx: WorkerTransaction): Promise<Map<string, RiskState>> {
  const rows = await tables(tx).selectFrom('risk_state').selectAll().execute()
  return new Map(rows.map(({ account_id, state }) => [account_id, state]))
}

export async function saveRiskStates(tx: WorkerTransaction, states: ReadonlyMap<string, RiskState>): Promise<void> {
  await bulkUpsert(tx, {
    table: 'risk_state',
    key: ['account_id'],
    onConflict: 'replace',
    columns: [
      { name: 'account_id', type: 'text', values: [...states.keys()] },
      { name: 'state', type: 'jsonb', values: [...states.values()] },
    ],
  })
}

export async function openEpisode(
  tx: WorkerTransaction,
  episode: Omit<EpisodeRow, 'cleared_day' | 'outcome' | 'grade'>,
): Promise<void> {
  await tables(tx)
    .insertInto('risk_episode')
    .values({ ...episode, drivers: JSON.stringify(episode.drivers) })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute()
}

export async function closeEpisode(
  tx: WorkerTransaction,
  id: string,
  day: number,
  outcome: 'recovered' | 'cancelled',
): Promise<void> {
  await tables(tx).updateTable('risk_episode').set({ cleared_day: day, outcome }).where('id', '=', id).execute()
}

export type Ungraded = { readonly id: string; readonly raisedDay: number; readonly cancelledDay: number | undefined }

/** Episodes without a grade, with the day their account left, if it has by `day`. */
export async function ungradedEpisodes(tx: WorkerTransaction, day: number): Promise<Ungraded[]> {
  const rows = await tables(tx)
    .selectFrom('risk_episode as episode')
    .select(['episode.id', 'episode.raised_day'])
    .select((eb) =>
      eb
        .selectFrom('health_score as score')
        .select((score) => score.fn.min<number | null>('score.day').as('day'))
        .whereRef('score.account_id', '=', 'episode.account_id')
        .whereRef('score.day', '>=', 'episode.raised_day')
        .where('score.day', '<=', day)
        .where('score.is_cancelled', '=', true)
        .as('cancelled_day'),
    )
    .where('episode.grade', 'is', null)
    .execute()
  return rows.map((row) => ({
    id: row.id,
    raisedDay: row.raised_day,
    cancelledDay: row.cancelled_day ?? undefined,
  }))
}

export async function gradeEpisode(tx: WorkerTransaction, id: string, grade: Grade): Promise<void> {
  await tables(tx).updateTable('risk_episode').set({ grade }).where('id', '=', id).execute()
}

/** `learned`: probability of the newest day, null without a model. */
export type RiskItem = EpisodeRow & { readonly learned: number | null; readonly expected_loss: number }
export type RiskPosition = { readonly loss: number; readonly id: string }

/**
 * Open episodes by what they may cost: probability times monthly revenue. An account too young for the model counts with
 * the others' mean. Without a model the share of the score that is gone stands for it, which ranks alike within one
 * configuration.
 */
export function openRisks(reader: HealthReader, after: RiskPosition | undefined, limit: number): Promise<RiskItem[]> {
  const known = reader
    .selectFrom('risk_episode as episode')
    .leftJoinLateral(
      (from) =>
        from
          .selectFrom('health_score as newest')
          .select('newest.churn_probability as learned')
          .whereRef('newest.account_id', '=', 'episode.account_id')
          .where('newest.revision', '=', 0)
          .orderBy('newest.day', 'desc')
          .limit(1)
          .as('newest'),
      (join) => join.onTrue(),
    )
    .selectAll('episode')
    .select('newest.learned')
    .select(
      sql<number>`coalesce(learned, avg(learned) over (), 1 - episode.score / 100, 1) * episode.mrr_minor`.as(
        'expected_loss',
      ),
    )
    .where('cleared_day', 'is', null)
    .as('known')
  let query = reader.selectFrom(known).selectAll()
  if (after !== undefined) query = query.where(sql<boolean>`(-expected_loss, id) > (${-after.loss}, ${after.id})`)
  return query.orderBy('expected_loss', 'desc').orderBy('id').limit(limit).execute()
}

export type RiskRecord = { readonly raised: number; readonly right: number; readonly wrong: number }

/** How past raises turned out: those whose accounts left within the days of a grade, and those that did not. */
export async function riskRecord(reader: HealthReader): Promise<RiskRecord> {
  return await reader
    .selectFrom('risk_episode')
    .select((eb) => [
      eb.fn.countAll<number>().as('raised'),
      eb.fn.count<number>('id').filterWhere('grade', '=', 'right').as('right'),
      eb.fn.count<number>('id').filterWhere('grade', '=', 'wrong').as('wrong'),
    ])
    .executeTakeFirstOrThrow()
}
