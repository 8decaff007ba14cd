/** Which account adopted which feature when, and which are late with one. */

import { bulkUpsert } from '@plimsoll/kit/db/bulk.ts'
import type { ReaderDatabase, WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import { type Selectable, sql } from 'kysely'
import type { AdoptionDefinition } from '../domain/adoption-day.ts'
import { startOf } from '../domain/day.ts'
import { usesOf } from '../domain/privacy.ts'
import { daysBetween, series } from '../domain/usage-cells.ts'
import { decodePerson } from '../domain/usage-codec.ts'
import { accountSubject } from '../domain/usage-figures.ts'
import type { Use } from '../domain/usage-person.ts'
import type { AdoptionLagTable, AdoptionTable, AdoptionTables } from './adoption-tables.ts'
import { readCells } from './cells.ts'
import type { OptOuts } from './opt-outs.ts'
import { tables } from './tables.ts'
import type { UsageTables } from './usage-tables.ts'

type Reader = ReaderDatabase<AdoptionTables & UsageTables>
export type AdoptionRow = Selectable<AdoptionTable>
export type LagRow = Selectable<AdoptionLagTable>

/** The last day that was closed. */
export async function lastAdoptionDay(tx: WorkerTransaction): Promise<number | undefined> {
  const row = await tables(tx)
    .selectFrom('adoption_day')
    .select((eb) => eb.fn.max<number | null>('day').as('day'))
    .executeTakeFirst()
  return row?.day ?? undefined
}

export async function saveAdoptionDay(tx: WorkerTransaction, day: number): Promise<void> {
  await tables(tx).insertInto('adoption_day').values({ day }).execute()
}

/** Definitions by feature, where somebody has said what counts. */
export async function adoptionDefinitions(reader: Reader): Promise<Map<string, AdoptionDefinition>> {
  const rows = await reader.selectFrom('adoption_definition').selectAll().execute()
  return new Map(rows.map(({ feature, uses, window_days }) => [feature, { uses, windowDays: window_days }]))
}

export async function saveAdoptionDefinition(
  tx: WorkerTransaction,
  feature: string,
  { uses, windowDays }: AdoptionDefinition,
): Promise<void> {
  const values = { uses, window_days: windowDays }
  await tables(tx)
    .insertInto('adoption_definition')
    .values({ feature, ...values })
    .onConflict((conflict) => conflict.column('feature').doUpdateSet(values))
    .execute()
}

/** By account and feature, of all accounts or of one. */
export async function adoptions(reader: Reader, accountId?: string): Promise<Map<string, Map<string, AdoptionRow>>> {
  let query = reader.selectFrom('adoption').selectAll()
  if (accountId !== undefined) query = query.where('account_id', '=', accountId)
  return byAccount(await query.execute())
}

/** Lags, closed ones too: by account and feature, of all accounts or of one. */
export async function adoptionLags(reader: Reader, accountId?: string): Promise<Map<string, Map<string, LagRow>>> {
  let query = reader.selectFrom('adoption_lag').selectAll()
  if (accountId !== undefined) query = query.where('account_id', '=', accountId)
  return byAccount(await query.execute())
}

function byAccount<Row extends { readonly account_id: string; readonly feature: string }>(rows: readonly Row[]) {
  const found = new Map<string, Map<string, Row>>()
  for (const row of rows) {
    const own = found.get(row.account_id)
    if (own === undefined) found.set(row.account_id, new Map([[row.feature, row]]))
    else own.set(row.feature, row)
  }
  return found
}

export async function saveAdoptions(tx: WorkerTransaction, rows: readonly AdoptionRow[]): Promise<void> {
  await bulkUpsert(tx, {
    table: 'adoption',
    key: ['account_id', 'feature'],
    onConflict: 'keep',
    columns: [
      { name: 'account_id', type: 'text', values: rows.map(({ account_id }) => account_id) },
      { name: 'feature', type: 'text', values: rows.map(({ feature }) => feature) },
      { name: 'adopted_day', type: 'int4', values: rows.map(({ adopted_day }) => adopted_day) },
      { name: 'uses', type: 'int4', values: rows.map(({ uses }) => uses) },
      { name: 'window_days', type: 'int4', values: rows.map(({ window_days }) => window_days) },
    ],
  })
}

/** Opens lags, or closes them. */
export async function saveLags(tx: WorkerTransaction, rows: readonly LagRow[]): Promise<void> {
  await bulkUpsert(tx, {
    table: 'adoption_lag',
    key: ['account_id', 'feature'],
    onConflict: 'replace',
    columns: [
      { name: 'account_id', type: 'text', values: rows.map(({ account_id }) => account_id) },
      { name: 'feature', type: 'text', values: rows.map(({ feature }) => feature) },
      { name: 'raised_day', type: 'int4', values: rows.map(({ raised_day }) => raised_day) },
      { name: 'usual_days', type: 'int4', values: rows.map(({ usual_days }) => usual_days) },
      { name: 'adopters', type: 'int4', values: rows.map(({ adopters }) => adopters) },
      { name: 'closed_day', type: 'int4', values: rows.map(({ closed_day }) => closed_day) },
      { name: 'outcome', type: 'text', values: rows.map(({ outcome }) => outcome) },
    ],
  })
}

/** Of these accounts, by feature: how many had adopted it at the end of a day, and how many were late with it. */
export async function countAdoptions(reader: Reader, accountIds: readonly string[], day: number) {
  const query = sql<{ feature: string; everAdopted: number; late: number }>`
    select feature, sum(adopted)::int as "everAdopted", sum(late)::int as late from (
      select feature, 1 as adopted, 0 as late from adoption
      where account_id = any(${accountIds}) and adopted_day <= ${day}
      union all
      select feature, 0, 1 from adoption_lag
      where account_id = any(${accountIds}) and raised_day <= ${day} and (closed_day is null or closed_day > ${day})
    ) as counted group by feature`
  const { rows } = await query.execute(reader as unknown as Parameters<typeof query.execute>[0])
  return new Map(rows.map(({ feature, everAdopted, late }) => [feature, { everAdopted, late }]))
}

/** Features an account has used and not adopted, each with the day of its first use. */
export type Tried = { readonly accountId: string; readonly features: ReadonlyMap<string, number> }

/** Accounts whose days of use are read at a time. */
const ACCOUNTS_AT_ONCE = 100

/**
 * Uses day by day, from the first to `day`, of what accounts have tried: by all persons, as the figures have them, but for
 * those who opted out of profiling.
 */
export async function* usesTried(tx: WorkerTransaction, tried: readonly Tried[], day: number, optOuts: OptOuts) {
  const reader = tables(tx)
  const rows = await reader.selectFrom('feature').select(['id', 'name']).execute()
  const ids = new Map(rows.map(({ id, name }) => [name, id]))
  const leftOut = await usesOfNodes(reader, optOuts)
  for (let from = 0; from < tried.length; from += ACCOUNTS_AT_ONCE) {
    const some = tried.slice(from, from + ACCOUNTS_AT_ONCE)
    const firstDay = Math.min(...some.flatMap(({ features }) => [...features.values()]))
    const subjects = some.map(({ accountId }) => accountSubject(accountId))
    const cells = await readCells(reader, subjects, firstDay, day)
    for (const { accountId, features } of some) {
      const own = cells.get(accountSubject(accountId)) ?? new Map()
      for (const [feature, first] of features) {
        const id = ids.get(feature) ?? Number.NaN
        const counts = daysBetween(own, id, series.events, first, day)
        for (const use of leftOut.get(accountId) ?? []) {
          const at = use.day - first
          if (use.feature === id && at >= 0 && at < counts.length) counts[at] = (counts[at] ?? 0) - use.count
        }
        yield { accountId, feature, firstDay: first, counts }
      }
    }
  }
}

/** What persons did, by account. */
async function usesOfNodes(reader: Reader, { nodes }: OptOuts): Promise<Map<string, Use[]>> {
  if (nodes.size === 0) return new Map()
  const persons = await reader
    .selectFrom('person')
    .select('uses')
    .where('id', 'in', (person) =>
      person
        .selectFrom('identifier')
        .select('person_id')
        .where('id', 'in', [...nodes]),
    )
    .where('uses', 'is not', null)
    .$narrowType<{ uses: Uint8Array }>()
    .execute()
  const uses = persons.flatMap((person) => [...usesOf(decodePerson(person.uses))])
  const places = [...new Set(uses.map(({ account }) => account))]
  if (places.length === 0) return new Map()
  const accounts = await reader.selectFrom('account').select(['id', 'account_id']).where('id', 'in', places).execute()
  const idOf = new Map(accounts.map(({ id, account_id }) => [id, account_id]))
  return Map.groupBy(uses, ({ account }) => idOf.get(account) ?? '')
}

/** One of the uses of a feature on a day: the first is 1. */
export type NthUse = {
  readonly accountId: string
  readonly feature: string
  readonly day: number
  readonly nth: number
}

/** When these uses were, in their order, by others than these; undefined where the raw event is no longer kept. */
export async function timesOf(
  tx: WorkerTransaction,
  uses: readonly NthUse[],
  { nodes }: OptOuts,
): Promise<(number | undefined)[]> {
  if (uses.length === 0) return []
  const { rows } = await sql<{ place: number; at: Date }>`
    select wanted.place, used.occurred_at as at
    from unnest(
      ${uses.map((_, place) => place)}::int[], ${uses.map(({ accountId }) => accountId)}::text[],
      ${uses.map(({ feature }) => feature)}::text[], ${uses.map(({ day }) => new Date(startOf(day)))}::timestamptz[],
      ${uses.map(({ nth }) => nth)}::int[]
    ) as wanted (place, account_id, feature, day, nth)
    join account using (account_id)
    cross join lateral (
      select event.occurred_at
      from account_node node join usage_event event using (node_id)
      where node.account_id = account.id and event.name = wanted.feature
        and event.account_id in (wanted.account_id, '') and node_id <> all(${[...nodes]}::bigint[])
        and event.occurred_at >= wanted.day and event.occurred_at < wanted.day + interval '1 day'
      order by event.occurred_at offset wanted.nth - 1 limit 1
    ) as used`.execute(tx)
  const times = new Map(rows.map(({ place, at }) => [place, at.getTime()]))
  return uses.map((_, place) => times.get(place))
}
