/** Events that were too late or too far ahead to count: what they are, and counting them after all. */

import type { ReaderDatabase, WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import { type Selectable, sql } from 'kysely'
import { quarantineReason, type UsageRow } from '../domain/usage-event.ts'
import { tables } from './tables.ts'
import { createNumbers, takeUsage, type UsageLimits } from './usage.ts'
import type { UsageQuarantineTable, UsageTables } from './usage-tables.ts'

export type QuarantinedEvent = Selectable<UsageQuarantineTable>

/** Where an event stands: in the order they were received. */
export type QuarantinePosition = { readonly receivedAt: string; readonly id: string }

export async function listQuarantined(
  reader: ReaderDatabase<UsageTables>,
  after: QuarantinePosition | undefined,
  limit: number,
): Promise<QuarantinedEvent[]> {
  let query = reader.selectFrom('usage_quarantine').selectAll()
  if (after !== undefined) query = query.where(behind(after))
  return await query.orderBy('received_at').orderBy('event_id').limit(limit).execute()
}

const behind = ({ receivedAt, id }: QuarantinePosition) =>
  sql<boolean>`(received_at, event_id) > (${receivedAt}::timestamptz, ${Buffer.from(id, 'hex')}::bytea)`

export type Replayed = {
  readonly counted: number
  readonly left: number
  /** Of the last one looked at; undefined when there are none behind it. */
  readonly last: QuarantinePosition | undefined
}

/**
 * Counts the next quarantined events that today's limits let in; the others stay. Once counted an event is out of
 * quarantine and known as one that was taken in, so neither a second replay nor a resend counts it again.
 */
export async function replayQuarantined(
  tx: WorkerTransaction,
  limits: UsageLimits,
  after: QuarantinePosition | undefined,
  { limit, nowMs }: { readonly limit: number; readonly nowMs: number },
): Promise<Replayed> {
  let query = tables(tx).selectFrom('usage_quarantine').selectAll()
  if (after !== undefined) query = query.where(behind(after))
  const found = await query.orderBy('received_at').orderBy('event_id').limit(limit).forUpdate().execute()
  const rows = found.map(rowOf).filter((row) => quarantineReason(row, limits.lateDays) === undefined)
  const ids = rows.map(({ eventId }) => Buffer.from(eventId))
  if (ids.length > 0) {
    await tables(tx).deleteFrom('usage_quarantine').where('event_id', 'in', ids).execute()
    // They are taken in as if they came now for the first time, which puts their keys back.
    await tables(tx).deleteFrom('event_key').where('event_id', 'in', ids).execute()
    await takeUsage(tx, createNumbers(), rows, limits, nowMs)
  }
  return { counted: rows.length, left: found.length - rows.length, last: positionOf(found.at(limit - 1)) }
}

export const positionOf = (row: QuarantinedEvent | undefined): QuarantinePosition | undefined =>
  row && { receivedAt: row.received_at.toISOString(), id: Buffer.from(row.event_id).toString('hex') }

const rowOf = (row: QuarantinedEvent): UsageRow => ({
  ...{ eventId: row.event_id, source: row.source, kind: row.kind, name: row.name, accountId: row.account_id },
  ...{ userId: row.user_id, anonymousId: row.anonymous_id, quantity: row.quantity },
  ...{ atMs: row.occurred_at.getTime(), originalMs: row.original_at.getTime(), sentMs: row.sent_at?.getTime() ?? 0 },
  ...{ receivedMs: row.received_at.getTime(), properties: row.properties, context: row.context },
})
