/**
 * Accounts of a manual action beside accounts like them that had none. Nobody was held out, so it is observation and no
 * proof: what made a person act may have made the difference as well.
 */

import { criticalValue, type Interval } from './proportions.ts'

export type Matchable = {
  readonly accountId: string
  /** Compared only with the same. */
  readonly segment: string
  /** What accounts are compared by; each is scaled by its spread. */
  readonly measures: readonly number[]
  readonly reached: boolean
}

export type MatchedComparison = {
  readonly label: 'observational'
  /** Acted-on accounts with somebody to compare with, and those without. */
  readonly matched: number
  readonly unmatched: number
  readonly rate: number
  readonly rateOfMatched: number
  readonly effect: number
  readonly interval: Interval
}

const NEIGHBOURS = 3
/** Farther than this many standard deviations apart, measure by measure, two accounts are not alike (P. C. Austin, 2011). */
const CALIPER = 0.5

/** The mean difference to the nearest untreated accounts, with the interval of the mean over matched accounts. */
export function compareMatched(
  acted: readonly Matchable[],
  others: readonly Matchable[],
  confidence = 0.95,
): MatchedComparison {
  const spreads = spreadsOf([...acted, ...others])
  const pairs = acted.flatMap((account) => {
    const near = neighboursOf(account, others, spreads)
    if (near.length === 0) return []
    return [{ own: Number(account.reached), theirs: near.filter(({ reached }) => reached).length / near.length }]
  })
  const n = pairs.length
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / Math.max(1, n)
  const effect = mean(pairs.map(({ own, theirs }) => own - theirs))
  const variance = mean(pairs.map(({ own, theirs }) => (own - theirs - effect) ** 2)) / Math.max(1, n - 1)
  // No difference in any pair is no certainty: the rule of three's share of one in n stands in.
  const half = n === 0 ? 1 : criticalValue(confidence) * Math.sqrt(Math.max(variance, 1 / n ** 2))
  return {
    label: 'observational',
    matched: n,
    unmatched: acted.length - n,
    rate: mean(pairs.map(({ own }) => own)),
    rateOfMatched: mean(pairs.map(({ theirs }) => theirs)),
    effect,
    interval: { low: Math.max(-1, effect - half), high: Math.min(1, effect + half) },
  }
}

function spreadsOf(accounts: readonly Matchable[]): number[] {
  const count = accounts[0]?.measures.length ?? 0
  return Array.from({ length: count }, (_, measure) => {
    const values = accounts.map(({ measures }) => measures[measure] ?? 0)
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length
    return Math.sqrt(variance) || 1
  })
}

function neighboursOf(account: Matchable, others: readonly Matchable[], spreads: readonly number[]): Matchable[] {
  const near: { readonly other: Matchable; readonly distance: number }[] = []
  for (const other of others) {
    if (other.segment !== account.segment) continue
    const apart = account.measures.map((value, i) => Math.abs(value - (other.measures[i] ?? 0)) / (spreads[i] ?? 1))
    if (apart.every((distance) => distance <= CALIPER)) near.push({ other, distance: Math.hypot(...apart) })
  }
  return near
    .sort((a, b) => a.distance - b.distance || (a.other.accountId < b.other.accountId ? -1 : 1))
    .slice(0, NEIGHBOURS)
    .map(({ other }) => other)
}
