/**
 * Turing Change Point Dataset, scored as its paper does (van den Burg & Williams 2020, arXiv 2003.06222): F1 with a margin
 * of 5 points, precision against the union of the annotators, recall averaged over them, index 0 always a change point;
 * and the segmentation covering averaged over annotators. Series with several dimensions use the first one.
 */

import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { findDrift } from '../../../services/performance/domain/drift.ts'
import { readJson } from './csv.ts'

export type TcpdSeries = { name: string; value: number[]; annotations: number[][] }

export function loadTcpd(data: string): TcpdSeries[] {
  const folder = join(data, 'performance', 'tcpd')
  if (!existsSync(join(folder, 'annotations.json'))) return []
  const annotations = readJson(join(folder, 'annotations.json')) as Record<string, Record<string, number[]>>
  return readdirSync(folder)
    .filter((file) => /\.json(\.gz)?$/.test(file) && !file.startsWith('annotations'))
    .sort()
    .flatMap((file) => {
      const name = file.replace(/\.json(\.gz)?$/, '')
      const labels = annotations[name]
      const body = readJson(join(folder, file)) as { series?: { raw: (number | null)[] }[] }
      const first = body.series?.[0]
      if (labels === undefined || first === undefined) return []
      return [{ name, value: first.raw.map((v) => v ?? Number.NaN), annotations: Object.values(labels) }]
    })
}

const MARGIN = 5

/** Change points of `truth` that have a prediction of their own within the margin. */
function truePositives(truth: ReadonlySet<number>, predicted: readonly number[]): number {
  const left = new Set(predicted)
  let hits = 0
  for (const t of [...truth].sort((a, b) => a - b)) {
    const near = [...left].filter((p) => Math.abs(p - t) <= MARGIN).sort((a, b) => Math.abs(a - t) - Math.abs(b - t))[0]
    if (near !== undefined) {
      hits++
      left.delete(near)
    }
  }
  return hits
}

export function f1Of(annotations: readonly number[][], predicted: readonly number[]): number {
  const found = [...new Set([0, ...predicted])]
  const sets = annotations.map((a) => new Set([0, ...a]))
  const union = new Set(sets.flatMap((s) => [...s]))
  const precision = truePositives(union, found) / found.length
  const recall = sets.reduce((sum, s) => sum + truePositives(s, found) / s.size, 0) / sets.length
  return precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall)
}

export function coverOf(annotations: readonly number[][], predicted: readonly number[], n: number): number {
  const segments = (points: readonly number[]): [number, number][] => {
    const cuts = [...new Set([0, ...points, n])].filter((p) => p >= 0 && p <= n).sort((a, b) => a - b)
    return cuts.slice(0, -1).map((from, i) => [from, cuts[i + 1] ?? n])
  }
  const ours = segments(predicted)
  let sum = 0
  for (const annotation of annotations) {
    for (const [from, to] of segments(annotation)) {
      let best = 0
      for (const [a, b] of ours) {
        const both = Math.max(0, Math.min(to, b) - Math.max(from, a))
        best = Math.max(best, both / (Math.max(to, b) - Math.min(from, a)))
      }
      sum += ((to - from) / n) * best
    }
  }
  return sum / annotations.length
}

export type TcpdRow = { rule: string; series: number; f1: number; cover: number }

export function tcpdRows(all: readonly TcpdSeries[]): TcpdRow[] {
  const score = (rule: string, detect: (values: number[]) => number[]): TcpdRow => {
    let f1 = 0
    let cover = 0
    for (const series of all) {
      const found = detect(series.value)
      f1 += f1Of(series.annotations, found)
      cover += coverOf(series.annotations, found, series.value.length)
    }
    return { rule, series: all.length, f1: f1 / all.length, cover: cover / all.length }
  }
  return [score('plimsoll drift', (values) => findDrift(values).map((c) => c.index)), score('never', () => [])]
}
