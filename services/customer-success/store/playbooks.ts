/** Definitions of playbooks, which of them are active, and since when their conditions hold. */

import { bulkUpsert } from '@plimsoll/kit/db/bulk.ts'
import type { ReaderDatabase, WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import { sql } from 'kysely'
import type { Match } from '../domain/playbook/enrolment.ts'
import type { Playbook } from '../domain/playbook/playbook.ts'
import type { PlaybookTables } from './playbook-tables.ts'
import { tables } from './tables.ts'

export type PlaybookReader = ReaderDatabase<PlaybookTables>

export type ActivePlaybook = {
  readonly id: string
  readonly version: number
  readonly definition: Playbook
  readonly activatedMs: number
  readonly evaluatedDay: number
}

export type StoredPlaybook = {
  readonly id: string
  /** The newest. */
  readonly version: number
  readonly definition: Playbook
  readonly activeVersion: number | undefined
}

/** Whoever saves a playbook, or puts down whom it treated, takes turns until the transaction ends. */
export async function lockPlaybook(tx: WorkerTransaction, id: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`playbook ${id}`}, 0))`.execute(tx)
}

/** Keeps a definition as the next version of its playbook and returns that. */
export async function savePlaybook(
  tx: WorkerTransaction,
  id: string,
  definition: Playbook,
  by: { readonly name: string; readonly timeMs: number },
): Promise<number> {
  await lockPlaybook(tx, id)
  const { version } = await tables(tx)
    .insertInto('playbook_version')
    .values((eb) => ({
      id,
      version: eb
        .selectFrom('playbook_version')
        .select(sql<number>`coalesce(max(version), 0) + 1`.as('version'))
        .where('id', '=', id),
      definition: JSON.stringify(definition),
      created_at: new Date(by.timeMs),
      created_by: by.name,
    }))
    .returning('version')
    .executeTakeFirstOrThrow()
  return version
}

/** Every playbook with its newest definition, by id. */
export async function listPlaybooks(reader: PlaybookReader): Promise<StoredPlaybook[]> {
  const rows = await reader
    .selectFrom('playbook_version as v')
    .leftJoin('playbook', 'playbook.id', 'v.id')
    .distinctOn('v.id')
    .select(['v.id', 'v.version', 'v.definition', 'playbook.version as activeVersion'])
    .orderBy('v.id')
    .orderBy('v.version', 'desc')
    .execute()
  return rows.map((row) => ({ ...row, activeVersion: row.activeVersion ?? undefined }))
}

export async function findDefinition(
  reader: PlaybookReader,
  id: string,
  version?: number,
): Promise<{ readonly version: number; readonly definition: Playbook } | undefined> {
  let query = reader.selectFrom('playbook_version').select(['version', 'definition']).where('id', '=', id)
  if (version !== undefined) query = query.where('version', '=', version)
  return await query.orderBy('version', 'desc').limit(1).executeTakeFirst()
}

/** Makes a version the one that enrols from now on; days and events before are left alone. */
export async function activatePlaybook(
  tx: WorkerTransaction,
  id: string,
  version: number,
  at: { readonly timeMs: number; readonly day: number },
): Promise<void> {
  const values = { version, activated_at: new Date(at.timeMs) }
  await tables(tx)
    .insertInto('playbook')
    .values({ id, ...values, evaluated_day: at.day })
    .onConflict((conflict) => conflict.column('id').doUpdateSet(values))
    .execute()
}

/** False when it was not active. Enrolments under way go on. */
export async function deactivatePlaybook(tx: WorkerTransaction, id: string): Promise<boolean> {
  const { numDeletedRows } = await tables(tx).deleteFrom('playbook').where('id', '=', id).executeTakeFirst()
  await tables(tx).deleteFrom('playbook_match').where('playbook_id', '=', id).execute()
  return numDeletedRows > 0n
}

/** The active playbooks, the highest priority first. */
export async function activePlaybooks(tx: WorkerTransaction): Promise<ActivePlaybook[]> {
  const rows = await tables(tx)
    .selectFrom('playbook')
    .innerJoin('playbook_version as v', (join) =>
      join.onRef('v.id', '=', 'playbook.id').onRef('v.version', '=', 'playbook.version'),
    )
    .select(['playbook.id', 'playbook.version', 'v.definition', 'playbook.activated_at', 'playbook.evaluated_day'])
    .orderBy('playbook.id')
    .execute()
  return rows
    .map(({ activated_at, evaluated_day, ...row }) => ({
      ...row,
      activatedMs: activated_at.getTime(),
      evaluatedDay: evaluated_day,
    }))
    .sort((a, b) => b.definition.priority - a.definition.priority)
}

export async function markEvaluated(tx: WorkerTransaction, ids: readonly string[], day: number): Promise<void> {
  if (ids.length === 0) return
  await tables(tx)
    .updateTable('playbook')
    .set({ evaluated_day: day })
    .where('id', 'in', [...ids])
    .execute()
}

/** By account, since when the playbook's condition holds. */
export async function matchesOf(tx: WorkerTransaction, playbookId: string): Promise<Map<string, Match>> {
  const rows = await tables(tx)
    .selectFrom('playbook_match')
    .select(['account_id', 'since_day', 'last_day'])
    .where('playbook_id', '=', playbookId)
    .execute()
  return new Map(rows.map((row) => [row.account_id, { sinceDay: row.since_day, lastDay: row.last_day }]))
}

/** Keeps the stretches that reach up to a day; those it broke are forgotten. */
export async function saveMatches(
  tx: WorkerTransaction,
  playbookId: string,
  day: number,
  matches: ReadonlyMap<string, Match>,
): Promise<void> {
  const stretches = [...matches.values()]
  await bulkUpsert(tx, {
    table: 'playbook_match',
    key: ['playbook_id', 'account_id'],
    onConflict: 'replace',
    columns: [
      { name: 'playbook_id', type: 'text', values: stretches.map(() => playbookId) },
      { name: 'account_id', type: 'text', values: [...matches.keys()] },
      { name: 'since_day', type: 'int4', values: stretches.map(({ sinceDay }) => sinceDay) },
      { name: 'last_day', type: 'int4', values: stretches.map(({ lastDay }) => lastDay) },
    ],
  })
  await tables(tx)
    .deleteFrom('playbook_match')
    .where('playbook_id', '=', playbookId)
    .where('last_day', '<', day)
    .execute()
}
