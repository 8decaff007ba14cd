/** What the steps of enrolments came to: what was done, tasks among it, and what was held back and why. */

import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import { type Selectable, sql } from 'kysely'
import type { ActionStepTable, PlaybookTables } from './playbook-tables.ts'
import type { PlaybookReader } from './playbooks.ts'
import { tables } from './tables.ts'

export type StepRow = Selectable<ActionStepTable>
export type TaskRow = Selectable<PlaybookTables['action_task']>

/** False when it is on record already. */
export async function recordStep(tx: WorkerTransaction, row: StepRow): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await tables(tx)
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
  const rows = await tables(tx)
    .selectFrom('action_step')
    .select(['user_id', 'at'])
    .where('outcome', '=', 'sent')
    .where('account_id', '=', accountId)
    .where('at', '>', since)
    .execute()
  return rows.map(({ user_id, at }) => ({ userId: user_id, atMs: at.getTime() }))
}

export async function insertTask(tx: WorkerTransaction, task: Omit<TaskRow, 'done_at' | 'done_by'>): Promise<void> {
  await tables(tx)
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
  const { numUpdatedRows } = await tables(tx)
    .updateTable('action_task')
    .set({ done_at: new Date(by.timeMs), done_by: by.name })
    .where('id', '=', id)
    .where('done_at', 'is', null)
    .executeTakeFirst()
  return numUpdatedRows === 1n
}
