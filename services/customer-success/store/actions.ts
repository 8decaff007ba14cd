/** Enrolments: who is in which playbook, how far, in which arm, and what came of it. */

import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import { type Insertable, type Selectable, sql } from 'kysely'
import type { Arm, Enrolled } from '../domain/playbook/enrolment.ts'
import type { ActionState, ActionTable } from './playbook-tables.ts'
import type { PlaybookReader } from './playbooks.ts'
import { tables } from './tables.ts'

export type ActionRow = Selectable<ActionTable>

/** False when it is there already. */
export async function insertAction(tx: WorkerTransaction, action: Insertable<ActionTable>): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await tables(tx)
    .insertInto('action')
    .values(action)
    .onConflict((conflict) => conflict.column('id').doNothing())
    .executeTakeFirst()
  return numInsertedOrUpdatedRows === 1n
}

/** Takes up what was put down over HTTP and not told yet, oldest first. */
export function takeUntold(tx: WorkerTransaction, limit: number): Promise<ActionRow[]> {
  const some = tables(tx)
    .selectFrom('action')
    .select('id')
    .where('told', '=', false)
    .orderBy('triggered_at')
    .limit(limit)
  return tables(tx).updateTable('action').set({ told: true }).where('id', 'in', some).returningAll().execute()
}

/** Arms of the actions that are on record, by their ids. */
export async function armsOnRecord(reader: PlaybookReader, ids: readonly string[]): Promise<Map<string, Arm>> {
  const rows = await reader
    .selectFrom('action')
    .select(['id', 'arm'])
    .where('id', 'in', [...ids])
    .execute()
  return new Map(rows.map(({ id, arm }) => [id, arm]))
}

/** Earlier enrolments of accounts in a playbook, by account. A held-out one is open until its outcome is known. */
export async function enrolmentsOf(
  tx: WorkerTransaction,
  playbookId: string,
  accountIds: readonly string[],
): Promise<Map<string, Enrolled[]>> {
  const byAccount = new Map<string, Enrolled[]>(accountIds.map((id) => [id, []]))
  if (accountIds.length === 0) return byAccount
  const rows = await tables(tx)
    .selectFrom('action')
    .select(['account_id', 'triggered_at', 'state'])
    .where('playbook_id', '=', playbookId)
    .where('account_id', 'in', [...accountIds])
    .execute()
  for (const { account_id, triggered_at, state } of rows) {
    const isOpen = state === 'running' || state === 'observed'
    byAccount.get(account_id)?.push({ triggeredMs: triggered_at.getTime(), isOpen })
  }
  return byAccount
}

/** Enrolments whose next step is due. */
export function dueActions(tx: WorkerTransaction, now: Date, limit: number): Promise<ActionRow[]> {
  return tables(tx)
    .selectFrom('action')
    .selectAll()
    .where('state', '=', 'running')
    .where('due_at', '<=', now)
    .orderBy('due_at')
    .orderBy('id')
    .limit(limit)
    .execute()
}

export async function moveAction(
  tx: WorkerTransaction,
  id: string,
  to: { readonly step: string; readonly dueMs: number } | { readonly state: ActionState },
): Promise<void> {
  const change = 'state' in to ? { state: to.state, due_at: null } : { step: to.step, due_at: new Date(to.dueMs) }
  await tables(tx).updateTable('action').set(change).where('id', '=', id).execute()
}

/** The highest priority among an account's other enrolments under way; undefined when there is none above `than`. */
export async function higherPriority(
  tx: WorkerTransaction,
  { id, account_id, priority }: Pick<ActionRow, 'id' | 'account_id' | 'priority'>,
): Promise<string | undefined> {
  const row = await tables(tx)
    .selectFrom('action')
    .select('playbook_id')
    .where('account_id', '=', account_id)
    .where('id', '<>', id)
    .where('state', '=', 'running')
    .where('priority', '>', priority)
    .orderBy('priority', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row?.playbook_id
}

/** Enrolments whose goal's window has ended by then and whose outcome is not known. */
export function actionsToJudge(tx: WorkerTransaction, by: Date, limit: number): Promise<ActionRow[]> {
  return tables(tx)
    .selectFrom('action')
    .selectAll()
    .where('outcome_at', 'is', null)
    .where('window_ends_at', '<=', by)
    .orderBy('window_ends_at')
    .orderBy('id')
    .limit(limit)
    .execute()
}

export async function saveOutcome(
  tx: WorkerTransaction,
  id: string,
  { at, after, reached }: { readonly at: Date; readonly after: number | undefined; readonly reached: boolean },
): Promise<void> {
  await tables(tx)
    .updateTable('action')
    .set((eb) => ({
      outcome_at: at,
      goal_after: after ?? null,
      reached,
      state: eb.case().when('state', '=', 'observed').then<ActionState>('finished').else(eb.ref('state')).end(),
    }))
    .where('id', '=', id)
    .execute()
}

export type ActionFilter = {
  readonly playbookId?: string
  readonly accountId?: string
  readonly state?: ActionState
  readonly arm?: Arm
  readonly before?: { readonly triggeredAt: Date; readonly id: string }
}

/** Enrolments, newest first. */
export async function listActions(reader: PlaybookReader, filter: ActionFilter, limit: number): Promise<ActionRow[]> {
  let query = reader.selectFrom('action').selectAll().orderBy('triggered_at', 'desc').orderBy('id', 'desc').limit(limit)
  const { playbookId, accountId, state, arm, before } = filter
  if (playbookId !== undefined) query = query.where('playbook_id', '=', playbookId)
  if (accountId !== undefined) query = query.where('account_id', '=', accountId)
  if (state !== undefined) query = query.where('state', '=', state)
  if (arm !== undefined) query = query.where('arm', '=', arm)
  if (before !== undefined)
    query = query.where(sql<boolean>`(triggered_at, id) < (${before.triggeredAt}, ${before.id})`)
  return await query.execute()
}

export type ArmCount = {
  readonly playbookId: string
  readonly arm: Arm
  readonly n: number
  readonly reached: number
  /** Mean of the shares that were to be held out. */
  readonly holdoutShare: number
}

/**
 * Accounts of each arm and how many reached the goal, of automatic enrolments whose outcome is known. An account counts
 * once, by its first enrolment: later ones happened to somebody the first may have changed.
 */
export async function countArms(reader: PlaybookReader): Promise<ArmCount[]> {
  const rows = await reader
    .with('first', (db) =>
      db
        .selectFrom('action')
        .distinctOn(['playbook_id', 'account_id'])
        .select(['playbook_id', 'arm', 'reached', 'holdout_share', 'outcome_at'])
        .where('mode', '=', 'automatic')
        .orderBy('playbook_id')
        .orderBy('account_id')
        .orderBy('triggered_at'),
    )
    .selectFrom('first')
    .select((eb) => [
      'playbook_id as playbookId',
      'arm',
      eb.fn.countAll<number>().as('n'),
      sql<number>`count(*) filter (where reached)`.as('reached'),
      eb.fn.avg<number>('holdout_share').as('holdoutShare'),
    ])
    .where('outcome_at', 'is not', null)
    .groupBy(['playbook_id', 'arm'])
    .execute()
  return rows
}

/** Manual actions of one kind whose outcome is known, and when. */
export function judgedManual(
  reader: PlaybookReader,
  kind: string,
): Promise<Pick<ActionRow, 'account_id' | 'triggered_at' | 'reached' | 'goal'>[]> {
  return reader
    .selectFrom('action')
    .select(['account_id', 'triggered_at', 'reached', 'goal'])
    .where('playbook_id', '=', kind)
    .where('mode', '=', 'manual')
    .where('outcome_at', 'is not', null)
    .execute()
}
