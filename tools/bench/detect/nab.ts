/**
 * The Numenta Anomaly Benchmark, scored as its version 1.1 does (Lavin & Ahmad 2015, arXiv 1510.03336):
 *
 * - the first 15 % of a file (at most 750 points) are probation and not scored;
 * - a detection inside a labelled window earns sigma(y) / sigma(-1), sigma(y) = 2 / (1 + e^(5y)) - 1, y = -1 at the left
 *   edge and 0 just past the right one; only the best detection of a window counts; a missed window costs 1;
 * - a detection outside costs 0.11 sigma(y), y its distance past the previous window in window widths (-1 beyond 3 widths
 *   or with no window before it);
 * - one threshold for the whole corpus, the best one (standard profile: weights 1, 0.11, 1);
 * - the sum is scaled so that no detection at all is 0 and a detection at the start of every window is 100.
 */

import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { csvRows, readJson } from './csv.ts'

export type NabSeries = { name: string; at: Float64Array; value: Float64Array; windows: (readonly [number, number])[] }

const FALSE_POSITIVE_WEIGHT = 0.11

function seconds(text: string): number {
  return Date.parse(`${text.replace(' ', 'T').replace(/(\.\d{3})\d+$/, '$1')}Z`) / 1000
}

export function loadNab(data: string): NabSeries[] {
  const folder = join(data, 'performance', 'nab')
  if (!existsSync(join(folder, 'combined_windows.json'))) return []
  const labels = readJson(join(folder, 'combined_windows.json')) as Record<string, [string, string][]>
  const all: NabSeries[] = []
  for (const group of readdirSync(folder, { withFileTypes: true })) {
    if (!group.isDirectory()) continue
    for (const file of readdirSync(join(folder, group.name)).sort()) {
      if (!/\.csv(\.gz)?$/.test(file)) continue
      const name = `${group.name}/${file.replace(/\.gz$/, '')}`
      const windows = labels[name]
      if (windows === undefined) continue
      const at: number[] = []
      const value: number[] = []
      for (const [time = '', v = ''] of csvRows(join(folder, group.name, file))) {
        at.push(seconds(time))
        value.push(Number(v))
      }
      const indexOf = (text: string): number => at.indexOf(seconds(text))
      all.push({
        name,
        at: Float64Array.from(at),
        value: Float64Array.from(value),
        windows: windows.map(([from, to]) => {
          const a = indexOf(from)
          const b = indexOf(to)
          if (a < 0 || b < 0) throw new Error(`${name}: the labelled window ${from} .. ${to} is not in the file`)
          return [a, b] as const
        }),
      })
    }
  }
  return all
}

function sigma(y: number): number {
  return y > 3 ? -1 : 2 / (1 + Math.exp(5 * y)) - 1
}

export function probation(length: number): number {
  return Math.floor(0.15 * Math.min(length, 5000))
}

/** What a detection at each point is worth, and in which window it lies (-1 outside, -2 in probation). */
export function pointWorth(series: NabSeries): { worth: Float64Array; window: Int32Array } {
  const n = series.at.length
  const worth = new Float64Array(n)
  const window = new Int32Array(n).fill(-1)
  let previous: readonly [number, number] | undefined
  let w = 0
  const windows = series.windows.toSorted((a, b) => a[0] - b[0])
  for (let i = 0; i < n; i++) {
    while (w < windows.length && i > (windows[w]?.[1] ?? n)) previous = windows[w++]
    const current = windows[w]
    if (current !== undefined && i >= current[0]) {
      const width = current[1] - current[0] + 1
      worth[i] = sigma(-(current[1] - i + 1) / width) / sigma(-1)
      window[i] = w
    } else {
      const y = previous === undefined ? Infinity : (i - previous[1]) / Math.max(1, previous[1] - previous[0])
      worth[i] = FALSE_POSITIVE_WEIGHT * sigma(y)
    }
  }
  for (let i = 0; i < probation(n); i++) window[i] = -2
  return { worth, window }
}

export type NabScore = { score: number; threshold: number; perFile: { name: string; score: number; windows: number }[] }

/** Score of a set of per-point anomaly scores at the best common threshold. */
export function scoreNab(all: readonly NabSeries[], scores: readonly Float64Array[]): NabScore {
  type Point = { score: number; worth: number; key: number }
  const points: Point[] = []
  let windows = 0
  for (const [f, series] of all.entries()) {
    const { worth, window } = pointWorth(series)
    for (let i = 0; i < worth.length; i++) {
      const w = window[i] ?? -1
      if (w === -2) continue
      points.push({ score: scores[f]?.[i] ?? 0, worth: worth[i] ?? 0, key: w < 0 ? -1 : windows + w })
    }
    windows += series.windows.length
  }
  points.sort((a, b) => b.score - a.score)
  const best = new Float64Array(windows).fill(-1)
  let sum = -windows
  let top = sum
  let threshold = Infinity
  for (let k = 0; k < points.length; k++) {
    const p = points[k]
    if (p === undefined) break
    if (p.key < 0) sum += p.worth
    else if (p.worth > (best[p.key] ?? 0)) {
      sum += p.worth - (best[p.key] ?? 0)
      best[p.key] = p.worth
    }
    // Ties belong to one threshold.
    if (points[k + 1]?.score !== p.score && sum > top) {
      top = sum
      threshold = p.score
    }
  }
  const perFile = all.map((series, f) => ({
    name: series.name,
    windows: series.windows.length,
    score: rawScore(series, scores[f] ?? new Float64Array(0), threshold),
  }))
  return { score: (100 * (top + windows)) / (2 * windows), threshold, perFile }
}

export function rawScore(series: NabSeries, scores: Float64Array, threshold: number): number {
  const { worth, window } = pointWorth(series)
  const best = new Float64Array(series.windows.length).fill(-1)
  let sum = 0
  for (let i = 0; i < worth.length; i++) {
    const w = window[i] ?? -1
    if (w === -2 || (scores[i] ?? 0) < threshold) continue
    if (w < 0) sum += worth[i] ?? 0
    else best[w] = Math.max(best[w] ?? -1, worth[i] ?? 0)
  }
  for (const b of best) sum += b
  return sum
}

/** Score of one half of the corpus at the threshold that is best for the other half. */
export function heldOutScore(all: readonly NabSeries[], scores: readonly Float64Array[]): [number, number] {
  const pick = (half: number): [NabSeries[], Float64Array[]] => {
    const index = [...all.keys()].filter((k) => k % 2 === half)
    return [index.map((k) => all[k]).filter((s) => s !== undefined), index.map((k) => scores[k] ?? new Float64Array(0))]
  }
  const [a, sa] = pick(0)
  const [b, sb] = pick(1)
  const at = (series: NabSeries[], s: Float64Array[], threshold: number): number => {
    let sum = 0
    let windows = 0
    for (const [f, one] of series.entries()) {
      sum += rawScore(one, s[f] ?? new Float64Array(0), threshold)
      windows += one.windows.length
    }
    return (100 * (sum + windows)) / (2 * windows)
  }
  return [at(a, sa, scoreNab(b, sb).threshold), at(b, sb, scoreNab(a, sa).threshold)]
}
