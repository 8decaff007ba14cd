/** Everything kept of a person, given away or taken away. */

import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import { anonymousKey, keyHash, type LockedPerson, lockPersons, retell, tables, userKey } from './identity.ts'
import { eraseFromPlaybooks } from './playbook-erase.ts'

export type Receipt = {
  readonly identifiers: number
  readonly events: number
  readonly days: number
  readonly tickets: number
  readonly answers: number
  readonly contacts: number
}

export type PersonId = { readonly userId: string } | { readonly anonymousId: string }

/**
 * Erases a person under all identifiers: events, days and texts go, every figure becomes what it would be without the
 * person, and nothing that comes of these identifiers later is taken in. Undefined when nobody has this identifier.
 */
export async function erasePerson(tx: WorkerTransaction, id: PersonId, nowMs: number): Promise<Receipt | undefined> {
  const key = 'userId' in id ? userKey(id.userId) : anonymousKey(id.anonymousId)
  const db = tables(tx)
  const known = await db.selectFrom('identifier').select('id').where('key', '=', key).executeTakeFirst()
  const locked = known && (await lockPersons(tx, [key])).personOf.get(known.id)
  if (locked === undefined) return await eraseUnseen(tx, id, nowMs)
  const { nodes } = locked.person
  await retell(tx, [locked], [])
  const identifiers = await db.selectFrom('identifier').select('key').where('id', 'in', nodes).execute()
  const keys = identifiers.map((identifier) => identifier.key)
  const users = keys.filter((one) => one.startsWith(userKey(''))).map((one) => one.slice(userKey('').length))
  const events = await db.deleteFrom('usage_event').where('node_id', 'in', nodes).executeTakeFirst()
  const [tickets, answers] = await eraseTexts(tx, users)
  const contacts = await eraseFromPlaybooks(tx, users)
  await db.deleteFrom('account_node').where('node_id', 'in', nodes).execute()
  await db
    .deleteFrom('identity_link')
    .where((where) => where.or([where('a', 'in', nodes), where('b', 'in', nodes)]))
    .execute()
  await db.deleteFrom('identifier').where('id', 'in', nodes).execute()
  await db.deleteFrom('person').where('id', '=', locked.id).execute()
  await refuse(tx, keys, nowMs)
  return {
    identifiers: keys.length,
    events: Number(events.numDeletedRows),
    days: daysOf(locked),
    tickets,
    answers,
    contacts,
  }
}

/** Somebody who never used the product may still be a contact, and have been written to. */
async function eraseUnseen(tx: WorkerTransaction, id: PersonId, nowMs: number): Promise<Receipt | undefined> {
  if (!('userId' in id)) return undefined
  const contacts = await eraseFromPlaybooks(tx, [id.userId])
  if (contacts === 0) return undefined
  await refuse(tx, [userKey(id.userId)], nowMs)
  return { identifiers: 0, events: 0, days: 0, tickets: 0, answers: 0, contacts }
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
async function eraseTexts(
  tx: WorkerTransaction,
  users: readonly string[],
): Promise<[tickets: number, answers: number]> {
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
  await db
    .updateTable('usage_quarantine')
    .set({ user_id: '', anonymous_id: '', properties: '' })
    .where('user_id', 'in', users)
    .execute()
  return [Number(tickets.numUpdatedRows), Number(answers.numUpdatedRows)]
}

const daysOf = ({ person }: LockedPerson): number => new Set(person.lists.flatMap(({ days }) => days)).size
