import type { ReaderDatabase } from '@plimsoll/kit/db/database.ts'
import { type Insertable, type Selectable, sql } from 'kysely'
import type { Action, Outcome } from '../domain/action.ts'
import type { AccountActionTable } from './account-tables.ts'
import type { ReportingTables, ReportingTransaction } from './tables.ts'

/** By id; locked, so that two lanes cannot both fold from the same row. */
export async function loadActions(tx: ReportingTransaction, ids: readonly string[]): Promise<Map<string, Action>> {
  const rows = await tx
    .selectFrom('account_action')
    .selectAll()
    .where('action_id', '=', sql<string>`any(${ids}::text[])`)
    .orderBy('action_id')
    .forUpdate()
    .execute()
  return new Map(rows.map((row) => [row.action_id, actionOf(row)]))
}

/** Replaces whole rows: an action has two events in its life. */
export async function saveActions(tx: ReportingTransaction, actions: Iterable<Action>): Promise<void> {
  const rows = [...actions].map(rowOf)
  if (rows.length === 0) return
  const ids = rows.map((row) => row.action_id)
  await tx.deleteFrom('account_action').where('action_id', 'in', ids).execute()
  await tx.insertInto('account_action').values(rows).execute()
}

/** Of an account: the open ones, then those whose outcome is known, each newest first. */
export async function actionsOf(
  db: ReaderDatabase<ReportingTables>,
  accountId: string,
  limit: number,
): Promise<Action[]> {
  const rows = await db
    .selectFrom('account_action')
    .selectAll()
    .where('account_id', '=', accountId)
    .orderBy(sql`outcome_at is null`, 'desc')
    .orderBy('triggered_at', 'desc')
    .orderBy('action_id')
    .limit(limit)
    .execute()
  return rows.map(actionOf)
}

function actionOf(row: Selectable<AccountActionTable>): Action {
  return {
    actionId: row.action_id,
    accountId: row.account_id,
    playbook: row.playbook,
    mode: row.mode,
    arm: row.arm,
    triggeredAt: row.triggered_at.getTime(),
    reason: row.reason,
    outcome: outcomeOf(row),
  }
}

function outcomeOf({ outcome_at, metric, before, after, reached }: Selectable<AccountActionTable>): Outcome | null {
  if (outcome_at === null || metric === null || reached === null) return null
  return { at: outcome_at.getTime(), metric, before, after, reached }
}

function rowOf({ outcome, ...action }: Action): Insertable<AccountActionTable> {
  return {
    action_id: action.actionId,
    account_id: action.accountId,
    playbook: action.playbook,
    mode: action.mode,
    arm: action.arm,
    triggered_at: new Date(action.triggeredAt),
    reason: action.reason,
    outcome_at: outcome === null ? null : new Date(outcome.at),
    metric: outcome?.metric ?? null,
    before: outcome?.before ?? null,
    after: outcome?.after ?? null,
    reached: outcome?.reached ?? null,
  }
}
