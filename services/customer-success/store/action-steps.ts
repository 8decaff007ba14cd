/** What the steps of enrolments came to: contacts, tasks, messages, and what was held back and why. */

import type { ContactRecorded } from '@plimsoll/contracts/generated/types.ts'
import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import { type Selectable, sql } from 'kysely'
import type { ActionStepTable, PlaybookTables } from './playbook-tables.ts'
import { type PlaybookReader, playbookTables } from './playbooks.ts'

export type StepRow = Selectable<ActionStepTable>
export type ContactRow = Selectable<PlaybookTables['contact']>
export type TaskRow = Selectable<PlaybookTables['action_task']>

/** False when it is on record already. */
export async function recordStep(tx: WorkerTransaction, row: StepRow): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await playbookTables(tx)
    .insertInto('action_step')
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst()
  return numInsertedOrUpdatedRows === 1n
}

/** What is on record of one step of an enrolment, or of all its steps, by time. */
export async function stepsOf(reader: PlaybookReader, actionId: string, step?: string): Promise<StepRow[]> {
  let query = reader.selectFrom('action_step').selectAll().where('action_id', '=', actionId).orderBy('at')
  if (step !== undefined) query = query.where('step', '=', step)
  return await query.execute()
}

/** When people of an account were contacted, by whichever playbook. */
export async function contactedSince(
  tx: WorkerTransaction,
  accountId: string,
  since: Date,
): Promise<{ readonly userId: string; readonly atMs: number }[]> {
  const rows = await playbookTables(tx)
    .selectFrom('action_step')
    .select(['user_id', 'at'])
    .where('outcome', '=', 'sent')
    .where('account_id', '=', accountId)
    .where('at', '>', since)
    .execute()
  return rows.map(({ user_id, at }) => ({ userId: user_id, atMs: at.getTime() }))
}

/** The people of an account a step is for: one by id, or all of a role. */
export function recipients(
  tx: WorkerTransaction,
  accountId: string,
  whom: { readonly userId: string } | { readonly role: string },
): Promise<ContactRow[]> {
  const query = playbookTables(tx).selectFrom('contact').selectAll().where('account_id', '=', accountId)
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
  await playbookTables(tx)
    .insertInto('contact')
    .values(contact)
    .onConflict((conflict) => conflict.columns(['account_id', 'user_id']).doUpdateSet(values))
    .execute()
}

/** What a statement does not say stays; one that is older than what is known says nothing any more. */
export async function tellContact(tx: WorkerTransaction, told: ContactRecorded): Promise<void> {
  const { accountId, userId, email, timeZone, roles, consent, doNotContact, updatedAt } = told
  await sql`
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
    where known.updated_at <= excluded.updated_at`.execute(tx)
}

export async function insertTask(tx: WorkerTransaction, task: Omit<TaskRow, 'done_at' | 'done_by'>): Promise<void> {
  await playbookTables(tx)
    .insertInto('action_task')
    .values(task)
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

export type TaskFilter = {
  readonly accountId?: string
  readonly open?: boolean
  readonly before?: { readonly createdAt: Date; readonly id: string }
}

/** Tasks, newest first. */
export async function listTasks(
  reader: PlaybookReader,
  { accountId, open, before }: TaskFilter,
  limit: number,
): Promise<TaskRow[]> {
  let query = reader
    .selectFrom('action_task')
    .selectAll()
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
  if (accountId !== undefined) query = query.where('account_id', '=', accountId)
  if (open !== undefined) query = query.where('done_at', open ? 'is' : 'is not', null)
  if (before !== undefined) query = query.where(sql<boolean>`(created_at, id) < (${before.createdAt}, ${before.id})`)
  return await query.execute()
}

/** False when there is no such task, or it is done. */
export async function finishTask(
  tx: WorkerTransaction,
  id: string,
  by: { readonly name: string; readonly timeMs: number },
): Promise<boolean> {
  const { numUpdatedRows } = await playbookTables(tx)
    .updateTable('action_task')
    .set({ done_at: new Date(by.timeMs), done_by: by.name })
    .where('id', '=', id)
    .where('done_at', 'is', null)
    .executeTakeFirst()
  return numUpdatedRows === 1n
}
