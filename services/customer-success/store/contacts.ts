/** Whom playbooks may contact in an account, where and when. */

import type { ContactRecorded } from '@plimsoll/contracts/generated/types.ts'
import { type AuditEntry, writeAudit } from '@plimsoll/kit/auth/audit.ts'
import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import { type Selectable, sql } from 'kysely'
import { keyHash, userKey } from './identity.ts'
import type { PlaybookTables } from './playbook-tables.ts'
import type { PlaybookReader } from './playbooks.ts'
import { tables } from './tables.ts'

export type ContactRow = Selectable<PlaybookTables['contact']>

/** The people of an account a step is for: one by id, or all of a role. */
export function recipients(
  tx: WorkerTransaction,
  accountId: string,
  whom: { readonly userId: string } | { readonly role: string },
): Promise<ContactRow[]> {
  const query = tables(tx).selectFrom('contact').selectAll().where('account_id', '=', accountId)
  const narrowed =
    'userId' in whom ? query.where('user_id', '=', whom.userId) : query.where(sql<boolean>`${whom.role} = any(roles)`)
  return narrowed.orderBy('user_id').execute()
}

export function findContact(
  reader: PlaybookReader,
  accountId: string,
  userId: string,
): Promise<ContactRow | undefined> {
  return reader
    .selectFrom('contact')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('user_id', '=', userId)
    .executeTakeFirst()
}

export async function saveContact(tx: WorkerTransaction, contact: ContactRow): Promise<void> {
  const { account_id, user_id, ...values } = contact
  await tables(tx)
    .insertInto('contact')
    .values(contact)
    .onConflict((conflict) => conflict.columns(['account_id', 'user_id']).doUpdateSet(values))
    .execute()
}

/**
 * Takes in what an import states. What it does not say stays; one that is older than what is known says nothing any more.
 * A change of what was agreed to is on record like one by the API, under the name of the source.
 */
export async function tellContact(tx: WorkerTransaction, told: ContactRecorded): Promise<void> {
  const { accountId, userId, email, timeZone, roles, consent, doNotContact, updatedAt } = told
  // Locked, so that nobody changes in between what the statement is compared with.
  const before = await sql<Agreed>`
    select consent, do_not_contact as "doNotContact" from contact
    where account_id = ${accountId} and user_id = ${userId} for update`.execute(tx)
  const after = await sql<Agreed>`
    insert into contact as known (account_id, user_id, email, roles, time_zone, consent, do_not_contact, updated_at)
    values (
      ${accountId}, ${userId}, ${email}, ${roles}::text[], coalesce(nullif(${timeZone}, ''), 'UTC'),
      coalesce(${consent}, false), coalesce(${doNotContact}, false), ${new Date(updatedAt)}
    )
    on conflict (account_id, user_id) do update set
      email = coalesce(nullif(${email}, ''), known.email),
      roles = case when cardinality(excluded.roles) = 0 then known.roles else excluded.roles end,
      time_zone = coalesce(nullif(${timeZone}, ''), known.time_zone),
      consent = coalesce(${consent}, known.consent),
      do_not_contact = coalesce(${doNotContact}, known.do_not_contact),
      updated_at = excluded.updated_at
    where known.updated_at <= excluded.updated_at
    returning consent, do_not_contact as "doNotContact"`.execute(tx)
  const [was, agreed] = [before.rows[0], after.rows[0]]
  if (agreed === undefined || (consent === null && doNotContact === null)) return
  if (was?.consent === agreed.consent && was.doNotContact === agreed.doNotContact) return
  const by = { principal: { kind: 'source', name: told.source }, timeMs: told.receivedAt } as const
  await auditContact(tx, { accountId, userId }, agreed, by)
}

/** What a person has agreed to in an account. */
export type Agreed = { readonly consent: boolean; readonly doNotContact: boolean }

/** What was agreed to is on record for good; the address and the id are not, so that they can be erased. */
export async function auditContact(
  tx: WorkerTransaction,
  { accountId, userId }: { readonly accountId: string; readonly userId: string },
  { consent, doNotContact }: Agreed,
  by: Pick<AuditEntry, 'principal' | 'timeMs'>,
): Promise<void> {
  const target = `${accountId}/${keyHash(userKey(userId)).toString('hex')}`
  await writeAudit(tx, { ...by, action: 'contact.saved', target, detail: { consent, doNotContact } })
}
