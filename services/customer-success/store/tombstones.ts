import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import type { Selectable } from 'kysely'
import type { TombstoneTable } from './privacy-tables.ts'
import { tables } from './tables.ts'

/** Erasures nobody was told of yet, oldest first; they are told once this transaction commits. */
export async function takeTombstones(tx: WorkerTransaction, limit: number): Promise<Selectable<TombstoneTable>[]> {
  const db = tables(tx)
  const rows = await db.selectFrom('tombstone').selectAll().orderBy('id').limit(limit).execute()
  if (rows.length > 0) {
    await db
      .deleteFrom('tombstone')
      .where(
        'id',
        'in',
        rows.map(({ id }) => id),
      )
      .execute()
  }
  return rows
}
