import type { ReaderDatabase } from '@plimsoll/kit/db/database.ts'
import type { TimelineEntry } from '../domain/timeline.ts'
import type { ReportingTables, ReportingTransaction } from './tables.ts'

/** A line that is there already stays as it was first told. */
export async function appendTimeline(tx: ReportingTransaction, entries: readonly TimelineEntry[]): Promise<void> {
  const rows = entries.map(({ accountId, at, ...rest }) => ({ ...rest, account_id: accountId, at: new Date(at) }))
  if (rows.length === 0) return
  await tx
    .insertInto('account_event')
    .values(rows)
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

/** Newest first. */
export async function timelineOf(
  db: ReaderDatabase<ReportingTables>,
  accountId: string,
  limit: number,
): Promise<TimelineEntry[]> {
  const rows = await db
    .selectFrom('account_event')
    .selectAll()
    .where('account_id', '=', accountId)
    .orderBy('at', 'desc')
    .orderBy('kind')
    .orderBy('subject')
    .limit(limit)
    .execute()
  return rows.map(({ account_id, at, ...rest }) => ({ ...rest, accountId: account_id, at: at.getTime() }))
}
