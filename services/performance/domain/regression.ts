/**
 * A regression and what a signal does to it. The state of a regression is that of its worst open episode; it ends when
 * the last of them has.
 */

import { mean } from './histogram.ts'
import { decodeHistogram } from './histogramcodec.ts'

export type EpisodeState = 'suspected' | 'confirmed' | 'resolved' | 'accepted'

export type Evidence = { readonly episodeId: string; readonly eValue: number }

export type Confirmation = {
  readonly confirmed: boolean
  /** Share of the false-alarm budget used, 0..1. */
  readonly budget: number
}

/**
 * e-BH (Wang & Ramdas, arXiv 2009.02824): with the e-values of `seriesCount` series, those among the largest k with
 * e_(k) >= N / (rate k) are confirmed, for the largest such k; the share of false ones among them is at most `rate`,
 * however the series depend on each other.
 */
export function confirm(episodeId: string, open: readonly Evidence[], seriesCount: number, rate: number): Confirmation {
  const sorted = [...open].sort((a, b) => b.eValue - a.eValue)
  const needed = (k: number): number => Math.max(1, seriesCount) / (rate * k)
  let last = 0
  for (let k = 1; k <= sorted.length; k++) if ((sorted[k - 1]?.eValue ?? 0) >= needed(k)) last = k
  const at = sorted.findIndex((evidence) => evidence.episodeId === episodeId)
  const own = sorted[at]?.eValue ?? 0
  const budget = own > 0 ? Math.min(1, needed(Math.max(1, last)) / own) : 1
  return { confirmed: at >= 0 && at < last, budget }
}

/** What the episodes of a regression amount to. */
export function stateOf(episodes: readonly EpisodeState[], confirmed: boolean): EpisodeState {
  const open = episodes.some((state) => state === 'suspected' || state === 'confirmed')
  if (open) return confirmed ? 'confirmed' : 'suspected'
  return episodes.includes('accepted') ? 'accepted' : 'resolved'
}

/**
 * Extra milliseconds of waiting per second: (mean after - mean before) x requests per second; null where either is
 * unknown. Means come from the histograms, where there are any, because quantiles do not add up.
 */
export function costOf(change: {
  readonly metric: string
  readonly beforeValue: number
  readonly afterValue: number
  readonly beforeHistogram: Uint8Array | null
  readonly afterHistogram: Uint8Array | null
  readonly rate: number | null
}): number | null {
  if (change.metric !== 'latency' || change.rate === null) return null
  const { beforeHistogram, afterHistogram } = change
  const extraMs =
    beforeHistogram !== null && afterHistogram !== null
      ? mean(decodeHistogram(afterHistogram)) - mean(decodeHistogram(beforeHistogram))
      : change.afterValue - change.beforeValue
  return Number.isFinite(extraMs) ? extraMs * change.rate : null
}
