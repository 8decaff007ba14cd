/**
 * Did the route become slower, or did its traffic change? Within-stratum comparison: requests are compared only with
 * requests of the same stratum (status class, tenant tier, payload size), and the strata are weighted by the mix of the
 * time before (direct standardisation; van Elteren 1960 for the stratified rank test).
 */

import { compareHistograms } from './compare.ts'
import { copy, createHistogram, type Histogram, merge, quantile, scaleCounts } from './histogram.ts'

export type Stratum = { readonly name: string; readonly before: Histogram; readonly after: Histogram }

export type CostShift = {
  /** Stratified z: how sure it is that requests of the same kind became slower. */
  readonly z: number
  /** p95 before, after, and after with the mix of before. */
  readonly p95Before: number
  readonly p95After: number
  readonly p95Reweighted: number
  /** Share of the rise of p95 that the changed mix explains, 0..1. */
  readonly mixShare: number
  /** False when only the mix changed. */
  readonly slower: boolean
}

export function costShift(strata: readonly Stratum[], minimumZ = 4, minimumRatio = 1.1): CostShift {
  const before = createHistogram()
  const after = createHistogram()
  const reweighted = createHistogram()
  let numerator = 0
  let variance = 0
  for (const stratum of strata) {
    merge(before, stratum.before)
    merge(after, stratum.after)
    const n = stratum.before.count
    const m = stratum.after.count
    if (n === 0 || m === 0) continue
    const weighted = copy(stratum.after)
    scaleCounts(weighted, n / m)
    merge(reweighted, weighted)
    // Weight of a stratum in the pooled test: nm / (n + m + 1), its information about a shift.
    const weight = (n * m) / (n + m + 1)
    const spread = Math.sqrt((n + m + 1) / (12 * n * m))
    numerator += weight * compareHistograms(stratum.before, stratum.after).z * spread
    variance += (weight * spread) ** 2
  }
  const p95Before = quantile(before, 0.95)
  const p95After = quantile(after, 0.95)
  const p95Reweighted = quantile(reweighted, 0.95)
  const z = variance > 0 ? numerator / Math.sqrt(variance) : 0
  const rise = p95After - p95Before
  const ratios = [0.5, 0.95].map((p) => quantile(reweighted, p) / quantile(before, p))
  return {
    z,
    p95Before,
    p95After,
    p95Reweighted,
    mixShare: rise > 0 ? Math.max(0, Math.min(1, (p95After - p95Reweighted) / rise)) : 0,
    slower: z >= minimumZ && Math.max(...ratios) >= minimumRatio,
  }
}
