/** Several windows of one cell or gauge as one. */

import { createHistogram, merge } from './histogram.ts'
import { decodeHistogram, encodeHistogram } from './histogramcodec.ts'

export type StoredWindow = {
  /** Start, ms. */
  readonly startMs: number
  readonly requests: number
  readonly rate: number
  readonly sum: number
  readonly min: number | null
  readonly max: number | null
  readonly histogram: Uint8Array | null
}

/** Counts add up, rates are averaged over the whole span, minutes without requests included. */
export function rollUp(windows: readonly StoredWindow[], startMs: number, spanMs: number): StoredWindow {
  let requests = 0
  let rateMinutes = 0
  let sum = 0
  let min: number | null = null
  let max: number | null = null
  const all = createHistogram()
  for (const window of windows) {
    requests += window.requests
    rateMinutes += window.rate
    sum += window.sum
    if (window.min !== null) min = Math.min(min ?? Infinity, window.min)
    if (window.max !== null) max = Math.max(max ?? -Infinity, window.max)
    if (window.histogram !== null) merge(all, decodeHistogram(window.histogram))
  }
  const histogram = all.count > 0 ? encodeHistogram(all) : null
  return { startMs, requests, rate: rateMinutes / (spanMs / 60_000), sum, min, max, histogram }
}

/** Rolls windows up to spans of `spanMs`, in order of time. */
export function rollUpAll(windows: readonly StoredWindow[], spanMs: number): StoredWindow[] {
  const spans = Map.groupBy(windows, ({ startMs }) => Math.floor(startMs / spanMs) * spanMs)
  return [...spans].sort(([a], [b]) => a - b).map(([startMs, group]) => rollUp(group, startMs, spanMs))
}
