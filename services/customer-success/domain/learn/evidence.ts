/** What a score has shown: its ranking beside a simple rule, with intervals, and whether that is enough to act on. */

import { auc, averagePrecision, brier, calibrationError, rankingOf } from './metrics.ts'
import { createRandom } from './random.ts'

export type Estimate = { readonly value: number; readonly low: number; readonly high: number }

/** Rows that were not trained on. */
export type Trial = {
  readonly probabilities: Float64Array
  /** The simple rule beside it, higher = more likely to churn. */
  readonly rule: Float64Array
  readonly churned: Uint8Array
  readonly entity: readonly string[]
}

export type Evidence = {
  readonly rows: number
  readonly churners: number
  readonly auc: Estimate
  readonly ruleAuc: Estimate
  /** AUC of the model less that of the rule, paired: both on the same draws. */
  readonly gain: Estimate
  readonly averagePrecision: number
  readonly brier: number
  readonly calibrationError: number
  readonly verdict: 'shown' | 'insufficient evidence'
  readonly reasons: readonly string[]
}

/** Fewer churned entities and a ranking is an anecdote (customer-success.md section 3.5). */
export const LEAST_CHURNERS = 50
const DRAWS = 1000

export function evidenceOf(trial: Trial, seed = 1): Evidence {
  const { probabilities, rule, churned, entity } = trial
  const [model, simple] = [rankingOf(probabilities, churned), rankingOf(rule, churned)]
  const draws = bootstrap(entity, DRAWS, seed, (weight) => [auc(model, weight), auc(simple, weight)])
  const [value, ruleValue] = [auc(model), auc(simple)]
  const churners = new Set(entity.filter((_, i) => churned[i] === 1)).size
  const modelAuc = estimate(
    value,
    draws.map(([m = 0]) => m),
  )
  const gain = estimate(
    value - ruleValue,
    draws.map(([m = 0, r = 0]) => m - r),
  )
  const reasons: string[] = []
  if (churners < LEAST_CHURNERS) reasons.push(`${churners} churned, fewer than ${LEAST_CHURNERS}`)
  if (!(modelAuc.low > 0.5)) reasons.push('the interval of its AUC includes .5')
  if (!(gain.low > 0)) reasons.push('it beats the simple rule by no more than noise')
  return {
    rows: churned.length,
    churners,
    auc: modelAuc,
    ruleAuc: estimate(
      ruleValue,
      draws.map(([, r = 0]) => r),
    ),
    gain,
    averagePrecision: averagePrecision(model),
    brier: brier(probabilities, churned),
    calibrationError: calibrationError(probabilities, churned),
    verdict: reasons.length === 0 ? 'shown' : 'insufficient evidence',
    reasons,
  }
}

/**
 * Statistics of resampled data. Entities are drawn, not rows (Field and Welsh 2007): rows of one entity repeat each other,
 * and an interval that took them for independent would be too narrow.
 */
export function bootstrap(
  entity: readonly string[],
  draws: number,
  seed: number,
  statistics: (weight: Float64Array) => readonly number[],
): (readonly number[])[] {
  const numbers = new Map<string, number>()
  const owner = Int32Array.from(entity, (name) => {
    const number = numbers.get(name) ?? numbers.size
    numbers.set(name, number)
    return number
  })
  const random = createRandom(seed)
  const times = new Float64Array(numbers.size)
  return Array.from({ length: draws }, () => {
    times.fill(0)
    for (let k = 0; k < times.length; k++) {
      const drawn = Math.floor(random() * times.length)
      times[drawn] = (times[drawn] ?? 0) + 1
    }
    return statistics(Float64Array.from(owner, (number) => times[number] ?? 0))
  })
}

/** 95 % between the percentiles; draws with one class only say nothing. */
export function estimate(value: number, draws: readonly number[]): Estimate {
  const sorted = Float64Array.from(draws.filter((x) => !Number.isNaN(x))).sort()
  const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN
  return { value, low: at(0.025), high: at(0.975) }
}
