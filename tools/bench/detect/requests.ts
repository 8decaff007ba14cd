/**
 * Request level: two faulty minutes against one normal minute, on the spans of one operation.
 *
 * - An operation is (service, operation name); its durations are the spans of a recorded minute.
 * - The recordings hold the minute of an injection and up to two after it. The minute of the injection (or the one before
 *   it) is the normal one, the next two recorded ones within four minutes are the faulty ones (one, where only one is kept).
 * - An injection counts when a normal and a faulty minute are there and an operation of the faulty service, or a call to it,
 *   has 20 spans on both sides. It is seen when one of these operations is slower: z > 4 and +20 % at median or p95
 *   (compare.ts).
 * - Chance: share of operations that fire between a faulty-free pair of neighbouring recorded minutes (the minute before
 *   an injection against the one before another, at most 40 minutes apart).
 */

import { compareHistograms, isSlower } from '../../../services/performance/domain/compare.ts'
import { add, createHistogram, type Histogram, merge } from '../../../services/performance/domain/histogram.ts'
import { LATENCY_FAULTS, loadNezhaSpans, type NezhaFault } from './nezha.ts'

export type RequestRow = { type: string; tried: number; seen: number }
export type RequestResult = { rows: RequestRow[]; normalPairs: number; normalFired: number }

type Minute = Map<string, Histogram>

export function requestRows(data: string, faults: readonly NezhaFault[]): RequestResult {
  const minutes = new Map<number, Minute>()
  for (const span of loadNezhaSpans(data)) {
    let minute = minutes.get(span.minute)
    if (minute === undefined) {
      minute = new Map()
      minutes.set(span.minute, minute)
    }
    const key = `${span.service} ${span.operation}`
    let histogram = minute.get(key)
    if (histogram === undefined) {
      histogram = createHistogram()
      minute.set(key, histogram)
    }
    add(histogram, span.durationUs / 1000)
  }
  const times = [...minutes.keys()].sort((a, b) => a - b)
  const tally = new Map<string, RequestRow>()
  const normals: number[] = []
  for (const fault of faults) {
    const start = Math.floor(fault.at / 60) * 60
    const normal = times.filter((t) => t <= start && t >= start - 60).at(-1)
    const faulty = times.filter((t) => t > start && t <= start + 240).slice(0, 2)
    if (normal !== undefined) normals.push(normal)
    if (!LATENCY_FAULTS.has(fault.type)) continue
    const before = normal === undefined ? undefined : minutes.get(normal)
    if (before === undefined || faulty.length === 0) continue
    const after: Minute = new Map()
    for (const t of faulty) {
      for (const [key, histogram] of minutes.get(t) ?? []) {
        const into = after.get(key) ?? createHistogram()
        merge(into, histogram)
        after.set(key, into)
      }
    }
    const keys = [...before.keys()].filter((key) => isAbout(key, fault.service) && usable(before, after, key))
    if (keys.length === 0) continue
    const row = tally.get(fault.type) ?? { type: fault.type, tried: 0, seen: 0 }
    row.tried++
    if (keys.some((key) => fires(before, after, key))) row.seen++
    tally.set(fault.type, row)
  }
  let pairs = 0
  let fired = 0
  for (let i = 1; i < normals.length; i++) {
    const a = normals[i - 1] ?? 0
    const b = normals[i] ?? 0
    if (b - a > 2400) continue
    const before = minutes.get(a) ?? new Map()
    const after = minutes.get(b) ?? new Map()
    for (const key of before.keys()) {
      if (!usable(before, after, key)) continue
      pairs++
      if (fires(before, after, key)) fired++
    }
  }
  return { rows: [...tally.values()], normalPairs: pairs, normalFired: fired }
}

/** Operations of the service, and calls to it: their names carry the name of the callee. */
function isAbout(key: string, service: string): boolean {
  return key.startsWith(`${service} `) || key.toLowerCase().includes(`${service.replaceAll('-', '').toLowerCase()}/`)
}

function usable(before: Minute, after: Minute, key: string): boolean {
  return (before.get(key)?.count ?? 0) >= 20 && (after.get(key)?.count ?? 0) >= 20
}

function fires(before: Minute, after: Minute, key: string): boolean {
  const a = before.get(key)
  const b = after.get(key)
  return a !== undefined && b !== undefined && isSlower(compareHistograms(a, b))
}
