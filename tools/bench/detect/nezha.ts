/**
 * Loaders for the Nezha recordings (two microservice systems, minute series, spans and injected faults) and the matching
 * of findings to faults. Shared by the bench and the replay tool.
 */

import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { csvRows } from './csv.ts'

export type NezhaLatencyRow = {
  readonly day: string
  readonly at: number
  readonly service: string
  /** NaN where the minute had no requests. */
  readonly p90Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
  /** Requests per second. */
  readonly operationsPerSecond: number
  readonly successPercent: number
  readonly cpuPercent: number
}

export type NezhaEdgeRow = { readonly day: string; readonly at: number; readonly edge: string; readonly p50Ms: number }

export type NezhaFault = {
  readonly day: string
  readonly at: number
  readonly service: string
  /** network_delay, cpu_contention, cpu_consumed, exception, return */
  readonly type: string
}

export type NezhaSpan = {
  readonly day: string
  /** Start of the recorded minute, epoch seconds. */
  readonly minute: number
  readonly trace: string
  readonly span: string
  /** Undefined for the root. */
  readonly parent: string | undefined
  readonly service: string
  readonly operation: string
  /** Microseconds after `minute`. */
  readonly startUs: number
  readonly durationUs: number
}

/** Faults whose effect is time, not a wrong answer. */
export const LATENCY_FAULTS: ReadonlySet<string> = new Set(['network_delay', 'cpu_contention', 'cpu_consumed'])

/** Files of the folder whose name starts with `prefix`, sorted. Empty when the folder is absent. */
function filesOf(data: string, prefix: string): string[] {
  const folder = nezhaFolder(data)
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => name.startsWith(prefix) && /\.csv(\.gz)?$/.test(name))
    .sort()
    .map((name) => join(folder, name))
}

export function nezhaFolder(data: string): string {
  return join(data, 'performance', 'nezha')
}

function number(text: string | undefined): number {
  return text === undefined || text === '' ? Number.NaN : Number(text)
}

export function loadNezhaLatency(data: string): NezhaLatencyRow[] {
  const rows: NezhaLatencyRow[] = []
  for (const file of filesOf(data, 'nezha_latency_1min')) {
    for (const [day = '', ts, service = '', p90, p95, p99, ops, success, cpu] of csvRows(file)) {
      rows.push({
        day,
        at: number(ts),
        service,
        p90Ms: number(p90) * 1000,
        p95Ms: number(p95) * 1000,
        p99Ms: number(p99) * 1000,
        operationsPerSecond: number(ops),
        successPercent: number(success),
        cpuPercent: number(cpu),
      })
    }
  }
  return rows
}

export function loadNezhaEdges(data: string): NezhaEdgeRow[] {
  const rows: NezhaEdgeRow[] = []
  for (const file of filesOf(data, 'nezha_edges_p50_1min')) {
    for (const [day = '', ts, edge = '', p50] of csvRows(file)) {
      rows.push({ day, at: number(ts), edge, p50Ms: number(p50) * 1000 })
    }
  }
  return rows
}

export function loadNezhaFaults(data: string): NezhaFault[] {
  const faults: NezhaFault[] = []
  for (const file of filesOf(data, 'nezha_faults')) {
    for (const [day = '', at, service = '', type = ''] of csvRows(file))
      faults.push({ day, at: number(at), service, type })
  }
  return faults.sort((a, b) => a.at - b.at)
}

/** Spans one at a time: a day holds hundreds of thousands. `only` narrows to one day. */
export function* loadNezhaSpans(data: string, only?: string): Generator<NezhaSpan> {
  for (const file of filesOf(data, 'nezha_spans')) {
    for (const [
      day = '',
      minute = '',
      trace = '',
      span = '',
      parent,
      service = '',
      operation = '',
      start,
      duration,
    ] of csvRows(file)) {
      if (only !== undefined && day !== only) continue
      yield {
        day,
        minute: Date.parse(`${day}T${minute}:00Z`) / 1000,
        trace,
        span,
        parent: parent === 'root' || parent === '' ? undefined : parent,
        service,
        operation,
        startUs: number(start),
        durationUs: number(duration),
      }
    }
  }
}

export function nezhaDays(data: string): string[] {
  return [...new Set(loadNezhaLatency(data).map((row) => row.day))].sort()
}

export type NezhaSeries = {
  readonly day: string
  readonly name: string
  readonly at: Float64Array
  readonly value: Float64Array
  /** Requests per minute where known, else NaN. */
  readonly weight: Float64Array
}

/** Minute series by day and name, in time order. */
export function groupSeries(
  rows: Iterable<{ day: string; name: string; at: number; value: number; weight: number }>,
): NezhaSeries[] {
  const groups = new Map<string, { day: string; name: string; rows: { at: number; value: number; weight: number }[] }>()
  for (const row of rows) {
    const key = `${row.day} ${row.name}`
    let group = groups.get(key)
    if (group === undefined) {
      group = { day: row.day, name: row.name, rows: [] }
      groups.set(key, group)
    }
    group.rows.push(row)
  }
  return [...groups.values()].map((group) => {
    group.rows.sort((a, b) => a.at - b.at)
    return {
      day: group.day,
      name: group.name,
      at: Float64Array.from(group.rows, (row) => row.at),
      value: Float64Array.from(group.rows, (row) => row.value),
      weight: Float64Array.from(group.rows, (row) => row.weight),
    }
  })
}

/** p95 minute series of every service. */
export function latencySeries(rows: readonly NezhaLatencyRow[]): NezhaSeries[] {
  return groupSeries(
    rows.map((row) => ({
      day: row.day,
      name: row.service,
      at: row.at,
      value: row.p95Ms,
      weight: row.operationsPerSecond * 60,
    })),
  )
}

/** p50 minute series of every caller -> callee edge. */
export function edgeSeries(rows: readonly NezhaEdgeRow[]): NezhaSeries[] {
  return groupSeries(
    rows.map((row) => ({ day: row.day, name: row.edge, at: row.at, value: row.p50Ms, weight: Number.NaN })),
  )
}

export type Finding = {
  /** When the regression was reported, epoch seconds. */
  readonly at: number
  /** Service the finding is about; any other string matches nothing when `sameService` is asked for. */
  readonly service: string
}

export type FaultMatch = {
  readonly found: { readonly fault: NezhaFault; readonly finding: Finding; readonly delaySeconds: number }[]
  readonly missed: NezhaFault[]
  readonly false: Finding[]
}

/**
 * A fault is found by the first finding within `withinSeconds` (360) after its injection. A finding is false when no fault
 * was injected in the `graceSeconds` (900) before it: effects of a fault, its end included, outlast the injection.
 * With `sameService` the finding must name the faulty service or an edge that touches it.
 */
export function matchFindings(
  findings: readonly Finding[],
  faults: readonly NezhaFault[],
  options: { withinSeconds?: number; graceSeconds?: number; sameService?: boolean } = {},
): FaultMatch {
  const within = options.withinSeconds ?? 360
  const grace = options.graceSeconds ?? 900
  const ordered = [...findings].sort((a, b) => a.at - b.at)
  const found: FaultMatch['found'] = []
  const missed: NezhaFault[] = []
  for (const fault of faults) {
    const finding = ordered.find(
      (f) =>
        f.at > fault.at &&
        f.at <= fault.at + within &&
        (options.sameService !== true || concerns(f.service, fault.service)),
    )
    if (finding === undefined) missed.push(fault)
    else found.push({ fault, finding, delaySeconds: finding.at - fault.at })
  }
  return {
    found,
    missed,
    false: ordered.filter((f) => !faults.some((fault) => f.at > fault.at && f.at <= fault.at + grace)),
  }
}

/** True when a series named `name` (a service, or caller_callee) is about `service`. */
export function concerns(name: string, service: string): boolean {
  return name === service || name.endsWith(`_${service}`) || name.startsWith(`${service}_`)
}
