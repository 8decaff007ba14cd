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
import { copy, type Histogram, subtract } from './histogram.ts'
import { normalCdf, normalOfStudent } from './normal.ts'
import { logOddsOfAuc } from './profile.ts'
import { FEWEST_REQUESTS, keepStrata, mergeStrata, requestsOf, type Strata, strataInCommon } from './strata.ts'

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
  const alike = (requests: Histogram): Strata => new Map([['', requests]])
  return compareWithinStrata(before.map(alike), since.map(alike))
}

/**
 * As `compareRequests`, of minutes whose requests are compared only with those of the same stratum. The AUC is the mean of
 * the strata's, each weighted by what it knows of a shift, nm / (n + m) (van Elteren 1960). A stratum without 20 requests
 * before, or without any since, tells nothing; undefined when the others have too few.
 */
export function compareWithinStrata(
  before: readonly Strata[],
  since: readonly Strata[],
): RequestComparison | undefined {
  const common = strataInCommon(mergeStrata(before), mergeStrata(since))
  const minutes = before.map((minute) => keepStrata(minute, common)).filter(isEnough)
  const minutesSince = since.map((minute) => keepStrata(minute, common)).filter((minute) => requestsOf(minute) > 0)
  const reference = mergeStrata(minutes)
  const now = mergeStrata(minutesSince)
  if (minutes.length === 0 || !isEnough(now)) return undefined
  const { auc, logOdds, variance } = effectOf(reference, now)
  const tau2 = betweenVariance(minutes, reference)
  const ofMean = (1 + (minutesSince.length - 1) * NEIGHBOURS) / minutesSince.length + 1 / minutes.length
  const t = logOdds / Math.sqrt(variance + tau2 * ofMean)
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

const isEnough = (minute: Strata): boolean => requestsOf(minute) >= FEWEST_REQUESTS

type Effect = {
  readonly auc: number
  readonly logOdds: number
  /** Of the log odds, within minutes: infinite where the two sides have no stratum in common. */
  readonly variance: number
}

function effectOf(reference: Strata, now: Strata): Effect {
  let [sum, information] = [0, 0]
  for (const [stratum, since] of now) {
    const before = reference.get(stratum)
    if (before === undefined || before.count === 0 || since.count === 0) continue
    const weight = (before.count * since.count) / (before.count + since.count)
    sum += weight * compareHistograms(before, since).auc
    information += weight
  }
  const auc = information > 0 ? sum / information : 0.5
  return { auc, logOdds: logOddsOfAuc(auc), variance: 4 / 3 / information }
}

/** tau^2; `all` holds the requests of all the minutes. */
function betweenVariance(minutes: readonly Strata[], all: Strata): number {
  const prior = PRIOR_TAU ** 2
  let [excess, compared] = [0, 0]
  for (const minute of minutes) {
    const { logOdds, variance } = effectOf(withoutMinute(all, minute), minute)
    if (variance === Infinity) continue
    excess += logOdds ** 2 - variance
    compared++
  }
  if (compared === 0) return prior
  const own = Math.max(0, excess / compared)
  const known = compared - 1
  return (PRIOR_MINUTES * prior + known * own) / (PRIOR_MINUTES + known)
}

function withoutMinute(all: Strata, minute: Strata): Strata {
  return new Map(
    [...minute].map(([stratum, requests]) => {
      const others = copy(all.get(stratum) ?? requests)
      subtract(others, requests)
      return [stratum, others]
    }),
  )
}
