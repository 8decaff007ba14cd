/** Two-sample rank test on request histograms. */

import type { Histogram } from './histogram.ts'

export type Comparison = {
  /** Probability that a request of `after` takes longer than one of `before`, ties counted half. */
  auc: number
  /** Normal approximation of the Mann-Whitney statistic, corrected for ties: as if requests were independent. */
  z: number
}

/** Mann-Whitney on bucket counts in one pass (Hollander & Wolfe, section 4.1; ties through the sum of t^3 - t). */
export function compareHistograms(before: Histogram, after: Histogram): Comparison {
  const n = before.count
  const m = after.count
  const total = n + m
  let below = before.zero
  let wins = (after.zero * before.zero) / 2
  const zeros = before.zero + after.zero
  let ties = zeros * zeros * zeros - zeros
  const from = Math.min(before.length > 0 ? before.offset : Infinity, after.length > 0 ? after.offset : Infinity)
  const to = Math.max(before.offset + before.length, after.offset + after.length)
  for (let index = from; index < to; index++) {
    const b = before.counts[index - before.offset] ?? 0
    const a = after.counts[index - after.offset] ?? 0
    const inBefore = index - before.offset < before.length ? b : 0
    const inAfter = index - after.offset < after.length ? a : 0
    const t = inBefore + inAfter
    if (t === 0) continue
    wins += inAfter * (below + inBefore / 2)
    below += inBefore
    ties += t * t * t - t
  }
  const variance = ((n * m) / 12) * (total + 1 - ties / Math.max(1, total * (total - 1)))
  return {
    auc: n > 0 && m > 0 ? wins / (n * m) : 0.5,
    z: variance > 0 ? (wins - (n * m) / 2) / Math.sqrt(variance) : 0,
  }
}
