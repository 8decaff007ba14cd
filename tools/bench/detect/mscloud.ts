/**
 * Microsoft cloud monitoring latency series, scored by event:
 *
 * - an event is a maximal run of points labelled 1 (the labels already reach one point beyond each anomaly);
 * - an alert is the opening of an episode, in either direction;
 * - an event is found when an alert opens inside it; every alert outside all events is false;
 * - precision = found / (found + false alerts), recall = found / events, pooled over all series, F1 their harmonic mean;
 * - delay in points from the first labelled point that is not padding (the second one of the run).
 */

import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { csvRows } from './csv.ts'
import { middle } from './quiet.ts'
import type { Rule } from './rules.ts'

export type LabelledSeries = { name: string; at: Float64Array; value: Float64Array; label: Uint8Array }

export function loadMicrosoft(data: string, domain = 'middle-tier-api-dependency-latency'): LabelledSeries[] {
  const folder = join(data, 'performance', 'mscloud', domain)
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => /\.csv(\.gz)?$/.test(name))
    .sort()
    .map((name) => {
      const at: number[] = []
      const value: number[] = []
      const label: number[] = []
      for (const [time = '', v = '', l = ''] of csvRows(join(folder, name))) {
        at.push(Date.parse(/Z$|[+-]\d\d:\d\d$/.test(time) ? time : `${time.replace(' ', 'T')}Z`) / 1000)
        value.push(v === '' ? Number.NaN : Number(v))
        label.push(Number(l) > 0 ? 1 : 0)
      }
      return {
        name: name.replace(/\.csv(\.gz)?$/, ''),
        at: Float64Array.from(at),
        value: Float64Array.from(value),
        label: Uint8Array.from(label),
      }
    })
}

export type EventRow = {
  rule: string
  events: number
  found: number
  false: number
  precision: number
  recall: number
  f1: number
  falsePerThousand: number
  medianDelayPoints: number
}

export function eventRow(
  rule: Rule,
  all: readonly LabelledSeries[],
  seen?: (series: string, text: string) => void,
): EventRow {
  let events = 0
  let found = 0
  let wrong = 0
  let points = 0
  const delays: number[] = []
  for (const series of all) {
    points += series.at.length
    const alerts = rule.alerts(series.at, series.value, 'latency')
    const used = new Set<number>()
    for (let i = 0; i < series.label.length; i++) {
      if (series.label[i] !== 1) continue
      let end = i
      while (series.label[end + 1] === 1) end++
      events++
      const inside = alerts.filter((a) => a.index >= i && a.index <= end)
      for (const a of inside) used.add(a.index)
      const first = inside[0]
      if (first !== undefined) {
        found++
        delays.push(Math.max(0, first.index - Math.min(i + 1, end)))
      }
      seen?.(
        series.name,
        `${first === undefined ? 'MISSED' : 'found'} ${i}-${end} ${inside.map((a) => a.index).join(' ')}`,
      )
      i = end
    }
    const falseOnes = alerts.filter((a) => !used.has(a.index))
    if (falseOnes.length > 0)
      seen?.(series.name, `false ${falseOnes.map((a) => a.index + (a.up ? 'u' : 'd')).join(' ')}`)
    wrong += falseOnes.length
  }
  const precision = found + wrong === 0 ? 0 : found / (found + wrong)
  const recall = events === 0 ? 0 : found / events
  return {
    rule: rule.name,
    events,
    found,
    false: wrong,
    precision,
    recall,
    f1: precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall),
    falsePerThousand: (1000 * wrong) / Math.max(1, points),
    medianDelayPoints: middle(delays),
  }
}
