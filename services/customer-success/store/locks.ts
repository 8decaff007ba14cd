/** Persons and accounts locked together, in the one order that everybody takes them in. */

import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import { appError } from '@plimsoll/kit/errors.ts'
import { sql } from 'kysely'
import { type AccountRow, accountsOf, holdAccounts, type Identities, lockPersons } from './identity.ts'
import { tables } from './tables.ts'

/** How often persons are looked up again that joined an account while its lock was waited for. */
const MOST_LOOKS = 10

export type Held = { readonly identities: Identities; readonly held: Map<number, AccountRow> }

/**
 * Persons and accounts, locked until the transaction ends: the persons of the keys and all who have ever been in accounts
 * that move, then their accounts and those of the numbers. Whoever locks both does it in this order, persons before accounts
 * and each by their ids, so that nobody waits for somebody who waits for them.
 * @param changing accounts whose row is to change; `moving` are those of them whose persons' figures do
 */
export async function lockTogether(
  tx: WorkerTransaction,
  keys: readonly string[],
  accounts: Iterable<number>,
  { changing, moving }: { readonly changing: readonly number[]; readonly moving: readonly number[] },
): Promise<Held> {
  const isChange = changing.length > 0
  for (let looks = 0; looks < MOST_LOOKS; looks++) {
    if (moving.length > 0) await sql`savepoint locking`.execute(tx)
    const members = await memberKeys(tx, moving)
    const identities = await lockPersons(tx, [...new Set([...keys, ...members])])
    const held = new Map<number, AccountRow>()
    const places = accountsOf(new Set(identities.personOf.values()))
    await holdAccounts(tx, held, [...accounts, ...places, ...changing], { isChange })
    if (moving.length === 0) return { identities, held }
    // Who joined before the accounts were locked has to be locked as well, and not after an account.
    const isWhole = (await memberKeys(tx, moving)).every((key) => identities.nodeOf.has(key))
    if (isWhole) {
      await sql`release savepoint locking`.execute(tx)
      return { identities, held }
    }
    await sql`rollback to savepoint locking`.execute(tx)
    await sql`release savepoint locking`.execute(tx)
  }
  throw appError('unavailable', 'Persons joined an account again and again while it was locked.')
}

/** Keys of everybody who has ever been in these accounts. */
async function memberKeys(tx: WorkerTransaction, accounts: readonly number[]): Promise<string[]> {
  if (accounts.length === 0) return []
  const rows = await tables(tx)
    .selectFrom('account_node')
    .innerJoin('identifier', 'identifier.id', 'account_node.node_id')
    .select('identifier.key')
    .where('account_node.account_id', 'in', accounts)
    .execute()
  return rows.map(({ key }) => key)
}
