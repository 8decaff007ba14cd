/**
 * Strata: the requests of one endpoint by what makes them alike. A request answered from a cache and one of a large tenant
 * take their time for reasons of their own; which of them come more often says nothing of the endpoint's speed. A stratum
 * is a status class and, where senders tell it, a request class (labels.ts). The release is none: it may be the cause.
 */

import { type ChartWindow, latencyWindows } from './chart.ts'
import { createHistogram, type Histogram, merge, mergeAll } from './histogram.ts'
import { decodeHistogram } from './histogramcodec.ts'

/** Requests (ms) by stratum. */
export type Strata = ReadonlyMap<string, Histogram>

/** Fewest requests that are compared at all, as for a window of the detector. */
export const FEWEST_REQUESTS = 20

/**
 * Requests of each window start, by time, as the detector saw them: those answered as asked, all where none was. What not
 * every request states tells none apart, or a label that is being introduced would look like new requests.
 */
export function strataByStart(windows: readonly ChartWindow[]): Map<number, Strata> {
  const seen = [...Map.groupBy(windows, ({ t }) => t.getTime())].map(
    ([start, group]) => [start, latencyWindows(group)] as const,
  )
  const all = seen.flatMap(([, group]) => group)
  const statusStated = all.every(({ status_class }) => status_class > 0)
  const classStated = all.every(({ request_class }) => request_class !== '')
  const nameOf = ({ status_class, request_class }: ChartWindow): string =>
    `${statusStated ? `${status_class}xx` : ''} ${classStated ? request_class : ''}`.trim()
  return new Map(seen.map(([start, group]) => [start, byStratum(group, nameOf)]))
}

function byStratum(windows: readonly ChartWindow[], nameOf: (window: ChartWindow) => string): Strata {
  const strata = new Map<string, Histogram>()
  for (const window of windows) {
    if (window.histogram !== null) into(strata, nameOf(window), decodeHistogram(window.histogram))
  }
  return strata
}

function into(strata: Map<string, Histogram>, stratum: string, requests: Histogram): void {
  const known = strata.get(stratum) ?? createHistogram()
  merge(known, requests)
  strata.set(stratum, known)
}

export function mergeStrata(all: readonly Strata[]): Strata {
  const merged = new Map<string, Histogram>()
  for (const strata of all) for (const [stratum, requests] of strata) into(merged, stratum, requests)
  return merged
}

export const pooled = (strata: Strata): Histogram => mergeAll([...strata.values()])

export function requestsOf(strata: Strata): number {
  let requests = 0
  for (const { count } of strata.values()) requests += count
  return requests
}

/** Strata that can be compared: at least 20 requests before, and any since. */
export function strataInCommon(before: Strata, since: Strata): ReadonlySet<string> {
  const isCommon = (stratum: string): boolean =>
    (before.get(stratum)?.count ?? 0) >= FEWEST_REQUESTS && (since.get(stratum)?.count ?? 0) > 0
  return new Set([...since.keys()].filter(isCommon))
}

export function keepStrata(strata: Strata, kept: ReadonlySet<string>): Strata {
  return new Map([...strata].filter(([stratum]) => kept.has(stratum)))
}
