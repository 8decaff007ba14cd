/**
 * Lane state as pages: numbered rows of bytes. A commit writes the pages that changed and nothing else, so that its cost
 * follows what came in and not what is known. A page of some KB is as large as one row of PostgreSQL likes to be.
 */

import { type Kysely, sql } from 'kysely'
import { bulkUpsert } from '../db/bulk.ts'
import type { WorkerTransaction } from '../db/database.ts'

export type LanePage = {
  /** What the page holds; the processor's own numbering. */
  readonly kind: number
  /** Its number among those of its kind, from 0. */
  readonly page: number
  readonly bytes: Uint8Array
}

/** For a migration of a service whose processor keeps pages. Not worth compressing: they are rewritten all the time. */
export async function createLanePages(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table lane_page (
      lane smallint not null,
      kind smallint not null,
      page int not null,
      bytes bytea storage external not null,
      primary key (lane, kind, page)
    ) with (fillfactor = 50)`.execute(db)
}

/** All pages of a lane, each kind's in order. */
export async function loadPages(tx: WorkerTransaction, lane: number): Promise<LanePage[]> {
  const { rows } = await sql<LanePage>`
    select kind, page, bytes from lane_page where lane = ${lane} order by kind, page`.execute(tx)
  return rows
}

/** Writes pages over what they were. */
export async function savePages(tx: WorkerTransaction, lane: number, pages: readonly LanePage[]): Promise<void> {
  await bulkUpsert(tx, {
    table: 'lane_page',
    key: ['lane', 'kind', 'page'],
    onConflict: 'replace',
    columns: [
      { name: 'lane', type: 'int2', values: pages.map(() => lane) },
      { name: 'kind', type: 'int2', values: pages.map(({ kind }) => kind) },
      { name: 'page', type: 'int4', values: pages.map(({ page }) => page) },
      { name: 'bytes', type: 'bytea', values: pages.map(({ bytes }) => bytes) },
    ],
  })
}

/** Removes the pages of `kind` from number `count` on, once there are fewer. */
export async function cutPages(tx: WorkerTransaction, lane: number, kind: number, count: number): Promise<void> {
  await sql`delete from lane_page where lane = ${lane} and kind = ${kind} and page >= ${count}`.execute(tx)
}

export type PageWriter = { values: Float64Array; length: number }

export const createPageWriter = (): PageWriter => ({ values: new Float64Array(1024), length: 0 })

export function put(page: PageWriter, value: number): void {
  if (page.length === page.values.length) {
    const grown = new Float64Array(page.values.length * 2)
    grown.set(page.values)
    page.values = grown
  }
  page.values[page.length++] = value
}

/** A copy of what was written; the writer begins its next page. */
export function pageBytes(page: PageWriter): Uint8Array {
  const bytes = new Uint8Array(page.values.slice(0, page.length).buffer)
  page.length = 0
  return bytes
}

export type PageReader = { readonly values: Float64Array; at: number }

/** Bytes from the database lie at any address: they are copied once. */
export function createPageReader(bytes: Uint8Array): PageReader {
  return { values: new Float64Array(new Uint8Array(bytes).buffer), at: 0 }
}

export function take(page: PageReader): number {
  const value = page.values[page.at++]
  if (value === undefined) throw new RangeError('a page of lane state ends early')
  return value
}
