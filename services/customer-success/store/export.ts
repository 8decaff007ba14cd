/** Everything kept of a person or an account, line by line: one after the other from a cursor, whatever there is of it. */

import type { WorkerDatabase } from '@plimsoll/kit/db/database.ts'
import { sql, type Transaction } from 'kysely'
import { isoDay } from '../domain/day.ts'
import { explain } from '../domain/health/explain.ts'
import { healthBy } from '../domain/health/score.ts'
import { usesOf } from '../domain/privacy.ts'
import { ANY, API_CALLS, API_ERRORS } from '../domain/usage-cells.ts'
import { decodePerson } from '../domain/usage-codec.ts'
import { KEPT_TABLES, type KnownPerson } from './export-tables.ts'
import type { ScoreRow } from './health.ts'
import { configurationsOf } from './health-configurations.ts'
import { anonymousKey, userKey } from './identity.ts'
import type { Tables } from './tables.ts'

export type PersonId = { readonly userId: string } | { readonly anonymousId: string }
export type Whose = { readonly person: KnownPerson } | { readonly accountId: string }

/** A line of a bundle: what it is of, and the row. */
export type ExportLine = { readonly kind: string } & Readonly<Record<string, unknown>>

const ROWS_AT_ONCE = 500

export const keyOfPerson = (id: PersonId): string =>
  'userId' in id ? userKey(id.userId) : anonymousKey(id.anonymousId)

/** All that is known to be this person; of one who never used the product, the identifier asked for. */
export async function knownPerson(reader: Pick<Transaction<Tables>, 'selectFrom'>, id: PersonId): Promise<KnownPerson> {
  const key = keyOfPerson(id)
  const identifiers = await reader
    .selectFrom('identifier')
    .select(['id', 'key'])
    .where('person_id', '=', (person) => person.selectFrom('identifier').select('person_id').where('key', '=', key))
    .execute()
  const keys = [...new Set([key, ...identifiers.map((one) => one.key)])]
  return { nodes: identifiers.map((one) => one.id), keys, ...idsOf(keys) }
}

/** Ids of users and of anonymous ones among keys. */
export function idsOf(keys: readonly string[]): Pick<KnownPerson, 'users' | 'anonymous'> {
  const behind = (prefix: string) => keys.flatMap((key) => (key.startsWith(prefix) ? [key.slice(prefix.length)] : []))
  return { users: behind(userKey('')), anonymous: behind(anonymousKey('')) }
}

/**
 * Lines of one moment. The last has the counts of all others by kind: a bundle without it was cut off. Returning early
 * ends the transaction.
 */
export async function* exportLines(db: WorkerDatabase<Tables>, whose: Whose): AsyncGenerator<ExportLine> {
  const tx = await db.startTransaction().setIsolationLevel('repeatable read').setAccessMode('read only').execute()
  const counts: Record<string, number> = {}
  try {
    for await (const line of allLines(tx, whose)) {
      counts[line.kind] = (counts[line.kind] ?? 0) + 1
      yield line
    }
    yield { kind: 'end', lines: counts }
  } finally {
    await tx.rollback().execute()
  }
}

async function* allLines(tx: Transaction<Tables>, whose: Whose): AsyncGenerator<ExportLine> {
  for (const [table, { ofPerson, ofAccount, order, notExported }] of Object.entries(KEPT_TABLES)) {
    const condition = 'person' in whose ? ofPerson?.(whose.person) : ofAccount?.(whose.accountId)
    if (condition === undefined || notExported !== undefined) continue
    const ordered = order === undefined ? sql`` : sql` order by ${sql.raw(order)}`
    const rows = rowsOf<{ row: Record<string, unknown> }>(
      tx,
      sql`select to_jsonb(t) as row from ${sql.table(table)} as t where ${condition}${ordered}`,
    )
    if (table === 'health_score') yield* withDrivers(tx, rows)
    else for await (const { row } of rows) yield { kind: table, row }
  }
  yield* daysOfUse(tx, whose)
}

/** Rows of a query, some at a time. */
async function* rowsOf<Row>(tx: Transaction<Tables>, query: ReturnType<typeof sql>): AsyncGenerator<Row> {
  await sql`declare bundle no scroll cursor for ${query}`.execute(tx)
  for (;;) {
    const { rows } = await sql<Row>`fetch ${sql.lit(ROWS_AT_ONCE)} from bundle`.execute(tx)
    yield* rows
    if (rows.length < ROWS_AT_ONCE) break
  }
  await sql`close bundle`.execute(tx)
}

/** Scores, each with what moved it since the one before. */
async function* withDrivers(
  tx: Transaction<Tables>,
  rows: AsyncGenerator<{ row: Record<string, unknown> }>,
): AsyncGenerator<ExportLine> {
  const configurations = await configurationsOf(
    tx,
    (await tx.selectFrom('health_configuration').select('version').execute()).map(({ version }) => version),
  )
  let before: ScoreRow | undefined
  for await (const { row } of rows) {
    const score = row as ScoreRow
    const [then, now] = [configurations.get(before?.version ?? 0), configurations.get(score.version)]
    const drivers =
      before === undefined || then === undefined || now === undefined
        ? []
        : explain(healthBy(before.readings, before.template, then), healthBy(score.readings, score.template, now), then)
    yield { kind: 'health_score', row, drivers }
    before = score
  }
}

const OF_NO_FEATURE = [
  [ANY, 'any use'],
  [API_CALLS, 'API calls'],
  [API_ERRORS, 'failed API calls'],
] as const

/** Days of use and memberships, which are packed person by person. */
async function* daysOfUse(tx: Transaction<Tables>, whose: Whose): AsyncGenerator<ExportLine> {
  const account =
    'accountId' in whose
      ? await tx.selectFrom('account').select('id').where('account_id', '=', whose.accountId).executeTakeFirst()
      : undefined
  if ('accountId' in whose && account === undefined) return
  const features = await tx.selectFrom('feature').select(['id', 'name']).execute()
  const featureNames = new Map<number, string>([
    ...OF_NO_FEATURE,
    ...features.map(({ id, name }) => [id, name] as const),
  ])
  const persons = rowsOf<{ uses: Uint8Array; keys: Record<string, string>; accounts: Record<string, string> }>(
    tx,
    sql`
      select uses,
        (select jsonb_object_agg(id, key) from identifier where person_id = person.id) as keys,
        (select jsonb_object_agg(account.id, account.account_id) from account where id in (
          select account_id from account_node where node_id in (select id from identifier where person_id = person.id)
        )) as accounts
      from person where uses is not null and ${
        'person' in whose
          ? sql`id in (select person_id from identifier where id = any(${whose.person.nodes}::bigint[]))`
          : sql`id in (select person_id from identifier join account_node on node_id = identifier.id
              where account_id = ${account?.id})`
      }`,
  )
  for await (const { uses, keys, accounts } of persons) {
    const person = decodePerson(uses)
    const nameOf = (id: number) => ({ accountId: accounts?.[id] ?? '' })
    for (const { node, account: place, atMs } of person.memberships) {
      if (account !== undefined && place !== account.id) continue
      const since = new Date(atMs).toISOString()
      yield { kind: 'membership', row: { identifier: keys[node], ...nameOf(place), since } }
    }
    for (const { node, account: place, feature, day, count } of usesOf(person, account?.id)) {
      const what = { feature: featureNames.get(feature) ?? '', day: isoDay(day), count }
      yield { kind: 'day_of_use', row: { identifier: keys[node], ...nameOf(place), ...what } }
    }
  }
}
