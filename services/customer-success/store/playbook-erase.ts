import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import { sql } from 'kysely'
import { tables } from './tables.ts'

/**
 * Takes persons out of playbooks: where they can be reached, what was sent to them and what is still to be, and why.
 * Enrolments stay with their account. Returns how many contacts, messages and mails were deleted.
 */
export async function eraseFromPlaybooks(tx: WorkerTransaction, userIds: readonly string[]): Promise<number> {
  if (userIds.length === 0) return 0
  const db = tables(tx)
  const users = [...userIds]
  const contacts = await db.deleteFrom('contact').where('user_id', 'in', users).executeTakeFirst()
  const messages = await db.deleteFrom('guidance_message').where('user_id', 'in', users).executeTakeFirst()
  // What an enrolment sent or opened for the person may name it in any field.
  const own = sql`select id from action where user_id = any(${users})`
  const mails = await sql`
    delete from effect where payload ->> 'userId' = any(${users}) or about in (${own})`.execute(tx)
  await sql`delete from action_step where user_id = any(${users}) or action_id in (${own})`.execute(tx)
  await sql`delete from action_task where action_id in (${own})`.execute(tx)
  await db.updateTable('action').set({ user_id: '', reason: '' }).where('user_id', 'in', users).execute()
  await db.updateTable('playbook_signal').set({ user_id: '', reason: '' }).where('user_id', 'in', users).execute()
  return Number(contacts.numDeletedRows + messages.numDeletedRows + (mails.numAffectedRows ?? 0n))
}

/** Drops what people noted on actions they started by hand, and the messages shown, from before a time. */
export async function dropNotes(tx: WorkerTransaction, before: Date): Promise<void> {
  const db = tables(tx)
  await db
    .updateTable('action')
    .set({ reason: '' })
    .where('mode', '=', 'manual')
    .where('triggered_at', '<', before)
    .where('reason', '<>', '')
    .execute()
  await db.deleteFrom('guidance_message').where('created_at', '<', before).execute()
}
