/** Accounts: what plan and segment they are in, and the figures that move when that changes. */

import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import { type Selectable, sql } from 'kysely'
import type { AccountTraits } from '../domain/usage-event.ts'
import { countPerson, type Tally } from '../domain/usage-figures.ts'
import { saveCells } from './cells.ts'
import { accountsOf, groupsOf, subjectsIn } from './identity.ts'
import { type Held, lockTogether } from './locks.ts'
import { tables } from './tables.ts'
import type { AccountTable } from './usage-tables.ts'

export type ToldTraits = AccountTraits & { readonly accountId: string; readonly atMs: number }

type Account = Selectable<AccountTable>

/** What an account is to become, and whether that moves the figures of its persons. */
export type AccountChange = { readonly account: Account; readonly isMove: boolean }

/** What group calls say; of each account the newest counts, whatever order they come in. */
export async function traitChanges(tx: WorkerTransaction, told: readonly ToldTraits[]): Promise<AccountChange[]> {
  const newest = new Map<string, ToldTraits>()
  for (const traits of told) {
    const known = newest.get(traits.accountId)
    if (known === undefined || isNewer(traits, known)) newest.set(traits.accountId, traits)
  }
  return await changesOf(tx, [...newest.keys()], newest)
}

/** Puts accounts of which there is a new subscription state under the plan and segment in force. */
export async function regroupAccounts(tx: WorkerTransaction, accountIds: readonly string[]): Promise<void> {
  const changes = await changesOf(tx, accountIds, new Map())
  if (changes.length > 0) await changeAccounts(tx, changes, await lockTogether(tx, [], [], placesOf(changes)))
}

/** Accounts by number, as they are to be locked. */
export const placesOf = (changes: readonly AccountChange[]) => ({
  changing: changes.map(({ account }) => account.id),
  moving: changes.flatMap(({ account, isMove }) => (isMove ? [account.id] : [])),
})

type Told = AccountTraits & { readonly atMs: number }

/** Of two of one time the text decides, so that every order of arrival ends alike. */
function isNewer(a: Told, b: Told): boolean {
  const text = ({ name, plan, segment }: Told): string => JSON.stringify([name, plan, segment])
  return a.atMs > b.atMs || (a.atMs === b.atMs && text(a) > text(b))
}

/**
 * Decided by one transaction at a time: what a subscription says and what a group call says come by different lanes, and
 * each has to know of the other.
 */
async function changesOf(
  tx: WorkerTransaction,
  accountIds: readonly string[],
  told: ReadonlyMap<string, ToldTraits>,
): Promise<AccountChange[]> {
  if (accountIds.length === 0) return []
  await sql`
    select pg_advisory_xact_lock(key) from (
      select distinct hashtextextended('account ' || id, 0) as key from unnest(${accountIds}::text[]) as id order by key
    ) as ordered`.execute(tx)
  const accounts = await tables(tx).selectFrom('account').selectAll().where('account_id', 'in', accountIds).execute()
  const changes: AccountChange[] = []
  for (const known of accounts) {
    const traits = told.get(known.account_id)
    const isTold = traits !== undefined && isNewer(traits, traitsOf(known))
    const account = isTold ? withTraits(known, traits) : known
    const { plan: sold = '', segment: stated = '' } = (await latestSubscription(tx, known.account_id)) ?? {}
    const plan = sold || account.trait_plan
    const segment = stated || account.trait_segment
    const isMove = plan !== known.plan || segment !== known.segment
    if (isTold || isMove) changes.push({ account: { ...account, plan, segment }, isMove })
  }
  return changes
}

const traitsOf = ({ name, trait_plan, trait_segment, traits_at }: Account): Told => ({
  ...{ name, plan: trait_plan, segment: trait_segment },
  atMs: traits_at?.getTime() ?? -Infinity,
})

const withTraits = (account: Account, { name, plan, segment, atMs }: ToldTraits): Account => ({
  ...account,
  ...{ name, trait_plan: plan, trait_segment: segment, traits_at: new Date(atMs) },
})

/** Changes accounts that are locked; their persons' part in the figures moves with them. */
export async function changeAccounts(
  tx: WorkerTransaction,
  changes: readonly AccountChange[],
  { identities, held }: Held,
): Promise<void> {
  const moved = new Map(held)
  for (const { account } of changes.filter(({ isMove }) => isMove)) {
    moved.set(account.id, { id: account.id, accountId: account.account_id, groups: groupsOf(account) })
  }
  const isMoved = (id: number): boolean => moved.get(id) !== held.get(id)
  const persons = [...new Set(identities.personOf.values())].filter((one) => accountsOf([one]).some(isMoved))
  const tally: Tally = new Map()
  const [before, after] = [subjectsIn(held), subjectsIn(moved)]
  for (const { person } of persons) {
    countPerson(person, before, tally, -1)
    countPerson(person, after, tally, 1)
  }
  await saveCells(tx, tally)
  for (const { account } of changes) {
    const { id, name, plan, segment, trait_plan, trait_segment, traits_at } = account
    const values = { name, plan, segment, trait_plan, trait_segment, traits_at }
    await tables(tx).updateTable('account').set(values).where('id', '=', id).execute()
  }
  for (const [id, row] of moved) held.set(id, row)
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
