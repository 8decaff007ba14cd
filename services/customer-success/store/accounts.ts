/** Accounts: what plan and segment they are in, and the figures that move when that changes. */

import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import type { Selectable } from 'kysely'
import type { AccountTraits } from '../domain/usage-event.ts'
import { type Tally, tell } from '../domain/usage-person.ts'
import { saveCells } from './cells.ts'
import { type AccountRow, accountsOf, groupsOf, holdAccounts, lockMembers, subjectsIn, tables } from './identity.ts'
import type { AccountTable } from './usage-tables.ts'

export type ToldTraits = AccountTraits & { readonly accountId: string; readonly atMs: number }

/** Takes in what group calls say; of each account the newest counts, whatever order they come in. */
export async function changeTraits(tx: WorkerTransaction, told: readonly ToldTraits[]): Promise<void> {
  const newest = new Map<string, ToldTraits>()
  for (const traits of told) {
    const known = newest.get(traits.accountId)
    if (known === undefined || isNewer(traits, known)) newest.set(traits.accountId, traits)
  }
  // In the order of ids: the accounts stay locked.
  for (const traits of [...newest.values()].sort((a, b) => (a.accountId < b.accountId ? -1 : 1))) {
    const account = await lockAccount(tx, traits.accountId)
    const known = {
      ...{ name: account.name, plan: account.trait_plan, segment: account.trait_segment },
      atMs: account.traits_at?.getTime() ?? -Infinity,
    }
    if (!isNewer(traits, known)) continue
    await tables(tx)
      .updateTable('account')
      .set({
        ...{ name: traits.name, trait_plan: traits.plan, trait_segment: traits.segment },
        traits_at: new Date(traits.atMs),
      })
      .where('id', '=', account.id)
      .execute()
    await regroup(tx, { ...account, trait_plan: traits.plan, trait_segment: traits.segment })
  }
}

type Told = AccountTraits & { readonly atMs: number }

/** Of two of one time the text decides, so that every order of arrival ends alike. */
function isNewer(a: Told, b: Told): boolean {
  const text = ({ name, plan, segment }: Told): string => JSON.stringify([name, plan, segment])
  return a.atMs > b.atMs || (a.atMs === b.atMs && text(a) > text(b))
}

/** A new subscription state may have changed what the account's plan and segment are. */
export async function regroupAccount(tx: WorkerTransaction, accountId: string): Promise<void> {
  await regroup(tx, await lockAccount(tx, accountId))
}

type Account = Selectable<AccountTable>

async function lockAccount(tx: WorkerTransaction, accountId: string): Promise<Account> {
  return await tables(tx)
    .selectFrom('account')
    .selectAll()
    .where('account_id', '=', accountId)
    .forUpdate()
    .executeTakeFirstOrThrow()
}

/** Puts the account under the plan and segment in force, and with it all its persons' part in their figures. */
async function regroup(tx: WorkerTransaction, account: Account): Promise<void> {
  const { plan: sold = '', segment: stated = '' } = (await latestSubscription(tx, account.account_id)) ?? {}
  const plan = sold || account.trait_plan
  const segment = stated || account.trait_segment
  if (plan === account.plan && segment === account.segment) return
  const persons = await lockMembers(tx, account.id)
  const held = new Map<number, AccountRow>()
  await holdAccounts(tx, held, accountsOf(persons))
  const moved = new Map(held).set(account.id, {
    id: account.id,
    accountId: account.account_id,
    groups: groupsOf({ plan, segment }),
  })
  const tally: Tally = new Map()
  const [before, after] = [subjectsIn(held), subjectsIn(moved)]
  for (const { person } of persons) {
    tell(person, before, tally, -1)
    tell(person, after, tally, 1)
  }
  await saveCells(tx, tally)
  await tables(tx).updateTable('account').set({ plan, segment }).where('id', '=', account.id).execute()
}

function latestSubscription(tx: WorkerTransaction, accountId: string) {
  return tables(tx)
    .selectFrom('subscription_state')
    .select(['plan', 'segment'])
    .where('account_id', '=', accountId)
    .orderBy('updated_at', 'desc')
    .orderBy('source')
    .orderBy('subscription_id')
    .limit(1)
    .executeTakeFirst()
}
