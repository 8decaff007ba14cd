import { CompiledQuery, type Kysely } from 'kysely'
import { type BulkColumn, encodeArray, encodeCopy, rowCount } from './binary.ts'
import { CopyData } from './copy.ts'
import { quoteName } from './schema.ts'

export type { BulkColumn, ColumnType } from './binary.ts'

/** Anything that runs statements: a Kysely or one of its transactions, whatever its tables. */
// biome-ignore lint/suspicious/noExplicitAny: Kysely is invariant in its tables, and these statements name theirs as text
export type Executor = Pick<Kysely<any>, 'executeQuery'>

export type BulkUpsert = {
  readonly table: string
  readonly columns: readonly BulkColumn[]
  /** Columns of the unique constraint. Within one write no key may come twice: PostgreSQL refuses it (21000). */
  readonly key: readonly string[]
  /**
   * What a row that is there already becomes: `replace` takes all other columns from the new row, `keep` leaves it, and
   * a record gives SQL by column, where `excluded` is the new row and the table's name the old one.
   */
  readonly onConflict: 'replace' | 'keep' | Readonly<Record<string, string>>
}

/**
 * Inserts rows, or updates those whose key is there: one statement, one array parameter per column. Returns how many rows
 * were inserted or updated. Give the rows in key order where you can: neighbours are on one page of the index.
 * @example
 * await bulkUpsert(tx, {
 *   table: 'counter',
 *   columns: [
 *     { name: 'series', type: 'int4', values: Int32Array.of(1, 2) },
 *     { name: 'total', type: 'float8', values: Float64Array.of(10, 20) },
 *   ],
 *   key: ['series'],
 *   onConflict: { total: 'counter.total + excluded.total' },
 * })
 */
export async function bulkUpsert(tx: Executor, upsert: BulkUpsert): Promise<number> {
  const { columns } = upsert
  if (rowCount(columns) === 0) return 0
  const { numAffectedRows } = await tx.executeQuery(
    CompiledQuery.raw(upsertStatement(upsert), columns.map(encodeArray)),
  )
  return Number(numAffectedRows ?? 0)
}

/** Unnested in the select list and not in `from`, where PostgreSQL would first write all rows to a table of its own. */
function upsertStatement({ table, columns, key, onConflict }: BulkUpsert): string {
  const names = columns.map(({ name }) => name)
  const assignments =
    onConflict === 'keep'
      ? []
      : onConflict === 'replace'
        ? names.filter((name) => !key.includes(name)).map((name) => `${quoteName(name)} = excluded.${quoteName(name)}`)
        : Object.entries(onConflict).map(([name, value]) => `${quoteName(name)} = ${value}`)
  const action = assignments.length === 0 ? 'do nothing' : `do update set ${assignments.join(', ')}`
  const list = (columnNames: readonly string[]) => columnNames.map(quoteName).join(', ')
  const rows = columns.map(({ type }, i) => `unnest($${i + 1}::${type}[])`).join(', ')
  return `insert into ${quoteName(table)} (${list(names)}) select ${rows} on conflict (${list(key)}) ${action}`
}

/**
 * Appends rows by binary COPY, the fastest way in; a key that is there already fails the transaction (23505). Give the
 * rows in key order where you can.
 * @example await bulkAppend(tx, 'sample', [{ name: 'at', type: 'timestamptz', values: timesMs }, { name: 'value', type: 'float8', values }])
 */
export async function bulkAppend(tx: Executor, table: string, columns: readonly BulkColumn[]): Promise<void> {
  if (rowCount(columns) === 0) return
  const names = columns.map(({ name }) => quoteName(name)).join(', ')
  const statement = `copy ${quoteName(table)} (${names}) from stdin (format binary)`
  await tx.executeQuery(CompiledQuery.raw(statement, [new CopyData(encodeCopy(columns))]))
}
