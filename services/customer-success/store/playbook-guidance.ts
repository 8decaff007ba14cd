/** What is shown to people in the product: messages of playbooks, the catalogue, and what features are worth. */

import { bulkUpsert } from '@plimsoll/kit/db/bulk.ts'
import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import type { CatalogueItem, GuidanceItem, GuidanceMessage, Lift } from '../domain/guidance.ts'
import type { PlaybookTables } from './playbook-tables.ts'
import type { PlaybookReader } from './playbooks.ts'
import { tables } from './tables.ts'

export async function insertMessage(
  tx: WorkerTransaction,
  message: Omit<PlaybookTables['guidance_message'], 'dismissed_at'>,
): Promise<void> {
  await tables(tx)
    .insertInto('guidance_message')
    .values(message)
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

/** A person's messages since a time that they did not put away, newest first. */
export function messagesFor(
  reader: PlaybookReader,
  { accountId, userId }: { readonly accountId: string; readonly userId: string },
  since: Date,
): Promise<GuidanceMessage[]> {
  return reader
    .selectFrom('guidance_message')
    .select(['id', 'title', 'text'])
    .where('account_id', '=', accountId)
    .where('user_id', '=', userId)
    .where('created_at', '>=', since)
    .where('dismissed_at', 'is', null)
    .orderBy('created_at', 'desc')
    .execute()
}

/** False when there is no such message, or it was put away. */
export async function dismissMessage(tx: WorkerTransaction, id: string, at: Date): Promise<boolean> {
  const { numUpdatedRows } = await tables(tx)
    .updateTable('guidance_message')
    .set({ dismissed_at: at })
    .where('id', '=', id)
    .where('dismissed_at', 'is', null)
    .executeTakeFirst()
  return numUpdatedRows === 1n
}

export async function catalogue(reader: PlaybookReader): Promise<CatalogueItem[]> {
  const rows = await reader.selectFrom('guidance_item').select(['id', 'definition']).orderBy('id').execute()
  return rows.map(({ id, definition }) => ({ id, ...definition }))
}

export async function saveItem(
  tx: WorkerTransaction,
  id: string,
  definition: GuidanceItem,
  by: { readonly name: string; readonly timeMs: number },
): Promise<void> {
  const values = {
    definition: JSON.stringify(definition),
    updated_at: new Date(by.timeMs),
    updated_by: by.name,
  }
  await tables(tx)
    .insertInto('guidance_item')
    .values({ id, ...values })
    .onConflict((conflict) => conflict.column('id').doUpdateSet(values))
    .execute()
}

export function liftsFor(reader: PlaybookReader, plan: string, ageBand: string): Promise<Lift[]> {
  return reader
    .selectFrom('feature_lift')
    .select(['feature', 'lift', 'low', 'accounts'])
    .where('plan', '=', plan)
    .where('age_band', '=', ageBand)
    .execute()
}

export type PlacedLift = Lift & { readonly plan: string; readonly ageBand: string }

/** Replaces all lifts. */
export async function saveLifts(tx: WorkerTransaction, lifts: readonly PlacedLift[]): Promise<void> {
  await tables(tx).deleteFrom('feature_lift').execute()
  const text = (name: string, of: (lift: PlacedLift) => string) => ({
    name,
    type: 'text' as const,
    values: lifts.map(of),
  })
  await bulkUpsert(tx, {
    table: 'feature_lift',
    key: ['plan', 'age_band', 'feature'],
    onConflict: 'replace',
    columns: [
      text('plan', ({ plan }) => plan),
      text('age_band', ({ ageBand }) => ageBand),
      text('feature', ({ feature }) => feature),
      { name: 'lift', type: 'float8', values: lifts.map(({ lift }) => lift) },
      { name: 'low', type: 'float8', values: lifts.map(({ low }) => low) },
      { name: 'accounts', type: 'int4', values: lifts.map(({ accounts }) => accounts) },
    ],
  })
}
