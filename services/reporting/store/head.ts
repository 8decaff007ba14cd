import type { ReaderDatabase } from '@plimsoll/kit/db/database.ts'
import { type Selectable, sql } from 'kysely'
import type { HeadTable, ReportingTables, ReportingTransaction } from './tables.ts'

export type Head = {
  readonly version: number
  readonly generation: number
  readonly seq: number
  /** Event times of the newest facts, ms since the epoch: services and accounts move at their own pace. */
  readonly servicesAsOf: number | null
  readonly accountsAsOf: number | null
}

/**
 * Locks the head until the transaction ends. All lanes append to one feed: the lock makes the order of sequences the
 * order of commits, so that a reader who has seen sequence n never misses a smaller one that commits later.
 */
export async function lockHead(tx: ReportingTransaction): Promise<Head> {
  return headOf(await tx.selectFrom('head').selectAll().forUpdate().executeTakeFirstOrThrow())
}

export async function readHead(db: ReaderDatabase<ReportingTables>): Promise<Head> {
  return headOf(await db.selectFrom('head').selectAll().executeTakeFirstOrThrow())
}

/** Empties every table of the projection and starts a new generation; the facts are to be read again from the start. */
export async function clearProjection(tx: ReportingTransaction, version: number): Promise<void> {
  await tx
    .updateTable('head')
    .set({ version, generation: sql<number>`generation + 1`, seq: 0, as_of: null, account_as_of: null })
    .execute()
  // Not truncate: readers go on with what they see until this transaction commits.
  await tx.deleteFrom('baseline').execute()
  await tx.deleteFrom('regression').execute()
  await tx.deleteFrom('account_health').execute()
  await tx.deleteFrom('account_action').execute()
  await tx.deleteFrom('account_event').execute()
  await tx.deleteFrom('feed').execute()
}

function headOf({ version, generation, seq, as_of, account_as_of }: Selectable<HeadTable>): Head {
  const time = (at: Date | null) => at?.getTime() ?? null
  return { version, generation, seq, servicesAsOf: time(as_of), accountsAsOf: time(account_as_of) }
}
