/** Events as they came, those that were not counted, and the end of what is too old. */

import { bulkAppend, bulkUpsert } from '@plimsoll/kit/db/bulk.ts'
import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import { maintainDayPartitions } from '@plimsoll/kit/db/partitions.ts'
import { sql } from 'kysely'
import { DAY_MS, dayOf, isoDay } from '../domain/day.ts'
import type { UsageRow } from '../domain/usage-event.ts'
import { tables } from './identity.ts'
import { dropNotes } from './playbook-erase.ts'

/** Keeps events that are younger than raw events are kept; older ones are counted and gone. */
export async function saveRaw(
  tx: WorkerTransaction,
  rows: readonly UsageRow[],
  nodeOf: (row: UsageRow) => number,
  knownDays: Set<number>,
  oldestDay: number,
): Promise<void> {
  const kept = rows.filter(({ atMs }) => dayOf(atMs) >= oldestDay)
  if (kept.length === 0) return
  await makeDays(tx, knownDays, new Set(kept.map(({ atMs }) => dayOf(atMs))))
  const sorted = kept.map((row) => ({ row, node: nodeOf(row) })).sort((a, b) => a.node - b.node)
  const column = <T>(value: (row: UsageRow) => T): T[] => sorted.map(({ row }) => value(row))
  await bulkAppend(tx, 'usage_event', [
    { name: 'event_id', type: 'bytea', values: column(({ eventId }) => eventId) },
    { name: 'occurred_at', type: 'timestamptz', values: column(({ atMs }) => atMs) },
    { name: 'original_at', type: 'timestamptz', values: column(({ originalMs }) => originalMs) },
    { name: 'sent_at', type: 'timestamptz', values: column(({ sentMs }) => (sentMs === 0 ? null : sentMs)) },
    { name: 'received_at', type: 'timestamptz', values: column(({ receivedMs }) => receivedMs) },
    { name: 'source', type: 'text', values: column(({ source }) => source) },
    { name: 'kind', type: 'int2', values: column(({ kind }) => kind) },
    { name: 'node_id', type: 'int8', values: sorted.map(({ node }) => node) },
    { name: 'account_id', type: 'text', values: column(({ accountId }) => accountId) },
    { name: 'user_id', type: 'text', values: column(({ userId }) => userId) },
    { name: 'anonymous_id', type: 'text', values: column(({ anonymousId }) => anonymousId) },
    { name: 'name', type: 'text', values: column(({ name }) => name) },
    { name: 'quantity', type: 'float8', values: column(({ quantity }) => quantity) },
    { name: 'properties', type: 'text', values: column(({ properties }) => properties) },
    { name: 'context', type: 'text', values: column(({ context }) => context) },
  ])
}

async function makeDays(tx: WorkerTransaction, known: Set<number>, days: ReadonlySet<number>): Promise<void> {
  const missing = [...days].filter((day) => !known.has(day)).sort((a, b) => a - b)
  if (missing.length === 0) return
  await sql`
    select create_day_partition('usage_event', day) from unnest(${missing.map(isoDay)}::date[]) as day`.execute(tx)
  for (const day of missing) known.add(day)
}

export async function saveQuarantined(
  tx: WorkerTransaction,
  reasons: ReadonlyMap<UsageRow, string | undefined>,
): Promise<void> {
  const rows = [...reasons].filter(([, reason]) => reason !== undefined)
  const column = <T>(value: (row: UsageRow) => T): T[] => rows.map(([row]) => value(row))
  await bulkUpsert(tx, {
    table: 'usage_quarantine',
    key: ['event_id'],
    onConflict: 'keep',
    columns: [
      { name: 'event_id', type: 'bytea', values: column(({ eventId }) => eventId) },
      { name: 'reason', type: 'text', values: rows.map(([, reason]) => reason) },
      { name: 'occurred_at', type: 'timestamptz', values: column(({ atMs }) => atMs) },
      { name: 'original_at', type: 'timestamptz', values: column(({ originalMs }) => originalMs) },
      { name: 'sent_at', type: 'timestamptz', values: column(({ sentMs }) => (sentMs === 0 ? null : sentMs)) },
      { name: 'received_at', type: 'timestamptz', values: column(({ receivedMs }) => receivedMs) },
      { name: 'source', type: 'text', values: column(({ source }) => source) },
      { name: 'kind', type: 'int2', values: column(({ kind }) => kind) },
      { name: 'account_id', type: 'text', values: column(({ accountId }) => accountId) },
      { name: 'user_id', type: 'text', values: column(({ userId }) => userId) },
      { name: 'anonymous_id', type: 'text', values: column(({ anonymousId }) => anonymousId) },
      { name: 'name', type: 'text', values: column(({ name }) => name) },
      { name: 'quantity', type: 'float8', values: column(({ quantity }) => quantity) },
      { name: 'properties', type: 'text', values: column(({ properties }) => properties) },
      { name: 'context', type: 'text', values: column(({ context }) => context) },
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
