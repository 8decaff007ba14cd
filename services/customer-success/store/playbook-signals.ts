/** Events that may trigger playbooks, and alerts that hold them back. */

import { bulkUpsert } from '@plimsoll/kit/db/bulk.ts'
import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import type { TriggerEvent } from '../domain/playbook/playbook.ts'
import type { PlaybookReader } from './playbooks.ts'
import { tables } from './tables.ts'

export type Signal = {
  /** Identity of the event, so that it triggers once however often it is read. */
  readonly id: string
  readonly event: TriggerEvent
  readonly accountId: string
  readonly userId: string
  readonly atMs: number
  readonly episodeId: string
  readonly reason: string
}

export async function saveSignals(tx: WorkerTransaction, signals: readonly Signal[]): Promise<void> {
  const text = (name: string, of: (signal: Signal) => string) => ({
    name,
    type: 'text' as const,
    values: signals.map(of),
  })
  await bulkUpsert(tx, {
    table: 'playbook_signal',
    key: ['id'],
    onConflict: 'keep',
    columns: [
      text('id', ({ id }) => id),
      text('event', ({ event }) => event),
      text('account_id', ({ accountId }) => accountId),
      text('user_id', ({ userId }) => userId),
      text('episode_id', ({ episodeId }) => episodeId),
      text('reason', ({ reason }) => reason),
      { name: 'at', type: 'timestamptz', values: signals.map(({ atMs }) => atMs) },
    ],
  })
}

const columns = ['id', 'event', 'account_id', 'user_id', 'at', 'episode_id', 'reason'] as const

const signalOf = (row: {
  id: string
  event: TriggerEvent
  account_id: string
  user_id: string
  at: Date
  episode_id: string
  reason: string
}): Signal => ({
  ...{ id: row.id, event: row.event, accountId: row.account_id, userId: row.user_id },
  ...{ atMs: row.at.getTime(), episodeId: row.episode_id, reason: row.reason },
})

/** Signals that were not looked at yet, by event time. */
export async function waitingSignals(tx: WorkerTransaction, limit: number): Promise<Signal[]> {
  const rows = await tables(tx)
    .selectFrom('playbook_signal')
    .select(columns)
    .where('taken', '=', false)
    .orderBy('at')
    .orderBy('id')
    .limit(limit)
    .execute()
  return rows.map(signalOf)
}

export async function markSignalsTaken(tx: WorkerTransaction, ids: readonly string[]): Promise<void> {
  await tables(tx)
    .updateTable('playbook_signal')
    .set({ taken: true })
    .where('id', 'in', [...ids])
    .execute()
}

/** Signals of one kind since a time, by event time: what a dry run goes through. */
export async function signalsSince(reader: PlaybookReader, event: TriggerEvent, fromMs: number): Promise<Signal[]> {
  const rows = await reader
    .selectFrom('playbook_signal')
    .select(columns)
    .where('event', '=', event)
    .where('at', '>=', new Date(fromMs))
    .orderBy('at')
    .orderBy('id')
    .execute()
  return rows.map(signalOf)
}

export async function dropSignals(tx: WorkerTransaction, beforeMs: number): Promise<void> {
  await tables(tx)
    .deleteFrom('playbook_signal')
    .where('at', '<', new Date(beforeMs))
    .where('taken', '=', true)
    .execute()
}

export type CriticalAlert = { readonly id: string; readonly name: string; readonly atMs: number }

export async function openAlert(tx: WorkerTransaction, { id, name, atMs }: CriticalAlert): Promise<void> {
  await tables(tx)
    .insertInto('critical_alert')
    .values({ id, name, at: new Date(atMs) })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

export async function closeAlert(tx: WorkerTransaction, id: string): Promise<void> {
  await tables(tx).deleteFrom('critical_alert').where('id', '=', id).execute()
}

/** Alerts that began after `sinceMs`: one whose end was never told must not silence everything for good. */
export async function openAlertSince(tx: WorkerTransaction, sinceMs: number): Promise<string | undefined> {
  const row = await tables(tx)
    .selectFrom('critical_alert')
    .select('name')
    .where('at', '>=', new Date(sinceMs))
    .limit(1)
    .executeTakeFirst()
  return row?.name
}
