/** Cells of subjects: added as rows by batches, summed up now and then, read as the sum of what is there. */

import { bulkAppend } from '@plimsoll/kit/db/bulk.ts'
import type { ReaderDatabase, WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import { sql } from 'kysely'
import { blockOf, type Cells } from '../domain/usage-cells.ts'
import { addEncoded, encodeCells } from '../domain/usage-codec.ts'
import type { Tally } from '../domain/usage-figures.ts'
import type { UsageTables } from './usage-tables.ts'

type Row = { readonly subject: string; readonly block: number; readonly fresh: boolean; readonly bytes: Uint8Array }

export async function saveCells(tx: WorkerTransaction, tally: Tally): Promise<void> {
  const rows = [...tally].flatMap(([subject, cells]) =>
    encodeCells(cells).map(({ block, bytes }) => ({ subject, block, fresh: true, bytes })),
  )
  await appendRows(tx, rows)
}

function appendRows(tx: WorkerTransaction, rows: readonly Row[]): Promise<void> {
  return bulkAppend(tx, 'usage_cells', [
    { name: 'subject', type: 'text', values: rows.map(({ subject }) => subject) },
    { name: 'block', type: 'int4', values: rows.map(({ block }) => block) },
    { name: 'fresh', type: 'bool', values: rows.map(({ fresh }) => fresh) },
    { name: 'cells', type: 'bytea', values: rows.map(({ bytes }) => bytes) },
  ])
}

/** Fresh rows a block may have; what is read is at most this many rows more than the blocks. */
const MOST_FRESH = 8
/** Bounds how long nothing else gets a turn. */
const BLOCKS_AT_ONCE = 60

/** Sums up blocks that have many fresh rows; returns how many blocks. Alone in doing so: the ticker's lane is one. */
export async function sumUpCells(tx: WorkerTransaction): Promise<number> {
  const { rows } = await sql<{ subject: string; block: number; cells: Uint8Array }>`
    with due as (
      select subject, block from usage_cells where fresh
      group by subject, block having count(*) >= ${MOST_FRESH} limit ${BLOCKS_AT_ONCE}
    )
    delete from usage_cells as old using due
    where old.subject = due.subject and old.block = due.block
    returning old.subject, old.block, old.cells`.execute(tx)
  const blocks = Map.groupBy(rows, ({ subject, block }) => `${block} ${subject}`)
  const summed = [...blocks.values()].flatMap((parts) => {
    const cells: Cells = new Map()
    for (const { block, cells: bytes } of parts) addEncoded(cells, { block, bytes })
    const subject = parts[0]?.subject ?? ''
    return encodeCells(cells).map(({ block, bytes }) => ({ subject, block, fresh: false, bytes }))
  })
  await appendRows(tx, summed)
  return blocks.size
}

/** Cells of subjects, of all features or one, over the blocks that hold the days from `fromDay` to `toDay`. */
export async function readCells(
  reader: ReaderDatabase<UsageTables>,
  subjects: readonly string[],
  fromDay: number,
  toDay: number,
  feature?: number,
): Promise<Map<string, Cells>> {
  const found = new Map<string, Cells>(subjects.map((subject) => [subject, new Map()]))
  const rows = await reader
    .selectFrom('usage_cells')
    .select(['subject', 'block', 'cells'])
    .where('subject', 'in', subjects)
    .where('block', '>=', blockOf(fromDay))
    .where('block', '<=', blockOf(toDay))
    .execute()
  for (const { subject, block, cells } of rows) {
    const into = found.get(subject)
    if (into !== undefined) addEncoded(into, { block, bytes: cells }, feature)
  }
  return found
}

/** Cells of one subject and feature. */
export async function cellsOf(
  reader: ReaderDatabase<UsageTables>,
  { subject, feature }: { readonly subject: string; readonly feature: number },
  fromDay: number,
  toDay: number,
): Promise<Cells> {
  return (await readCells(reader, [subject], fromDay, toDay, feature)).get(subject) ?? new Map()
}
