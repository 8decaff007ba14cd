/** Everything kept of a person or an account, taken away. */

import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import { sql } from 'kysely'
import { withoutAccount } from '../domain/privacy.ts'
import { idsOf, keyOfPerson, type PersonId } from './export.ts'
import { KEPT_TABLES, type KnownPerson } from './export-tables.ts'
import { keyHash, type LockedPerson, lockPersons, recount, replacePersons } from './identity.ts'
import { lockTogether } from './locks.ts'
import { eraseFromPlaybooks } from './playbook-erase.ts'
import { tables } from './tables.ts'

export type Receipt = {
  readonly identifiers: number
  readonly events: number
  readonly days: number
  readonly tickets: number
  readonly answers: number
  readonly contacts: number
}

/**
 * Erases a person under all identifiers: events, days and texts go, every figure becomes what it would be without the
 * person, and nothing that comes of these identifiers later is taken in. Undefined when nobody has this identifier.
 */
export async function erasePerson(tx: WorkerTransaction, id: PersonId, nowMs: number): Promise<Receipt | undefined> {
  const key = keyOfPerson(id)
  const db = tables(tx)
  const known = await db.selectFrom('identifier').select('id').where('key', '=', key).executeTakeFirst()
  const locked = known && (await lockPersons(tx, [key])).personOf.get(known.id)
  const nodes = locked?.person.nodes ?? []
  const identifiers =
    nodes.length === 0 ? [] : await db.selectFrom('identifier').select('key').where('id', 'in', nodes).execute()
  const keys = [...new Set([key, ...identifiers.map((identifier) => identifier.key)])]
  const person = { nodes, keys, ...idsOf(keys) }
  // Asked for while they are still there.
  const actionsOf = await actionsByAccount(tx, person)
  if (locked !== undefined) await recount(tx, [locked], [])
  const events = nodes.length === 0 ? 0 : await deleteRows(tx, 'usage_event', person)
  const [tickets, answers] = await eraseTexts(tx, person)
  const quarantined = await deleteRows(tx, 'usage_quarantine', person)
  const contacts = await eraseFromPlaybooks(tx, person.users)
  for (const table of ['profiling_opt_out', 'account_node', 'identity_link', 'identifier']) {
    await deleteRows(tx, table, person)
  }
  if (locked !== undefined) await db.deleteFrom('person').where('id', '=', locked.id).execute()
  const receipt = {
    ...{ identifiers: identifiers.length, events: events + quarantined, tickets, answers, contacts },
    days: locked === undefined ? 0 : daysOf(locked),
  }
  if (Object.values(receipt).every((n) => n === 0)) return undefined
  await refuse(tx, keys, nowMs)
  await keepTombstones(tx, 'person', key, actionsOf.size === 0 ? new Map([['', []]]) : actionsOf, nowMs)
  return receipt
}

async function actionsByAccount(tx: WorkerTransaction, { users }: KnownPerson): Promise<Map<string, string[]>> {
  if (users.length === 0) return new Map()
  const rows = await tables(tx)
    .selectFrom('action')
    .select(['id', 'account_id'])
    .where('user_id', 'in', users)
    .execute()
  const byAccount = Map.groupBy(rows, ({ account_id }) => account_id)
  return new Map([...byAccount].map(([account, actions]) => [account, actions.map(({ id }) => id)]))
}

async function deleteRows(tx: WorkerTransaction, table: string, person: KnownPerson): Promise<number> {
  const condition = KEPT_TABLES[table]?.ofPerson?.(person)
  const deleted = await sql`delete from ${sql.table(table)} where ${condition}`.execute(tx)
  return Number(deleted.numAffectedRows)
}

/** What comes of these identifiers from now on is not taken in. */
async function refuse(tx: WorkerTransaction, keys: readonly string[], nowMs: number): Promise<void> {
  await tables(tx)
    .insertInto('erased_key')
    .values(keys.map((one) => ({ hash: keyHash(one), erased_at: new Date(nowMs) })))
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

/** Tickets and answers stay with their account, without who it was and what they wrote. */
async function eraseTexts(tx: WorkerTransaction, { users }: KnownPerson): Promise<[tickets: number, answers: number]> {
  if (users.length === 0) return [0, 0]
  const db = tables(tx)
  const tickets = await db
    .updateTable('ticket_state')
    .set({ user_id: '', text: '' })
    .where('user_id', 'in', users)
    .executeTakeFirst()
  const answers = await db
    .updateTable('nps_answer')
    .set({ user_id: '', comment: '' })
    .where('user_id', 'in', users)
    .executeTakeFirst()
  return [Number(tickets.numUpdatedRows), Number(answers.numUpdatedRows)]
}

const daysOf = ({ person }: LockedPerson): number => new Set(person.lists.flatMap(({ days }) => days)).size

export type AccountReceipt = {
  readonly persons: number
  /** Rows deleted by table; tables without any are left out. */
  readonly rows: Readonly<Record<string, number>>
}

/**
 * Erases an account: all rows that are its own, and what persons did in it. Persons who were in no other account and did
 * nothing outside of one go with it; all others stay. Nothing that names the account later is taken in. Undefined when
 * there is no such account.
 */
export async function eraseAccount(
  tx: WorkerTransaction,
  accountId: string,
  nowMs: number,
): Promise<AccountReceipt | undefined> {
  const db = tables(tx)
  const account = await db.selectFrom('account').select('id').where('account_id', '=', accountId).executeTakeFirst()
  if (account === undefined) return undefined
  const whole = { changing: [account.id], moving: [account.id] }
  const { identities, held } = await lockTogether(tx, [], [], whole)
  // Erased while its locks were waited for.
  if (!held.has(account.id)) return undefined
  const before = [...new Set(identities.personOf.values())]
  const left = before.map(({ id, person }) => ({ id, person: withoutAccount(person, account.id) }))
  const after = left.filter(({ person }) => person.lists.length > 0 || person.memberships.length > 0)
  await recount(tx, before, after)
  const rows = await deleteAccountRows(tx, accountId)
  await replacePersons(
    tx,
    before.map(({ id }) => id),
    after,
  )
  const kept = new Set(after.map(({ id }) => id))
  const gone = before.filter(({ id }) => !kept.has(id))
  await forget(tx, gone)
  await refuse(tx, [`account:${accountId}`], nowMs)
  await keepTombstones(tx, 'account', `account:${accountId}`, new Map([[accountId, []]]), nowMs)
  return { persons: gone.length, rows }
}

/** Deletes an account's rows of every table; how many of which. */
export async function deleteAccountRows(tx: WorkerTransaction, accountId: string): Promise<Record<string, number>> {
  const rows: Record<string, number> = {}
  for (const [table, { ofAccount }] of Object.entries(KEPT_TABLES)) {
    if (ofAccount === undefined) continue
    const deleted = await sql`delete from ${sql.table(table)} where ${ofAccount(accountId)}`.execute(tx)
    if (deleted.numAffectedRows !== undefined && deleted.numAffectedRows > 0n)
      rows[table] = Number(deleted.numAffectedRows)
  }
  return rows
}

async function forget(tx: WorkerTransaction, persons: readonly LockedPerson[]): Promise<void> {
  const ids = persons.map(({ id }) => id)
  const nodes = persons.flatMap(({ person }) => person.nodes)
  if (nodes.length === 0) return
  const db = tables(tx)
  await db.deleteFrom('usage_event').where('node_id', 'in', nodes).execute()
  await db
    .deleteFrom('identity_link')
    .where((where) => where.or([where('a', 'in', nodes), where('b', 'in', nodes)]))
    .execute()
  await db.deleteFrom('identifier').where('id', 'in', nodes).execute()
  await db.deleteFrom('person').where('id', 'in', ids).execute()
}

async function keepTombstones(
  tx: WorkerTransaction,
  kind: 'person' | 'account',
  key: string,
  actionsOf: ReadonlyMap<string, readonly string[]>,
  nowMs: number,
): Promise<void> {
  const [hash, erased_at] = [keyHash(key).toString('hex'), new Date(nowMs)]
  const rows = [...actionsOf].map(([account_id, ids]) => ({ kind, hash, account_id, action_ids: [...ids], erased_at }))
  await tables(tx).insertInto('tombstone').values(rows).execute()
}
