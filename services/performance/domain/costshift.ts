/**
 * Did the endpoint become slower, or did its traffic change (cost shift, as FBDetect calls what moves without anything
 * becoming dearer)? Requests are compared with requests of the same stratum, and the requests before are weighted by the
 * mix of those since (direct standardisation): what would have been measured before, had the same requests come?
 */

import { LOG_OFFSET } from './detectorstate.ts'
import { copy, createHistogram, type Histogram, mergeAll, quantile, scaleCounts } from './histogram.ts'
import { compareWithinStrata, isSlower, type RequestComparison } from './randomeffects.ts'
import { keepStrata, mergeStrata, pooled, type Strata, strataInCommon } from './strata.ts'
import { LEAST_REQUESTS } from './summary.ts'

/** Least rise that matters: both (ADR 0013). */
export type SizeGate = { readonly minimumRelative: number; readonly minimumAbsolute: number }

export type CostShift = {
  /** Of the median and, where there are requests enough for it, p95: the one that rose more. */
  readonly quantile: 'p50' | 'p95'
  /** It before, had the requests since come, ms. */
  readonly reweightedMs: number
  /** Share of the rise that the changed mix explains, 0..1. */
  readonly mixShare: number
  /** Of requests of the same stratum. */
  readonly within: RequestComparison
  /**
   * `endpoint`: requests of the same stratum are slower, by enough to matter. `mix`: they are not, and most of the rise is
   * the mix. `unclear`: neither is shown.
   */
  readonly cause: 'endpoint' | 'mix' | 'unclear'
}

/** Share of a rise from which on the mix is its reason, if it is the only one shown. */
const MOSTLY = 0.5

/**
 * `before` and `since` hold minutes (or hours) of one endpoint. Undefined where strata cannot be told apart: there is one
 * in all, or those on both sides have fewer than 20 requests.
 */
export function costShift(before: readonly Strata[], since: readonly Strata[], gate: SizeGate): CostShift | undefined {
  const [was, is] = [mergeStrata(before), mergeStrata(since)]
  if (new Set([...was.keys(), ...is.keys()]).size < 2) return undefined
  const within = compareWithinStrata(before, since)
  if (within === undefined) return undefined
  const all = { before: pooled(was), since: pooled(is) }
  const common = keepStrata(is, strataInCommon(was, is))
  const alike = { before: withMixOf(common, was), since: pooled(common) }
  const quantiles = Math.min(all.before.count, alike.since.count) < LEAST_REQUESTS.p95 ? [0.5] : [0.5, 0.95]
  const most = quantiles.reduce((a, b) => (riseOf(all, b) > riseOf(all, a) ? b : a))
  const rise = riseOf(all, most)
  const mixShare = rise > 0 ? Math.max(0, Math.min(1, 1 - riseOf(alike, most) / rise)) : 0
  const isSlowerItself = isSlower(within) && quantiles.some((p) => matters(alike, p, gate))
  return {
    quantile: most === 0.5 ? 'p50' : 'p95',
    reweightedMs: quantile(alike.before, most),
    mixShare,
    within,
    cause: isSlowerItself ? 'endpoint' : mixShare >= MOSTLY ? 'mix' : 'unclear',
  }
}

/** The comparison as half a sentence behind the reason of an alarm, withheld or told. */
export function describeCostShift(shift: CostShift): string {
  const level = `with the mix since, ${shift.quantile} was ${Number(shift.reweightedMs.toPrecision(3))} ms before`
  const chance = `p = ${shift.within.pValue.toPrecision(2)}`
  return `the mix of requests explains ${Math.round(100 * shift.mixShare)} % (${level}); ${ofTheSameKind(shift)} (${chance})`
}

function ofTheSameKind({ within, cause }: CostShift): string {
  if (!isSlower(within)) return 'requests of the same kind vary by as much'
  return cause === 'endpoint'
    ? 'requests of the same kind are slower by more than they vary'
    : 'requests of the same kind are slower by less than matters'
}

type Change = { readonly before: Histogram; readonly since: Histogram }

/** The requests of `strata`, as many of each as `mix` has. */
function withMixOf(mix: Strata, strata: Strata): Histogram {
  const weighted = [...mix].map(([stratum, { count }]) => {
    const requests = copy(strata.get(stratum) ?? createHistogram())
    scaleCounts(requests, count / requests.count)
    return requests
  })
  return mergeAll(weighted)
}

/** Rise of a quantile on the scale of detectors. */
function riseOf({ before, since }: Change, p: number): number {
  return Math.log((quantile(since, p) + LOG_OFFSET) / (quantile(before, p) + LOG_OFFSET))
}

function matters({ before, since }: Change, p: number, { minimumRelative, minimumAbsolute }: SizeGate): boolean {
  const [was, is] = [quantile(before, p), quantile(since, p)]
  return is >= was * (1 + minimumRelative) && is - was >= minimumAbsolute
}
