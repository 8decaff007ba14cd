/** Scores of accounts by day, and how far the days are closed. */

import { bulkUpsert } from '@plimsoll/kit/db/bulk.ts'
import type { ReaderDatabase, WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import { type Selectable, type SelectQueryBuilder, sql } from 'kysely'
import type { OnDay } from '../domain/assessment.ts'
import type { Readings } from '../domain/health/metrics.ts'
import type { Standing } from '../domain/health/movement.ts'
import { ANY, daysBetween, series } from '../domain/usage-cells.ts'
import { ALL } from '../domain/usage-figures.ts'
import { readCells } from './cells.ts'
import type { HealthScoreTable, HealthTables } from './health-tables.ts'
import { tables } from './tables.ts'

export type ScoreRow = Selectable<HealthScoreTable>
export type HealthReader = ReaderDatabase<HealthTables>

/** As far back as days are closed that nobody closed yet. */
const MOST_DAYS = 400

/** First and last day of use by anybody in the days before `today`, that day included. */
export async function daysOfUse(
  tx: WorkerTransaction,
  today: number,
): Promise<{ readonly first: number; readonly last: number } | undefined> {
  const from = today - MOST_DAYS
  const cells = (await readCells(tables(tx), [ALL], from, today)).get(ALL) ?? new Map()
  const events = daysBetween(cells, ANY, series.events, from, today)
  const first = events.findIndex((n) => n > 0)
  return first < 0 ? undefined : { first: from + first, last: from + events.findLastIndex((n) => n > 0) }
}

/** How far the lanes that read USAGE have come: sequence by lane, with the broker's time of the message there. */
export async function usageCheckpoints(
  tx: WorkerTransaction,
): Promise<Map<string, { readonly seq: number; readonly timeMs: number }>> {
  const { rows } = await sql<{ lane: string; seq: number; seq_time: Date | null }>`
    select processor || ' ' || lane as lane, seq, seq_time from lane where processor in ('usage', 'facts')`.execute(tx)
  return new Map(rows.map(({ lane, seq, seq_time }) => [lane, { seq, timeMs: seq_time?.getTime() ?? 0 }]))
}

export async function progressOf(tx: WorkerTransaction, name: 'health' | 'risk'): Promise<number | undefined> {
  const row = await tables(tx).selectFrom('health_progress').select('day').where('name', '=', name).executeTakeFirst()
  return row?.day
}

export async function saveProgress(tx: WorkerTransaction, name: 'health' | 'risk', day: number): Promise<void> {
  await tables(tx)
    .insertInto('health_progress')
    .values({ name, day })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ day }))
    .execute()
}

/** The latest revision of each account's score on a day, of all or of those named. */
export async function scoresAt(
  reader: HealthReader,
  day: number,
  accountIds?: readonly string[],
): Promise<Map<string, ScoreRow>> {
  let query = reader.selectFrom('health_score').distinctOn('account_id').selectAll().where('day', '=', day)
  if (accountIds !== undefined) query = query.where('account_id', 'in', accountIds)
  const rows = await query.orderBy('account_id').orderBy('revision', 'desc').execute()
  return new Map(rows.map((row) => [row.account_id, row]))
}

/** The latest revision of each account's score on a day of its own. */
export async function scoresOf(
  reader: HealthReader,
  days: ReadonlyMap<string, number>,
): Promise<Map<string, ScoreRow>> {
  const wanted = sql<boolean>`(account_id, day) in (
    select * from unnest(${[...days.keys()]}::text[], ${[...days.values()]}::int[]))`
  const query = reader.selectFrom('health_score').distinctOn('account_id').selectAll().where(wanted)
  const rows = await query.orderBy('account_id').orderBy('revision', 'desc').execute()
  return new Map(rows.map((row) => [row.account_id, row]))
}

/** Where accounts stood at the end of a day, of all segments or one; an account that left that day is not among them. */
export async function standingsOn(reader: HealthReader, day: number, segment?: string): Promise<Standing[]> {
  let query = reader
    .selectFrom('health_score')
    .distinctOn('account_id')
    .select(['account_id', 'score', 'mrr_minor', 'currency', 'is_cancelled'])
    .where('day', '=', day)
  if (segment !== undefined) query = query.where('segment', '=', segment)
  const rows = await query.orderBy('account_id').orderBy('revision', 'desc').execute()
  return rows
    .filter(({ is_cancelled }) => !is_cancelled)
    .map(({ account_id, score, mrr_minor, currency }) => ({
      ...{ accountId: account_id, score: score ?? undefined, mrrMinor: mrr_minor, currency },
    }))
}

/** The last day that was closed. */
export async function lastScoredDay(reader: HealthReader): Promise<number | undefined> {
  const query = reader.selectFrom('health_progress').select('day').where('name', '=', 'health')
  return (await query.executeTakeFirst())?.day
}

/** An account's newest score, corrections included. */
export function latestScore(reader: HealthReader, accountId: string): Promise<ScoreRow | undefined> {
  return scoreOn(reader, accountId, undefined)
}

/** An account's score on a day, or the newest before it. */
export async function scoreOn(
  reader: HealthReader,
  accountId: string,
  day: number | undefined,
): Promise<ScoreRow | undefined> {
  let query = reader.selectFrom('health_score').selectAll().where('account_id', '=', accountId)
  if (day !== undefined) query = query.where('day', '<=', day)
  return await query.orderBy('day', 'desc').orderBy('revision', 'desc').limit(1).executeTakeFirst()
}

export type HistoryFilter = { readonly accountId: string; readonly before?: { day: number; revision: number } }

/** Every score there was, newest day first, the corrections of a day before what they correct. */
export function scoreHistory(reader: HealthReader, { accountId, before }: HistoryFilter, limit: number) {
  let query = reader.selectFrom('health_score').selectAll().where('account_id', '=', accountId)
  if (before !== undefined) {
    query = query.where(sql<boolean>`(day, revision) < (${before.day}, ${before.revision})`)
  }
  return query.orderBy('day', 'desc').orderBy('revision', 'desc').limit(limit).execute()
}

/** Never changes what is there: the same score again is left as it was. */
export async function saveScores(tx: WorkerTransaction, rows: readonly ScoreRow[]): Promise<void> {
  const column = <Name extends keyof ScoreRow>(name: Name) => rows.map((row) => row[name])
  await bulkUpsert(tx, {
    table: 'health_score',
    key: ['account_id', 'day', 'revision'],
    onConflict: 'keep',
    columns: [
      { name: 'account_id', type: 'text', values: column('account_id') },
      { name: 'day', type: 'int4', values: column('day') },
      { name: 'revision', type: 'int2', values: column('revision') },
      { name: 'version', type: 'int4', values: column('version') },
      { name: 'template', type: 'text', values: column('template') },
      { name: 'segment', type: 'text', values: column('segment') },
      { name: 'score', type: 'float8', values: column('score') },
      { name: 'confidence', type: 'float8', values: column('confidence') },
      { name: 'churn_probability', type: 'float8', values: column('churn_probability') },
      { name: 'readings', type: 'jsonb', values: column('readings') },
      { name: 'hard', type: 'text', values: column('hard') },
      { name: 'is_cancelled', type: 'bool', values: column('is_cancelled') },
      { name: 'mrr_minor', type: 'int8', values: column('mrr_minor') },
      { name: 'currency', type: 'text', values: column('currency') },
      { name: 'told_day', type: 'int4', values: column('told_day') },
      { name: 'told_score', type: 'float8', values: column('told_score') },
      { name: 'told_trend7', type: 'float8', values: column('told_trend7') },
      { name: 'told_provisional', type: 'bool', values: column('told_provisional') },
    ],
  })
}

export async function saveTypical(
  tx: WorkerTransaction,
  day: number,
  typical: ReadonlyMap<string, Readings>,
): Promise<void> {
  await bulkUpsert(tx, {
    table: 'health_segment',
    key: ['day', 'segment'],
    onConflict: 'replace',
    columns: [
      { name: 'day', type: 'int4', values: [...typical].map(() => day) },
      { name: 'segment', type: 'text', values: [...typical.keys()] },
      { name: 'typical', type: 'jsonb', values: [...typical.values()] },
    ],
  })
}

/** By day, then by segment. */
export async function typicalsAt(
  reader: HealthReader,
  days: readonly number[],
): Promise<Map<number, Map<string, Readings>>> {
  const rows = await reader
    .selectFrom('health_segment')
    .selectAll()
    .where('day', '=', sql<number>`any(${[...new Set(days)]}::int[])`)
    .execute()
  const byDay = Map.groupBy(rows, ({ day }) => day)
  return new Map(
    [...byDay].map(([day, some]) => [day, new Map(some.map(({ segment, typical }) => [segment, typical]))]),
  )
}

/** For each account and day, in their order: the account's first score since then, as it was corrected last. */
export function firstScoresSince(
  reader: HealthReader,
  wanted: readonly OnDay[],
): Promise<readonly (ScoreRow | undefined)[]> {
  return scoreOfEach(reader, wanted, (scores) =>
    scores
      .whereRef('health_score.day', '>=', 'wanted.day')
      .where('score', 'is not', null)
      .orderBy('health_score.day')
      .orderBy('revision', 'desc'),
  )
}

type ScoresOfWanted = SelectQueryBuilder<
  HealthTables & { wanted: { account_id: string; day: number; place: number } },
  'health_score' | 'wanted',
  ScoreRow
>

/** For each account and day, in their order: the first of the account's scores that `choose` asks for. */
export async function scoreOfEach(
  reader: HealthReader,
  wanted: readonly OnDay[],
  choose: (scores: ScoresOfWanted) => ScoresOfWanted,
): Promise<readonly (ScoreRow | undefined)[]> {
  const found = await reader
    .selectFrom(inOrder(wanted))
    .innerJoinLateral(
      (from) =>
        choose(
          from
            .selectFrom('health_score')
            .selectAll('health_score')
            .whereRef('health_score.account_id', '=', 'wanted.account_id'),
        )
          .limit(1)
          .as('score'),
      (join) => join.onTrue(),
    )
    .selectAll('score')
    .select('wanted.place')
    .execute()
  return inPlaces(found, wanted.length)
}

/** Accounts with a day each as rows of `wanted`, which know their place, from 1. */
const inOrder = (wanted: readonly OnDay[]) =>
  sql<{ account_id: string; day: number; place: number }>`unnest(
    ${wanted.map(({ accountId }) => accountId)}::text[],
    ${wanted.map(({ day }) => day)}::int[],
    ${wanted.map((_, i) => i + 1)}::int[]
  )`.as<'wanted'>(sql`wanted (account_id, day, place)`)

/** What was found of each, put in its place. */
function inPlaces<Row extends { readonly place: number }>(
  rows: readonly Row[],
  length: number,
): readonly (Row | undefined)[] {
  const byPlace = new Map(rows.map((row) => [row.place, row]))
  return Array.from({ length }, (_, i) => byPlace.get(i + 1))
}
