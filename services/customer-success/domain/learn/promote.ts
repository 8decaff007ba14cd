/** Whether a candidate replaces the one in use (customer-success.md section 3.5). */

import { bootstrap, type Estimate, estimate, LEAST_CHURNERS } from './evidence.ts'
import { auc, calibrationError, rankingOf } from './metrics.ts'
import { type ChurnModel, churnersOf, probabilities } from './model.ts'
import type { Rows } from './rows.ts'

export type Promotion = {
  readonly isPromoted: boolean
  readonly reasons: readonly string[]
  /** Challenger less incumbent, on the same draws; undefined when nothing was in use. */
  readonly aucGain: Estimate | undefined
  /** Incumbent's Brier score less the challenger's. */
  readonly brierGain: Estimate | undefined
}

const DRAWS = 1000
/** A score that ranks is never as well calibrated as one that says the mean of everybody; this much more error is allowed. */
const CALIBRATION_SLACK = 0.02

/**
 * @param newest rows of a time slice neither of them was trained on
 */
export function promote(incumbent: ChurnModel | undefined, challenger: ChurnModel, newest: Rows): Promotion {
  const { churned, entity } = newest
  const next = probabilities(challenger, newest)
  const ranking = rankingOf(next, churned)
  const refused = (...reasons: string[]): Promotion => ({ isPromoted: false, reasons, ...NO_GAINS })
  if (challenger.trainedOn.churners < LEAST_CHURNERS)
    return refused(`fitted on ${challenger.trainedOn.churners} churners, fewer than ${LEAST_CHURNERS}`)
  if (churnersOf(newest) === 0) return refused('nobody churned in the newest slice')

  if (incumbent === undefined) {
    const draws = bootstrap(entity, DRAWS, 1, (weight) => [auc(ranking, weight)])
    const { low } = estimate(
      auc(ranking),
      draws.map(([a = Number.NaN]) => a),
    )
    return low > 0.5
      ? { isPromoted: true, reasons: ['nothing was in use, and its AUC is above .5'], ...NO_GAINS }
      : refused('the interval of its AUC on the newest slice includes .5')
  }

  const now = probabilities(incumbent, newest)
  const nowRanking = rankingOf(now, churned)
  const draws = bootstrap(entity, DRAWS, 1, (weight) => [
    auc(ranking, weight) - auc(nowRanking, weight),
    brierGain(now, next, churned, weight),
  ])
  const even = new Float64Array(churned.length).fill(1)
  const gains = {
    aucGain: estimate(
      auc(ranking) - auc(nowRanking),
      draws.map(([a = Number.NaN]) => a),
    ),
    brierGain: estimate(
      brierGain(now, next, churned, even),
      draws.map(([, b = Number.NaN]) => b),
    ),
  }
  const reasons: string[] = []
  if (!(gains.aucGain.low > 0)) reasons.push('its AUC is better by no more than noise')
  if (!(gains.brierGain.low > 0)) reasons.push('its Brier score is better by no more than noise')
  if (calibrationError(next, churned) > calibrationError(now, churned) + CALIBRATION_SLACK)
    reasons.push('it is worse calibrated')
  return reasons.length > 0
    ? { isPromoted: false, reasons, ...gains }
    : { isPromoted: true, reasons: ['better in AUC and Brier score, calibrated as well'], ...gains }
}

const NO_GAINS = { aucGain: undefined, brierGain: undefined } as const

function brierGain(now: Float64Array, next: Float64Array, churned: Uint8Array, weight: Float64Array): number {
  let sum = 0
  let total = 0
  for (let i = 0; i < churned.length; i++) {
    const truth = churned[i] ?? 0
    const w = weight[i] ?? 0
    sum += w * (((now[i] ?? 0) - truth) ** 2 - ((next[i] ?? 0) - truth) ** 2)
    total += w
  }
  return sum / total
}
