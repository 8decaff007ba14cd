/** Events as they came, those that were not counted, and the end of what is too old. */

import { type BulkColumn, bulkAppend, bulkUpsert } from '@plimsoll/kit/db/bulk.ts'
import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import { maintainDayPartitions } from '@plimsoll/kit/db/partitions.ts'
import { sql } from 'kysely'
import { DAY_MS, dayOf, isoDay } from '../domain/day.ts'
import type { UsageRow } from '../domain/usage-event.ts'
import { dropNotes } from './playbook-erase.ts'
import { tables } from './tables.ts'

/** An event, and the identifier it is of. */
export type NodeRow = { readonly node: number; readonly row: UsageRow }

/** Keeps events that are younger than raw events are kept; older ones are counted and gone. */
export async function saveRaw(
  tx: WorkerTransaction,
  rows: readonly NodeRow[],
  knownDays: Set<number>,
  oldestDay: number,
): Promise<void> {
  const kept = rows.filter(({ row }) => dayOf(row.atMs) >= oldestDay).sort((a, b) => a.node - b.node)
  if (kept.length === 0) return
  await makeDays(tx, knownDays, new Set(kept.map(({ row }) => dayOf(row.atMs))))
  await bulkAppend(tx, 'usage_event', [
    { name: 'node_id', type: 'int8', values: kept.map(({ node }) => node) },
    ...columnsOf(kept.map(({ row }) => row)),
  ])
}

const columnsOf = (rows: readonly UsageRow[]): BulkColumn[] => [
  { name: 'event_id', type: 'bytea', values: rows.map(({ eventId }) => eventId) },
  { name: 'occurred_at', type: 'timestamptz', values: rows.map(({ atMs }) => atMs) },
  { name: 'original_at', type: 'timestamptz', values: rows.map(({ originalMs }) => originalMs) },
  { name: 'sent_at', type: 'timestamptz', values: rows.map(({ sentMs }) => (sentMs === 0 ? null : sentMs)) },
  { name: 'received_at', type: 'timestamptz', values: rows.map(({ receivedMs }) => receivedMs) },
  { name: 'source', type: 'text', values: rows.map(({ source }) => source) },
  { name: 'kind', type: 'int2', values: rows.map(({ kind }) => kind) },
  { name: 'account_id', type: 'text', values: rows.map(({ accountId }) => accountId) },
  { name: 'user_id', type: 'text', values: rows.map(({ userId }) => userId) },
  { name: 'anonymous_id', type: 'text', values: rows.map(({ anonymousId }) => anonymousId) },
  { name: 'name', type: 'text', values: rows.map(({ name }) => name) },
  { name: 'quantity', type: 'float8', values: rows.map(({ quantity }) => quantity) },
  { name: 'properties', type: 'text', values: rows.map(({ properties }) => properties) },
  { name: 'context', type: 'text', values: rows.map(({ context }) => context) },
]

async function makeDays(tx: WorkerTransaction, known: Set<number>, days: ReadonlySet<number>): Promise<void> {
  const missing = [...days].filter((day) => !known.has(day)).sort((a, b) => a - b)
  if (missing.length === 0) return
  await sql`
    select create_day_partition('usage_event', day) from unnest(${missing.map(isoDay)}::date[]) as day`.execute(tx)
  for (const day of missing) known.add(day)
}

export type QuarantinedRow = { readonly reason: string; readonly row: UsageRow }

export async function saveQuarantined(tx: WorkerTransaction, rows: readonly QuarantinedRow[]): Promise<void> {
  await bulkUpsert(tx, {
    table: 'usage_quarantine',
    key: ['event_id'],
    onConflict: 'keep',
    columns: [
      { name: 'reason', type: 'text', values: rows.map(({ reason }) => reason) },
      ...columnsOf(rows.map(({ row }) => row)),
    ],
  })
}

export type Retention = { readonly rawDays: number; readonly keyDays: number; readonly textDays: number }

/** Drops what is past its age. Figures of accounts stay. */
export async function dropOld(tx: WorkerTransaction, nowMs: number, retention: Retention): Promise<void> {
  const { rawDays, keyDays, textDays } = retention
  await maintainDayPartitions(tx, { table: 'usage_event', keepDays: rawDays, aheadDays: 2 }, nowMs)
  const before = (days: number): Date => new Date(nowMs - days * DAY_MS)
  const db = tables(tx)
  await db
    .deleteFrom('event_key')
    .where('received_day', '<', dayOf(nowMs) - keyDays)
    .execute()
  await db.deleteFrom('usage_quarantine').where('received_at', '<', before(rawDays)).execute()
  await db
    .updateTable('ticket_state')
    .set({ text: '' })
    .where('updated_at', '<', before(textDays))
    .where('text', '<>', '')
    .execute()
  await db
    .updateTable('nps_answer')
    .set({ comment: '' })
    .where('answered_at', '<', before(textDays))
    .where('comment', '<>', '')
    .execute()
  await db
    .updateTable('subscription_state')
    .set({ reason: '' })
    .where('updated_at', '<', before(textDays))
    .where('reason', '<>', '')
    .execute()
  await dropNotes(tx, before(textDays))
}
