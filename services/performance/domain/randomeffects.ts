/**
 * Request-level comparison: are the requests since a change slower than those of the minutes before it, by more than these
 * minutes differ among themselves? The requests of a minute share its load, its batches and its caches: a test that takes
 * them for independent fires between minutes where nothing changed. Here the minutes are the sample, and their requests
 * say how precise each of them is (random effects: DerSimonian & Laird 1986).
 *
 * The effect is the log odds of the Mann-Whitney AUC. It varies
 * - within minutes, by what n requests against m leave to chance: 4/3 (1/n + 1/m), the variance (n + m + 1) / 12nm of the
 *   AUC without a change times the squared slope 4 of the log odds at 1/2;
 * - between minutes, by tau^2: the mean of effect^2 - within of each minute before against the others (method of moments:
 *   Hedges & Olkin 1985, chapter 9), shrunk towards what it is for operations at large while few minutes are known.
 */

import { compareHistograms } from './compare.ts'
import { copy, type Histogram, mergeAll, subtract } from './histogram.ts'
import { normalCdf, normalOfStudent } from './normal.ts'
import { logOddsOfAuc } from './profile.ts'

/** Fewest requests that are compared at all, as for a window of the detector. */
const FEWEST_REQUESTS = 20
/**
 * tau of operations at large (a minute whose AUC against the others is 0.59), and how many minutes that is worth: between
 * the maximum likelihood estimates of two unrelated systems, 0.30 and 2, 0.36 and 4 (ADR 0021).
 */
const PRIOR_TAU = 0.35
const PRIOR_MINUTES = 4
/** Correlation of what neighbouring minutes deviate by: 0.64 and 0.52 in the same systems, and 1.5 = 1 + 0.5 in shift.ts. */
const NEIGHBOURS = 0.5
/** Share of comparisons that find something where nothing changed. */
const LEVEL = 0.003

export type RequestComparison = {
  /** Probability that a request since takes longer than one before, ties counted half. */
  readonly auc: number
  /** Standard deviation of the log odds of the AUC between the minutes before. */
  readonly tau: number
  /** How often minutes would look this much slower by themselves. */
  readonly pValue: number
}

/**
 * Each histogram holds the requests (ms) of one minute, in any order; those before with fewer than 20 requests are left
 * out. Undefined when no minute before is left, or fewer than 20 requests since.
 */
export function compareRequests(
  before: readonly Histogram[],
  since: readonly Histogram[],
): RequestComparison | undefined {
  const minutes = before.filter(({ count }) => count >= FEWEST_REQUESTS)
  const reference = mergeAll(minutes)
  const now = mergeAll(since)
  if (minutes.length === 0 || now.count < FEWEST_REQUESTS) return undefined
  const { auc } = compareHistograms(reference, now)
  const tau2 = betweenVariance(minutes, reference)
  const ofMean = (1 + (since.length - 1) * NEIGHBOURS) / since.length + 1 / minutes.length
  const t = logOddsOfAuc(auc) / Math.sqrt(withinVariance(reference, now) + tau2 * ofMean)
  return {
    auc,
    tau: Math.sqrt(tau2),
    pValue: normalCdf(-normalOfStudent(t, PRIOR_MINUTES + minutes.length - 1)),
  }
}

/** True when requests are slower by more than minutes vary; whether by enough to matter is for the caller to say. */
export function isSlower({ pValue }: RequestComparison): boolean {
  return pValue < LEVEL
}

/** The comparison as half a sentence behind the reason of an alarm. */
export function describeRequests(comparison: RequestComparison): string {
  const chance = `p = ${comparison.pValue.toPrecision(2)}`
  return isSlower(comparison)
    ? `requests are slower by more than minutes vary (${chance})`
    : `minutes vary by as much (${chance})`
}

function withinVariance(a: Histogram, b: Histogram): number {
  return (4 / 3) * (1 / a.count + 1 / b.count)
}

/** tau^2; `all` holds the requests of all the minutes. */
function betweenVariance(minutes: readonly Histogram[], all: Histogram): number {
  const prior = PRIOR_TAU ** 2
  if (minutes.length === 1) return prior
  let excess = 0
  for (const minute of minutes) {
    const others = copy(all)
    subtract(others, minute)
    excess += logOddsOfAuc(compareHistograms(others, minute).auc) ** 2 - withinVariance(others, minute)
  }
  const own = Math.max(0, excess / minutes.length)
  const known = minutes.length - 1
  return (PRIOR_MINUTES * prior + known * own) / (PRIOR_MINUTES + known)
}
