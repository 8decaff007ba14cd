/**
 * Request level: the minutes after an injection against the normal minutes of that day before it, on the spans of one
 * operation.
 *
 * - An operation is (service, operation name); its requests are the spans of a recorded minute. Minutes in which it has
 *   fewer than 20 do not count for it.
 * - The recordings hold the minute of an injection and up to two after it. The minute of the injection (or the one before
 *   it) is a normal one, the next two recorded ones within four minutes are the faulty ones (one, where only one is kept).
 * - An injection counts when an operation of the faulty service, or a call to it, has a normal minute before and 20 spans
 *   in the faulty ones. It is seen when one of these operations fires: p50 or p95 rose by enough for an alarm, and the rule
 *   says that its requests are slower.
 * - Chance: share of operations that fire in a normal minute against the normal minutes of that day before it.
 */

import { compareHistograms } from '../../../services/performance/domain/compare.ts'
import { createDetector } from '../../../services/performance/domain/detector.ts'
import {
  add,
  createHistogram,
  type Histogram,
  mergeAll,
  quantile,
} from '../../../services/performance/domain/histogram.ts'
import { compareRequests, isSlower } from '../../../services/performance/domain/randomeffects.ts'
import { LATENCY_FAULTS, loadNezhaSpans, type NezhaFault } from './nezha.ts'

export type RequestRow = { readonly type: string; readonly tried: number; readonly seen: number }
export type RequestResult = {
  readonly rule: string
  readonly rows: readonly RequestRow[]
  readonly normalTried: number
  readonly normalFired: number
}

/** Requests of one operation: a histogram a minute. */
type Comparison = { readonly before: readonly Histogram[]; readonly since: readonly Histogram[] }
type Rule = { readonly name: string; readonly isSlower: (comparison: Comparison) => boolean }
/** By operation. */
type Minute = ReadonlyMap<string, Histogram>

const FEWEST_REQUESTS = 20
const DAY_SECONDS = 86_400

/** What stage 2 says of an alarm. */
const plimsoll: Rule = {
  name: 'plimsoll',
  isSlower({ before, since }) {
    const comparison = compareRequests(before, since)
    return comparison !== undefined && isSlower(comparison)
  },
}

/** The rank test as if requests were independent. */
const independent: Rule = {
  name: 'independent',
  isSlower: ({ before, since }) => compareHistograms(mergeAll(before), mergeAll(since)).z > 4,
}

/** Size gate of the detector, without which there is no alarm to say anything of (ADR 0013). */
const { minimumRelative, minimumAbsolute } = createDetector('latency').options

function matters({ before, since }: Comparison): boolean {
  const [was, is] = [mergeAll(before), mergeAll(since)]
  return [0.5, 0.95].some((p) => {
    const [from, to] = [quantile(was, p), quantile(is, p)]
    return to >= from * (1 + minimumRelative) && to - from >= minimumAbsolute
  })
}

export function requestRows(data: string, faults: readonly NezhaFault[]): RequestResult[] {
  const minutes = loadMinutes(data)
  const injections = injectionsOf(faults, [...minutes.keys()])
  const normals = [...new Set(injections.map(({ normal }) => normal))]
  const tried = injections
    .filter(({ fault }) => LATENCY_FAULTS.has(fault.type))
    .map((injection) => ({ type: injection.fault.type, comparisons: faultyOperations(minutes, normals, injection) }))
    .filter(({ comparisons }) => comparisons.length > 0)
  const chance = normals.flatMap((normal) => normalOperations(minutes, normals, normal))
  return [plimsoll, independent].map((rule) => {
    const fires = (comparison: Comparison): boolean => matters(comparison) && rule.isSlower(comparison)
    return {
      rule: rule.name,
      rows: [...Map.groupBy(tried, ({ type }) => type)].map(([type, group]) => ({
        type,
        tried: group.length,
        seen: group.filter(({ comparisons }) => comparisons.some(fires)).length,
      })),
      normalTried: chance.length,
      normalFired: chance.filter(fires).length,
    }
  })
}

function loadMinutes(data: string): Map<number, Minute> {
  const minutes = new Map<number, Map<string, Histogram>>()
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
  return minutes
}

/** Starts of recorded minutes, epoch seconds. */
type Injection = { readonly fault: NezhaFault; readonly normal: number; readonly faulty: readonly number[] }

function injectionsOf(faults: readonly NezhaFault[], recorded: readonly number[]): Injection[] {
  const times = [...recorded].sort((a, b) => a - b)
  return faults.flatMap((fault) => {
    const start = Math.floor(fault.at / 60) * 60
    const normal = times.findLast((t) => t <= start && t >= start - 60)
    const faulty = times.filter((t) => t > start && t <= start + 240).slice(0, 2)
    return normal === undefined ? [] : [{ fault, normal, faulty }]
  })
}

type Minutes = ReadonlyMap<number, Minute>

function faultyOperations(minutes: Minutes, normals: readonly number[], { fault, normal, faulty }: Injection) {
  const keys = new Set(faulty.flatMap((t) => [...(minutes.get(t)?.keys() ?? [])]))
  return [...keys].flatMap((key): Comparison[] => {
    if (!isAbout(key, fault.service)) return []
    const before = normalMinutes(minutes, normals, key, normal + 60)
    const since = faulty.flatMap((t) => minutes.get(t)?.get(key) ?? [])
    return before.length > 0 && mergeAll(since).count >= FEWEST_REQUESTS ? [{ before, since }] : []
  })
}

function normalOperations(minutes: Minutes, normals: readonly number[], normal: number): Comparison[] {
  return [...(minutes.get(normal) ?? [])].flatMap(([key, histogram]) => {
    const before = normalMinutes(minutes, normals, key, normal)
    return before.length > 0 && histogram.count >= FEWEST_REQUESTS ? [{ before, since: [histogram] }] : []
  })
}

/** The operation in the normal minutes of a day that begin before `end`. */
function normalMinutes(minutes: Minutes, normals: readonly number[], key: string, end: number): Histogram[] {
  return normals
    .filter((t) => t < end && t >= end - (end % DAY_SECONDS))
    .flatMap((t) => minutes.get(t)?.get(key) ?? [])
    .filter(({ count }) => count >= FEWEST_REQUESTS)
}

/** Operations of the service, and calls to it: their names carry the name of the callee. */
function isAbout(key: string, service: string): boolean {
  return key.startsWith(`${service} `) || key.toLowerCase().includes(`${service.replaceAll('-', '').toLowerCase()}/`)
}
