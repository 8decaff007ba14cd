/** What was erased where it came from is erased here, and stays so through a rebuild. */

import { hash } from 'node:crypto'
import { sql } from 'kysely'
import type { ReportingTransaction } from './tables.ts'

const hashOf = (accountId: string): string => hash('sha256', `account:${accountId}`)
/** The same in SQL, of a column or expression: ids are not told, rows are found by hashing theirs. */
const hashIn = (accountId: string) =>
  sql`encode(sha256(convert_to('account:' || ${sql.raw(accountId)}, 'UTF8')), 'hex')`

/** Deletes all that is kept of accounts, and takes in nothing of them from now on. */
export async function eraseAccounts(tx: ReportingTransaction, hashes: readonly string[]): Promise<void> {
  if (hashes.length === 0) return
  await tx
    .insertInto('erased_account')
    .values(hashes.map((one) => ({ hash: one })))
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  for (const table of ['account_health', 'account_action', 'account_event']) {
    await sql`delete from ${sql.table(table)} where ${hashIn('account_id')} = any(${hashes}::text[])`.execute(tx)
  }
  // Rows of the feed stay, which tell what was seen already; whom they were about goes.
  await sql`
    update feed set body = body || '{"id":"","reason":""}'
    where body ->> 'kind' = 'account' and ${hashIn("(body ->> 'id')")} = any(${hashes}::text[])`.execute(tx)
}

/** Which of these accounts were erased. */
export async function erasedAmong(tx: ReportingTransaction, accountIds: Iterable<string>): Promise<Set<string>> {
  const idOf = new Map([...accountIds].map((id) => [hashOf(id), id]))
  if (idOf.size === 0) return new Set()
  const rows = await tx
    .selectFrom('erased_account')
    .select('hash')
    .where('hash', '=', sql<string>`any(${[...idOf.keys()]}::text[])`)
    .execute()
  return new Set(rows.flatMap((row) => idOf.get(row.hash) ?? []))
}

const ERASED = 'Erased with the person it was for.'

/** Enrolments stay with their account, without what they say of the person they were for. */
export async function eraseActions(
  tx: ReportingTransaction,
  accountId: string,
  actionIds: readonly string[],
): Promise<void> {
  if (actionIds.length === 0) return
  await tx
    .updateTable('account_action')
    .set({ reason: '' })
    .where('action_id', 'in', [...actionIds])
    .execute()
  await tx
    .updateTable('account_event')
    .set({ text: ERASED })
    .where('account_id', '=', accountId)
    .where('kind', '=', 'action')
    .where('subject', 'in', [...actionIds])
    .execute()
  // The feed does not tell enrolments apart: it loses the reasons of all of the account's.
  await sql`
    update feed set body = body || '{"reason":""}'
    where type = 'plimsoll.customer_success.v1.ActionTriggered' and body ->> 'id' = ${accountId}`.execute(tx)
}
