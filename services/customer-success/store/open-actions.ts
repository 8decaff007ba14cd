/** What is under way for accounts. */

import type { ActionRow } from './actions.ts'
import type { PlaybookReader } from './playbooks.ts'

/** Enrolments that are not over, those held out as well, by account, the newest first. */
export async function openActions(
  reader: PlaybookReader,
  accountIds: readonly string[],
): Promise<Map<string, ActionRow[]>> {
  if (accountIds.length === 0) return new Map()
  const rows = await reader
    .selectFrom('action')
    .selectAll()
    .where('account_id', 'in', [...accountIds])
    .where('state', 'in', ['running', 'observed'])
    .orderBy('triggered_at', 'desc')
    .orderBy('id')
    .execute()
  return Map.groupBy(rows, ({ account_id }) => account_id)
}
