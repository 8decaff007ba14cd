/**
 * How the warnings of a period turned out: which raises came true, who left without one, and whether of those who were
 * given a probability of leaving as many left.
 */

import type { Proportion } from './effect/proportions.ts'
import { fitIsotonic, isotonicAt } from './learn/isotonic.ts'
import { brier } from './learn/metrics.ts'
import { GRADE_DAYS, gradeOf } from './risk.ts'

/** Something that happened to an account: it was raised, or it left. */
export type OnDay = { readonly accountId: string; readonly day: number }

/** `today`: the last day of which is known who left. */
export type Period = { readonly fromDay: number; readonly toDay: number; readonly today: number }

export type RaiseRecord = {
  readonly raised: number
  /** Too early to tell. */
  readonly open: number
  /** Raises that came true, of those that have a grade. */
  readonly precision: Proportion
  /** Accounts that left and were raised in the days before, of all that left. */
  readonly coverage: Proportion
}

const isIn = ({ fromDay, toDay }: Period, { day }: OnDay): boolean => fromDay <= day && day <= toDay

/** @param raises those since `GRADE_DAYS` before the period: they warned of who left at its beginning */
export function recordOf(raises: readonly OnDay[], leavings: readonly OnDay[], period: Period): RaiseRecord {
  const leftOf = Map.groupBy(leavings, ({ accountId }) => accountId)
  const grades = raises
    .filter((raise) => isIn(period, raise))
    .map(({ accountId, day }) => {
      const left = leftOf.get(accountId)?.find((leaving) => leaving.day >= day)
      return gradeOf(day, left?.day, period.today)
    })
  const right = grades.filter((grade) => grade === 'right').length
  const wrong = grades.filter((grade) => grade === 'wrong').length
  const left = leavings.filter((leaving) => isIn(period, leaving))
  return {
    raised: grades.length,
    open: grades.length - right - wrong,
    precision: { successes: right, n: right + wrong },
    coverage: { successes: left.length - missedOf(raises, leavings, period).length, n: left.length },
  }
}

/** Who left in the period without having been raised in the days before. */
export function missedOf<Leaving extends OnDay>(
  raises: readonly OnDay[],
  leavings: readonly Leaving[],
  period: Period,
): Leaving[] {
  const raisedOf = Map.groupBy(raises, ({ accountId }) => accountId)
  const isWarnedOf = ({ accountId, day }: Leaving): boolean =>
    raisedOf.get(accountId)?.some((raise) => raise.day <= day && day <= raise.day + GRADE_DAYS) ?? false
  return leavings.filter((leaving) => isIn(period, leaving) && !isWarnedOf(leaving))
}

export type CalibrationBin = {
  /** The lowest and the highest probability in it. */
  readonly low: number
  readonly high: number
  readonly meanPredicted: number
  readonly observed: Proportion
}

export type Calibration = {
  readonly n: number
  readonly left: number
  readonly brier: number
  /** Mean distance between predicted and observed over the bins, each by its size. */
  readonly calibrationError: number
  readonly bins: readonly CalibrationBin[]
}

const BINS = 10

/**
 * Ten bins of as many predictions each, not of equal width: nearly all probabilities of leaving are below a tenth (V. Nguyen
 * and B. O'Connor, EMNLP 2015, section 3.2). Equal predictions share a bin, so there may be fewer. Undefined of nothing.
 */
export function calibrationOf(probabilities: Float64Array, churned: Uint8Array): Calibration | undefined {
  const n = probabilities.length
  if (n === 0) return undefined
  const order = Int32Array.from(probabilities, (_, i) => i).sort(
    (a, b) => (probabilities[a] ?? 0) - (probabilities[b] ?? 0),
  )
  const at = (place: number): number => probabilities[order[place] ?? 0] ?? 0
  const bins: CalibrationBin[] = []
  for (let bin = 1, from = 0; bin <= BINS; bin++) {
    let to = Math.max(from, Math.round((bin * n) / BINS))
    while (to > 0 && to < n && at(to) === at(to - 1)) to++
    if (to === from) continue
    const rows = order.subarray(from, to)
    const sum = (of: ArrayLike<number>): number => rows.reduce((total, i) => total + (of[i] ?? 0), 0)
    bins.push({
      low: at(from),
      high: at(to - 1),
      meanPredicted: sum(probabilities) / rows.length,
      observed: { successes: sum(churned), n: rows.length },
    })
    from = to
  }
  const gap = ({ meanPredicted, observed: { successes, n: size } }: CalibrationBin): number =>
    Math.abs(meanPredicted * size - successes)
  return {
    n,
    left: churned.reduce((sum, y) => sum + y, 0),
    brier: brier(probabilities, churned),
    calibrationError: bins.reduce((sum, bin) => sum + gap(bin), 0) / n,
    bins,
  }
}

/**
 * The probability a score stands for: how many left of those who had it, the lower the score the more. A score says none by
 * itself. Undefined where nobody, or everybody, left.
 */
export function meaningOf(scores: Float64Array, churned: Uint8Array): ((score: number) => number) | undefined {
  const left = churned.reduce((sum, y) => sum + y, 0)
  if (left === 0 || left === churned.length) return undefined
  const fitted = fitIsotonic(
    scores.map((score) => -score),
    churned,
  )
  return (score) => isotonicAt(fitted, -score)
}
