/** 1 min -> 10 min and 1 h, hour by hour, and retention by partition. */

import { bulkUpsert } from '@plimsoll/kit/db/bulk.ts'
import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import { maintainDayPartitions } from '@plimsoll/kit/db/partitions.ts'
import { rollUpAll, type StoredWindow } from '../domain/rollup.ts'
import { tables } from './lane.ts'
import { saveWindows, type WindowName } from './windows.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
/** An hour is rolled up once it has been over for this long; windows that still come make it due again. */
const SETTLED_MS = 2 * MINUTE_MS
/** Cells read at a time: bounds what an hour of many endpoints takes in memory. */
const CELLS_AT_ONCE = 2_000

/** Remembers that the hours of these windows have to be rolled up. */
export async function markDue(tx: WorkerTransaction, starts: Iterable<number>): Promise<void> {
  const hours = new Set<number>()
  for (const startMs of starts) hours.add(Math.floor(startMs / HOUR_MS) * HOUR_MS)
  await bulkUpsert(tx, {
    table: 'rollup_due',
    key: ['t'],
    onConflict: 'keep',
    columns: [{ name: 't', type: 'timestamptz', values: [...hours].sort((a, b) => a - b) }],
  })
}

/** The oldest due hours that are over, taken off the list. */
export async function dueHours(tx: WorkerTransaction, nowMs: number, limit: number): Promise<number[]> {
  const db = tables(tx)
  const due = await db
    .selectFrom('rollup_due')
    .select('t')
    .where('t', '<=', new Date(nowMs - HOUR_MS - SETTLED_MS))
    .orderBy('t')
    .limit(limit)
    .forUpdate()
    .skipLocked()
    .execute()
  if (due.length === 0) return []
  const times = due.map(({ t }) => t)
  await db.deleteFrom('rollup_due').where('t', 'in', times).execute()
  return times.map((t) => t.getTime())
}

export async function rollUpHour(tx: WorkerTransaction, startMs: number): Promise<void> {
  for (let after = -1; ; ) {
    const rows = await minutesOf(tx, startMs, after)
    if (rows.length === 0) return
    const byCell = Map.groupBy(rows, ({ cell_id }) => cell_id)
    await saveRolled(tx, 'perf_window_10m', byCell, 10 * MINUTE_MS)
    await saveRolled(tx, 'perf_window_1h', byCell, HOUR_MS)
    after = rows.at(-1)?.cell_id ?? after
  }
}

/** The hour's minutes of the next cells. */
function minutesOf(tx: WorkerTransaction, startMs: number, after: number) {
  const [from, to] = [new Date(startMs), new Date(startMs + HOUR_MS)]
  const db = tables(tx)
  const cells = db
    .selectFrom('perf_window')
    .select('cell_id')
    .distinct()
    .where('t', '>=', from)
    .where('t', '<', to)
    .where('cell_id', '>', after)
    .orderBy('cell_id')
    .limit(CELLS_AT_ONCE)
  return db
    .selectFrom('perf_window')
    .selectAll()
    .where('t', '>=', from)
    .where('t', '<', to)
    .where('cell_id', 'in', cells)
    .orderBy('cell_id')
    .orderBy('t')
    .execute()
}

type MinuteRow = Awaited<ReturnType<typeof minutesOf>>[number]

async function saveRolled(
  tx: WorkerTransaction,
  table: WindowName,
  byCell: ReadonlyMap<number, readonly MinuteRow[]>,
  spanMs: number,
): Promise<void> {
  const rows = [...byCell].flatMap(([cell, minutes]) =>
    rollUpAll(minutes.map(storedOf), spanMs).map((window) => ({ ...window, cellId: cell })),
  )
  await saveWindows(tx, table, rows)
}

function storedOf({ t, requests, rate, sum, min, max, histogram }: MinuteRow): StoredWindow {
  return { startMs: t.getTime(), requests, rate, sum, min, max, histogram }
}

/** Drops partitions past their age, in days by table. */
export async function dropOldWindows(
  tx: WorkerTransaction,
  nowMs: number,
  keepDays: Readonly<Record<WindowName, number>>,
): Promise<void> {
  for (const table of ['perf_window', 'perf_window_10m', 'perf_window_1h'] as const) {
    await maintainDayPartitions(tx, { table, keepDays: keepDays[table] }, nowMs)
  }
}
