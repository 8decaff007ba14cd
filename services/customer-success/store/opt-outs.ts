/** Persons who do not want to be profiled: counted like everybody, scored with nobody. */

import type { ReaderDatabase, WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import type { Selectable } from 'kysely'
import { idsOf } from './export.ts'
import type { PrivacyTables } from './privacy-tables.ts'
import { tables } from './tables.ts'
import type { UsageTables } from './usage-tables.ts'

export type OptOuts = {
  /** Numbers of all their identifiers. */
  readonly nodes: ReadonlySet<number>
  readonly users: ReadonlySet<string>
}

/** All identifiers of those who opted out under one of them. */
export async function readOptOuts(reader: ReaderDatabase<UsageTables>): Promise<OptOuts> {
  const told = await reader.selectFrom('profiling_opt_out').select('key').execute()
  if (told.length === 0) return { nodes: new Set(), users: new Set() }
  const known = await reader
    .selectFrom('identifier')
    .select(['id', 'key'])
    .where('person_id', 'in', (person) =>
      person
        .selectFrom('identifier')
        .innerJoin('profiling_opt_out', 'profiling_opt_out.key', 'identifier.key')
        .select('identifier.person_id'),
    )
    .execute()
  const { users } = idsOf([...told, ...known].map(({ key }) => key))
  return { nodes: new Set(known.map(({ id }) => id)), users: new Set(users) }
}

/** Whether this person opted out, under whichever identifier. */
export async function hasOptedOut(reader: ReaderDatabase<UsageTables>, key: string): Promise<boolean> {
  const person = reader.selectFrom('identifier').select('person_id').where('key', '=', key)
  const keys = reader.selectFrom('identifier').select('identifier.key').where('person_id', '=', person)
  const row = await reader
    .selectFrom('profiling_opt_out')
    .select('key')
    .where((eb) => eb.or([eb('key', '=', key), eb('key', 'in', keys)]))
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

/** False when it was so already. */
export async function optOut(tx: WorkerTransaction, key: string, nowMs: number): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await tables(tx)
    .insertInto('profiling_opt_out')
    .values({ key, opted_out_at: new Date(nowMs) })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst()
  return numInsertedOrUpdatedRows === 1n
}

/** False when it was so already. */
export async function optIn(tx: WorkerTransaction, key: string): Promise<boolean> {
  const { numDeletedRows } = await tables(tx).deleteFrom('profiling_opt_out').where('key', '=', key).executeTakeFirst()
  return numDeletedRows === 1n
}

export async function listOptOuts(
  reader: ReaderDatabase<UsageTables>,
  after: string,
  limit: number,
): Promise<Selectable<PrivacyTables['profiling_opt_out']>[]> {
  return await reader
    .selectFrom('profiling_opt_out')
    .selectAll()
    .where('key', '>', after)
    .orderBy('key')
    .limit(limit)
    .execute()
}
