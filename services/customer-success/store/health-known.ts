/** Whether anything has come to light of a day since it was scored. */

import { bulkUpsert } from '@plimsoll/kit/db/bulk.ts'
import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import { sql } from 'kysely'
import { HISTORY_DAYS } from '../domain/snapshot.ts'
import { ANY, daysBetween, rangesBetween, series } from '../domain/usage-cells.ts'
import { ALL } from '../domain/usage-figures.ts'
import { readCells } from './cells.ts'
import { tables } from './tables.ts'

/** Widths whose counts of distinct persons tell merges and splits of persons, which move no event. */
const WIDTHS = [1, 28, 84]

/**
 * What is known by now of all accounts up to each of these days, as sums that whatever comes late would change: uses and
 * persons of the days a snapshot looks back on, and the states of facts that began by then.
 */
export async function knownOf(tx: WorkerTransaction, days: readonly number[]): Promise<Map<number, string>> {
  if (days.length === 0) return new Map()
  const [from, to] = [Math.min(...days) - HISTORY_DAYS + 1, Math.max(...days)]
  const cells = (await readCells(tables(tx), [ALL], from, to)).get(ALL) ?? new Map()
  const daily = [
    daysBetween(cells, ANY, series.events, from, to),
    ...WIDTHS.map((width) => rangesBetween(cells, ANY, series.window(width), from, to)),
  ]
  const facts = await factsUpTo(tx, days)
  return new Map(
    days.map((day) => {
      const at = day - from
      const sums = daily.map((values) => values.subarray(at - HISTORY_DAYS + 1, at + 1).reduce((a, b) => a + b, 0))
      return [day, [...sums, ...(facts.get(day) ?? [])].join(' ')]
    }),
  )
}

async function factsUpTo(tx: WorkerTransaction, days: readonly number[]): Promise<Map<number, readonly number[]>> {
  const { rows } = await sql<{ day: number; told: number[] }>`
    select day, array[
      (select count(*) from ticket_state where least(opened_at, updated_at) < told.until),
      (select count(*) from invoice_state where least(due_at, updated_at) < told.until),
      (select count(*) from subscription_state where least(started_at, updated_at) < told.until),
      (select count(*) from nps_answer where answered_at < told.until)
    ] as told
    from unnest(${days}::int[]) as day, lateral (select to_timestamp((day + 1) * 86400.0) as until) as told`.execute(tx)
  return new Map(rows.map(({ day, told }) => [day, told]))
}

export async function knownBefore(tx: WorkerTransaction, days: readonly number[]): Promise<Map<number, string>> {
  const rows = await tables(tx)
    .selectFrom('health_known')
    .selectAll()
    .where('day', '=', sql<number>`any(${days}::int[])`)
    .execute()
  return new Map(rows.map(({ day, known }) => [day, known]))
}

export async function saveKnown(tx: WorkerTransaction, known: ReadonlyMap<number, string>): Promise<void> {
  await bulkUpsert(tx, {
    table: 'health_known',
    key: ['day'],
    onConflict: 'replace',
    columns: [
      { name: 'day', type: 'int4', values: [...known.keys()] },
      { name: 'known', type: 'text', values: [...known.values()] },
    ],
  })
}
