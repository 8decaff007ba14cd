/**
 * Nezha rows. Definitions, so that every number can be computed again:
 *
 * - usable series: a p95 minute series with a positive value in at least half of its minutes.
 * - quiet: a minute with no injected fault in the 30 minutes before it and the 2 minutes after it, on that day, and at
 *   least 60 windows into the recording.
 * - alerts per service-day: openings (suspected or confirmed, upwards) in quiet minutes of all series with any positive
 *   value, divided by the quiet minutes / 1,440.
 * - step: from a random quiet minute with 120 minutes of recording before it and 30 quiet minutes after it, all values of
 *   one usable series are multiplied by 1.2, 1.5 or 2; found when an upward alert opens within 30 minutes. One start per
 *   series and seed. Delay = opening - start.
 * - short fault: an injected network delay, CPU contention or CPU consumption; seen when an upward alert opens within
 *   6 minutes on a usable series of that service (row `edges`: or on a p50 series of an edge that touches it). Faults
 *   without a usable series do not count.
 */

import { createRandom } from '@plimsoll/customer-success/domain/learn/random.ts'
import {
  concerns,
  edgeSeries,
  LATENCY_FAULTS,
  latencySeries,
  loadNezhaEdges,
  loadNezhaFaults,
  loadNezhaLatency,
  type NezhaFault,
  type NezhaSeries,
} from './nezha.ts'
import type { Rule } from './rules.ts'

const QUIET_AFTER_FAULT = 1800
const QUIET_BEFORE_FAULT = 120
const WARM_UP = 60

export type NezhaData = { latency: NezhaSeries[]; edges: NezhaSeries[]; faults: NezhaFault[] }

export function loadNezha(data: string): NezhaData {
  return {
    latency: latencySeries(loadNezhaLatency(data)),
    edges: edgeSeries(loadNezhaEdges(data)),
    faults: loadNezhaFaults(data),
  }
}

function isQuiet(at: number, faults: readonly NezhaFault[]): boolean {
  return !faults.some((fault) => at >= fault.at - QUIET_BEFORE_FAULT && at <= fault.at + QUIET_AFTER_FAULT)
}

function filled(series: NezhaSeries): number {
  let n = 0
  for (const v of series.value) if (v > 0) n++
  return n / Math.max(1, series.value.length)
}

export function usable(series: NezhaSeries): boolean {
  return filled(series) >= 0.5
}

export type QuietRow = { rule: string; alerts: number; serviceDays: number; perServiceDay: number; worst: string }

export function quietRow(rule: Rule, all: readonly NezhaSeries[], faults: readonly NezhaFault[]): QuietRow {
  let alerts = 0
  let minutes = 0
  let worst = ''
  let most = 0
  for (const series of all) {
    if (filled(series) === 0) continue
    const ofDay = faults.filter((fault) => fault.day === series.day)
    const quiet = Array.from(series.at, (at, i) => i >= WARM_UP && isQuiet(at, ofDay))
    minutes += quiet.filter(Boolean).length
    const n = rule
      .alerts(series.at, series.value, 'latency', series.weight)
      .filter((a) => a.up && quiet[a.index]).length
    alerts += n
    if (n > most) {
      most = n
      worst = `${series.name} ${n}`
    }
  }
  const serviceDays = minutes / 1440
  return { rule: rule.name, alerts, serviceDays, perServiceDay: alerts / serviceDays, worst }
}

export type StepRow = {
  rule: string
  factor: number
  tried: number
  found: number
  share: number
  medianDelayMinutes: number
}

export function stepRow(
  rule: Rule,
  all: readonly NezhaSeries[],
  faults: readonly NezhaFault[],
  factor: number,
  seeds: number,
): StepRow {
  let tried = 0
  const delays: number[] = []
  for (let seed = 1; seed <= seeds; seed++) {
    const random = createRandom(seed)
    for (const series of all) {
      if (!usable(series)) continue
      const ofDay = faults.filter((fault) => fault.day === series.day)
      const starts: number[] = []
      for (let i = 120; i + 30 < series.at.length; i++) {
        if (isQuiet(series.at[i] ?? 0, ofDay) && isQuiet(series.at[i + 30] ?? 0, ofDay)) starts.push(i)
      }
      const start = starts[Math.floor(random() * starts.length)]
      if (start === undefined) continue
      tried++
      const end = start + 31
      const value = series.value.slice(0, end)
      for (let i = start; i < end; i++) value[i] = (value[i] ?? Number.NaN) * factor
      const from = series.at[start] ?? 0
      const hit = rule
        .alerts(series.at.slice(0, end), value, 'latency', series.weight.slice(0, end))
        .find((a) => a.up && a.index >= start && a.at <= from + 1800)
      if (hit !== undefined) delays.push((hit.at - from) / 60 + 1)
    }
  }
  return {
    rule: rule.name,
    factor,
    tried,
    found: delays.length,
    share: delays.length / tried,
    medianDelayMinutes: middle(delays),
  }
}

export type FaultRow = {
  rule: string
  series: string
  tried: number
  seen: number
  share: number
  medianDelayMinutes: number
  missed: string[]
}

export function faultRow(rule: Rule, data: NezhaData, withEdges: boolean): FaultRow {
  const pool = [...data.latency.filter(usable), ...(withEdges ? data.edges.filter(usable) : [])].map((series) => ({
    series,
    alerts: rule.alerts(series.at, series.value, 'latency', series.weight).filter((a) => a.up),
  }))
  const delays: number[] = []
  const missed: string[] = []
  let tried = 0
  for (const fault of data.faults) {
    if (!LATENCY_FAULTS.has(fault.type)) continue
    const watched = pool.filter((p) => p.series.day === fault.day && concerns(p.series.name, fault.service))
    if (!data.latency.some((s) => s.day === fault.day && s.name === fault.service && usable(s))) continue
    tried++
    let first = Infinity
    for (const { alerts } of watched) {
      for (const alert of alerts)
        if (alert.at > fault.at && alert.at <= fault.at + 360) first = Math.min(first, alert.at - fault.at)
    }
    if (Number.isFinite(first)) delays.push(first / 60)
    else missed.push(`${fault.day} ${fault.service} ${fault.type}`)
  }
  return {
    rule: rule.name,
    series: withEdges ? 'p95 + edges' : 'p95',
    tried,
    seen: delays.length,
    share: delays.length / Math.max(1, tried),
    medianDelayMinutes: middle(delays),
    missed,
  }
}

export function middle(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted.length === 0
    ? Number.NaN
    : ((sorted[(sorted.length - 1) >> 1] ?? 0) + (sorted[sorted.length >> 1] ?? 0)) / 2
}
