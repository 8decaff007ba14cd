import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import { sql } from 'kysely'
import { playbookTables } from './playbooks.ts'

/**
 * Takes persons out of playbooks: where they can be reached, what was sent to them and what is still to be. Enrolments
 * stay with their account. Returns how many contacts, messages and mails were deleted.
 */
export async function eraseFromPlaybooks(tx: WorkerTransaction, userIds: readonly string[]): Promise<number> {
  if (userIds.length === 0) return 0
  const db = playbookTables(tx)
  const users = [...userIds]
  const contacts = await db.deleteFrom('contact').where('user_id', 'in', users).executeTakeFirst()
  const messages = await db.deleteFrom('guidance_message').where('user_id', 'in', users).executeTakeFirst()
  const mails = await sql`delete from effect where payload ->> 'userId' = any(${users})`.execute(tx)
  await db.deleteFrom('action_step').where('user_id', 'in', users).execute()
  await db.updateTable('action').set({ user_id: '' }).where('user_id', 'in', users).execute()
  await db.updateTable('playbook_signal').set({ user_id: '' }).where('user_id', 'in', users).execute()
  return Number(contacts.numDeletedRows + messages.numDeletedRows + (mails.numAffectedRows ?? 0n))
}
