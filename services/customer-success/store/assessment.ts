/** What past warnings are judged by: raises, the naive rule's raises, who left, and what was said of accounts. */

import { type Selectable, sql } from 'kysely'
import type { OnDay } from '../domain/assessment.ts'
import { AT_RISK_FROM } from '../domain/health/score.ts'
import { type HealthReader, type ScoreRow, scoreOfEach } from './health.ts'
import type { HealthScoreTable } from './health-tables.ts'

/** Days of raised episodes, in order. */
export function raisesBetween(reader: HealthReader, from: number, to: number): Promise<OnDay[]> {
  return reader
    .selectFrom('risk_episode')
    .select(['account_id as accountId', 'raised_day as day'])
    .where('raised_day', '>=', from)
    .where('raised_day', '<=', to)
    .orderBy('raised_day')
    .execute()
}

/** What a threshold alone would have raised: each first day below it, as known then. */
export function naiveRaisesBetween(reader: HealthReader, from: number, to: number): Promise<OnDay[]> {
  return reader
    .selectFrom('health_score as score')
    .select(['score.account_id as accountId', 'score.day'])
    .where(isBelow('score'))
    .where('score.day', '>=', from)
    .where('score.day', '<=', to)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('health_score as before')
            .select('before.day')
            .whereRef('before.account_id', '=', 'score.account_id')
            .where('before.day', '=', sql<number>`score.day - 1`)
            .where(isBelow('before')),
        ),
      ),
    )
    .orderBy('score.day')
    .execute()
}

/** As literals: the index of these rows is found by its condition only. */
const isBelow = (row: string) =>
  sql<boolean>`${sql.ref(`${row}.revision`)} = 0 and ${sql.ref(`${row}.score`)} < ${sql.lit(AT_RISK_FROM)}`

export type Leaving = OnDay & { readonly mrrMinor: number; readonly currency: string }

/** Accounts that left since a day, in order of days. */
export function leavingsSince(reader: HealthReader, from: number): Promise<Leaving[]> {
  return reader
    .selectFrom('health_score')
    .select(['account_id as accountId', 'day', 'mrr_minor as mrrMinor', 'currency'])
    .where(sql<boolean>`is_cancelled`)
    .where('day', '>=', from)
    .orderBy('day')
    .orderBy('account_id')
    .execute()
}

/** What was said of accounts at the ends of some days, as known then. */
export function forecastsOn(
  reader: HealthReader,
  days: readonly number[],
): Promise<Pick<Selectable<HealthScoreTable>, 'account_id' | 'day' | 'score' | 'churn_probability'>[]> {
  return reader
    .selectFrom('health_score')
    .select(['account_id', 'day', 'score', 'churn_probability'])
    .where('day', '=', sql<number>`any(${days}::int[])`)
    .where('revision', '=', 0)
    .where('is_cancelled', '=', false)
    .execute()
}

/** The first day that has scores. */
export async function firstScoredDay(reader: HealthReader): Promise<number | undefined> {
  const row = await reader.selectFrom('health_score').select('day').orderBy('day').limit(1).executeTakeFirst()
  return row?.day
}

/** For each leaving, in their order: the account's last score before it, as known then. */
export function lastScoresBefore(
  reader: HealthReader,
  leavings: readonly OnDay[],
): Promise<readonly (ScoreRow | undefined)[]> {
  return scoreOfEach(reader, leavings, (scores) =>
    scores
      .whereRef('health_score.day', '<', 'wanted.day')
      .where('revision', '=', 0)
      .where('is_cancelled', '=', false)
      .orderBy('health_score.day', 'desc'),
  )
}
