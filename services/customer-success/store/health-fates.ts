/** Past scores whose accounts' fate is known: what weights are fitted to. */

import { sql } from 'kysely'
import { type Fate, fateOf } from '../domain/health/backtest.ts'
import type { HealthReader } from './health.ts'

/** A day a week, so that an account's days are not all the same one told again; the newest of them. */
const EVERY_DAYS = 7
const MOST_ROWS = 100_000

/** The day each account left that did. */
export async function daysOfLeaving(reader: HealthReader): Promise<Map<string, number>> {
  const rows = await reader
    .selectFrom('health_score')
    .select('account_id')
    .select((eb) => eb.fn.min<number>('day').as('day'))
    .where('is_cancelled', '=', true)
    .groupBy('account_id')
    .execute()
  return new Map(rows.map(({ account_id, day }) => [account_id, day]))
}

/** As known at the time: revision 0. In order of days. */
export async function knownFates(reader: HealthReader): Promise<Fate[]> {
  const cancelledOn = await daysOfLeaving(reader)
  const newest = await reader
    .selectFrom('health_score')
    .select((eb) => eb.fn.max<number | null>('day').as('day'))
    .executeTakeFirst()
  const today = newest?.day ?? 0
  const rows = await reader
    .selectFrom('health_score')
    .select(['account_id', 'day', 'template', 'readings'])
    .where('revision', '=', 0)
    .where('is_cancelled', '=', false)
    .where(sql<boolean>`day % ${EVERY_DAYS} = 0`)
    .orderBy('day', 'desc')
    .limit(MOST_ROWS)
    .execute()
  return rows
    .flatMap(({ account_id: accountId, day, template, readings }) => {
      const churned = fateOf(day, cancelledOn.get(accountId), today)
      return churned === undefined ? [] : [{ accountId, day, template, readings, churned }]
    })
    .reverse()
}
