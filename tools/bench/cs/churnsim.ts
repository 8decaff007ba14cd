/**
 * A published comparison point (section 7): raw events of a simulated social network (ChurnSim). Every four weeks, accounts
 * whose subscription runs: churned = ends in (T + 14, T + 42].
 */

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { type Example, type Rows, rowsOf } from '@plimsoll/customer-success/domain/learn/rows.ts'
import { csvRows } from '../detect/csv.ts'
import { evidenceRows, trainAndScore } from './learn.ts'
import type { CsRow } from './rows.ts'

const DAY_MS = 86_400_000
const LEAD_DAYS = 14
const WINDOW_DAYS = 28
const STEP_DAYS = 28

export function churnsimRows(data: string): CsRow[] {
  const folder = join(data, 'customer-success')
  if (!existsSync(join(folder, 'churnsim-social-events.csv.gz'))) return []
  const scored = trainAndScore(loadChurnsim(folder), { name: 'trend', sign: -1 })
  return evidenceRows('-', 'ChurnSim social', scored, {}, { auc: 'LR .649 [.53, .76]' }, 'activity fell')
}

/** Counts of an account: one row of days an event type. */
type Counts = Map<string, Uint16Array>

function loadChurnsim(folder: string): Rows {
  const { counts, types, firstDay, days } = readCounts(join(folder, 'churnsim-social-events.csv.gz'))
  const accounts = [...csvRows(join(folder, 'churnsim-social-accounts.csv.gz'))]
  const names: string[] = []
  const examples: Example[] = []
  for (let cut = 56; cut + LEAD_DAYS + WINDOW_DAYS <= days; cut += STEP_DAYS)
    for (const [entity = '', , , start = '', churn = ''] of accounts) {
      const startDay = Date.parse(start) / DAY_MS - firstDay
      const churnDay = churn === '' ? Infinity : Date.parse(churn) / DAY_MS - firstDay
      if (startDay > cut - 28 || churnDay <= cut + LEAD_DAYS) continue
      const features = featuresOfAccount(counts.get(entity) ?? new Map(), types, cut, cut - startDay)
      if (names.length === 0) names.push(...Object.keys(features))
      examples.push({
        entity,
        day: cut,
        features: Float64Array.from(Object.values(features)),
        churned: churnDay <= cut + LEAD_DAYS + WINDOW_DAYS,
      })
    }
  return rowsOf(names, examples)
}

/** 2 M lines: read without an array for each. */
function readCounts(path: string) {
  const text = gunzipSync(readFileSync(path)).toString('latin1')
  const firstLine = text.indexOf('\n') + 1
  const dayAt = (at: number): number => Date.parse(text.slice(at, at + 10)) / DAY_MS
  const firstDay = dayAt(text.indexOf(',', firstLine) + 1)
  // Ordered by time.
  const days = dayAt(text.indexOf(',', text.trimEnd().lastIndexOf('\n')) + 1) - firstDay + 1
  const counts = new Map<string, Counts>()
  const types = new Set<string>()
  for (let at = firstLine; at < text.length; ) {
    const timeAt = text.indexOf(',', at) + 1
    const typeAt = text.indexOf(',', timeAt) + 1
    const newline = text.indexOf('\n', typeAt)
    const end = newline < 0 ? text.length : newline
    const account = text.slice(at, timeAt - 1)
    const type = text.slice(typeAt, end).trimEnd()
    const own = counts.get(account) ?? new Map<string, Uint16Array>()
    const series = own.get(type) ?? new Uint16Array(days)
    const day = dayAt(timeAt) - firstDay
    series[day] = (series[day] ?? 0) + 1
    counts.set(account, own.set(type, series))
    types.add(type)
    at = end + 1
  }
  return { counts, types: [...types].sort(), firstDay, days }
}

function featuresOfAccount(
  counts: Counts,
  types: readonly string[],
  cut: number,
  age: number,
): Readonly<Record<string, number>> {
  const within = (type: string, back: number, days: number): number => {
    const series = counts.get(type) ?? new Uint16Array(0)
    return series.subarray(Math.max(0, cut - back - days + 1), cut - back + 1).reduce((sum, n) => sum + n, 0)
  }
  const all = (back: number, days: number): number => types.reduce((sum, type) => sum + within(type, back, days), 0)
  return {
    trend: Math.log((all(0, 28) + 1) / (all(28, 28) + 1)),
    trend7: Math.log((4 * all(0, 7) + 1) / (all(0, 28) + 1)),
    age,
    events28: all(0, 28),
    ...Object.fromEntries(types.map((type) => [`${type}28`, within(type, 0, 28)])),
    ...Object.fromEntries(
      types.map((type) => [`${type}Trend`, Math.log((within(type, 0, 28) + 1) / (within(type, 28, 28) + 1))]),
    ),
  }
}
