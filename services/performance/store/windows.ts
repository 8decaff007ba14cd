/** Windows of cells and gauges into `perf_window`, and back as a chart or a reference. */

import { type BulkUpsert, bulkUpsert } from '@plimsoll/kit/db/bulk.ts'
import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import { createDayPartition } from '@plimsoll/kit/db/partitions.ts'
import { type ClosedWindow, closeWindow, MINUTE_MS } from '../domain/endpoint.ts'
import type { Correction } from '../domain/fold.ts'
import { merge } from '../domain/histogram.ts'
import { decodeHistogram, encodeHistogram } from '../domain/histogramcodec.ts'
import type { Closed } from '../domain/windows.ts'
import { tables } from './lane.ts'

export type WindowName = 'perf_window' | 'perf_window_10m' | 'perf_window_1h'

export type WindowRow = {
  readonly cellId: number
  /** Start of the window, ms. */
  readonly startMs: number
  readonly requests: number
  readonly rate: number
  readonly sum: number
  readonly min: number | null
  readonly max: number | null
  readonly histogram: Uint8Array | null
}

const DAY_MS = 86_400_000

export function windowRows(closed: Closed): WindowRow[] {
  const rows: WindowRow[] = []
  for (const { windows } of closed.minutes) for (const window of windows) rows.push(rowOf(window))
  for (const { gauge, window } of closed.gauges) {
    rows.push({
      cellId: gauge.id,
      startMs: window.key,
      requests: window.readings,
      rate: 0,
      sum: window.sum,
      min: window.min,
      max: window.max,
      histogram: null,
    })
  }
  return rows
}

function rowOf({ cell, minute, requests, rate, durationSumMs, histogram }: ClosedWindow): WindowRow {
  const measured = histogram !== undefined && histogram.count > 0
  return {
    cellId: cell.id,
    startMs: minute * MINUTE_MS,
    requests,
    rate,
    sum: durationSumMs,
    min: measured ? histogram.min : null,
    max: measured ? histogram.max : null,
    histogram: measured ? encodeHistogram(histogram) : null,
  }
}

/** Asked each time and not remembered: another process may have dropped a day that is past its age. */
async function ensurePartitions(tx: WorkerTransaction, table: WindowName, rows: readonly WindowRow[]): Promise<void> {
  const days = new Set(rows.map(({ startMs }) => Math.floor(startMs / DAY_MS)))
  for (const day of [...days].sort((a, b) => a - b)) await createDayPartition(tx, table, day * DAY_MS)
}

export async function saveWindows(tx: WorkerTransaction, table: WindowName, rows: readonly WindowRow[]): Promise<void> {
  if (rows.length === 0) return
  await ensurePartitions(tx, table, rows)
  await bulkUpsert(tx, { table, key: ['cell_id', 't'], onConflict: 'replace', columns: columnsOf(rows) })
}

/** Adds what came after its window was closed to what is stored. */
export async function saveCorrections(tx: WorkerTransaction, corrections: Iterable<Correction>): Promise<void> {
  const additions = [...corrections].map(({ cell, window }) => closeWindow(cell, window))
  if (additions.length === 0) return
  const stored = await tables(tx)
    .selectFrom('perf_window')
    .select(['cell_id', 't', 'histogram'])
    .where(
      'cell_id',
      'in',
      additions.map(({ cell }) => cell.id),
    )
    .where(
      't',
      'in',
      additions.map(({ minute }) => new Date(minute * MINUTE_MS)),
    )
    .execute()
  const histograms = new Map(stored.map((row) => [`${row.cell_id}:${row.t.getTime()}`, row.histogram]))
  const rows = additions.map((addition) => {
    const before = histograms.get(`${addition.cell.id}:${addition.minute * MINUTE_MS}`)
    if (before && addition.histogram !== undefined) merge(addition.histogram, decodeHistogram(before))
    const row = rowOf(addition)
    return before && row.histogram === null ? { ...row, histogram: before } : row
  })
  await ensurePartitions(tx, 'perf_window', rows)
  await bulkUpsert(tx, {
    table: 'perf_window',
    key: ['cell_id', 't'],
    onConflict: {
      requests: 'perf_window.requests + excluded.requests',
      rate: 'perf_window.rate + excluded.rate',
      sum: 'perf_window.sum + excluded.sum',
      min: 'least(perf_window.min, excluded.min)',
      max: 'greatest(perf_window.max, excluded.max)',
      histogram: 'excluded.histogram',
    },
    columns: columnsOf(rows),
  })
}

function columnsOf(rows: readonly WindowRow[]): BulkUpsert['columns'] {
  return [
    { name: 'cell_id', type: 'int8', values: rows.map(({ cellId }) => cellId) },
    { name: 't', type: 'timestamptz', values: rows.map(({ startMs }) => startMs) },
    { name: 'requests', type: 'float8', values: rows.map(({ requests }) => requests) },
    { name: 'rate', type: 'float8', values: rows.map(({ rate }) => rate) },
    { name: 'sum', type: 'float8', values: rows.map(({ sum }) => sum) },
    { name: 'min', type: 'float8', values: rows.map(({ min }) => min) },
    { name: 'max', type: 'float8', values: rows.map(({ max }) => max) },
    { name: 'histogram', type: 'bytea', values: rows.map(({ histogram }) => histogram) },
  ]
}
