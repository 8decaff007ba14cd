/** Effects of several playbooks seen together: what a small one says is drawn towards what all of them say. */

import { criticalValue, type Interval, type Proportion, rateOf } from './proportions.ts'

export type Estimate = { readonly effect: number; readonly variance: number }

export type Pooled = { readonly effect: number; readonly interval: Interval }

/**
 * Treated minus held out with its variance. One success and one failure are added to each arm, or an arm where everybody
 * did the same would count as certain (A. Agresti, B. Caffo, The American Statistician 54, 2000).
 */
export function estimateOf(treated: Proportion, heldOut: Proportion): Estimate {
  const a = { successes: treated.successes + 1, n: treated.n + 2 }
  const b = { successes: heldOut.successes + 1, n: heldOut.n + 2 }
  const varianceOf = (arm: Proportion): number => (rateOf(arm) * (1 - rateOf(arm))) / arm.n
  return { effect: rateOf(a) - rateOf(b), variance: varianceOf(a) + varianceOf(b) }
}

/**
 * Draws each effect towards the common mean by the share of its distance that is noise. How much true effects differ is
 * itself only estimated from a few of them, and intervals that ignored it would be too short: both the shrinkage and the
 * interval are those of C. N. Morris, "Parametric Empirical Bayes Inference", JASA 78 (1983), section 4, with the moment
 * estimate of R. DerSimonian and N. Laird (Controlled Clinical Trials 7, 1986). Of three effects or fewer nothing is learned.
 */
export function shrink(estimates: readonly Estimate[], confidence = 0.95): Pooled[] {
  const k = estimates.length
  const between = betweenVariance(estimates)
  const mean = weightedMean(estimates, between)
  const spread = estimates.reduce((sum, { variance }) => sum + variance + between, 0) / k
  return estimates.map(({ effect, variance }) => {
    const noise = k <= 3 ? 0 : ((k - 3) / (k - 1)) * (variance / (variance + between))
    const unsure = k <= 3 ? 0 : ((2 / (k - 3)) * noise * noise * spread) / (variance + between)
    const centre = effect + noise * (mean - effect)
    const posterior = variance * (1 - ((k - 1) / k) * noise) + unsure * (effect - mean) ** 2
    const half = criticalValue(confidence) * Math.sqrt(posterior)
    return { effect: centre, interval: { low: centre - half, high: centre + half } }
  })
}

/** How much true effects differ, by the method of moments; never below 0. */
function betweenVariance(estimates: readonly Estimate[]): number {
  const mean = weightedMean(estimates, 0)
  const weights = estimates.map(({ variance }) => 1 / variance)
  const sum = weights.reduce((total, weight) => total + weight, 0)
  const squares = weights.reduce((total, weight) => total + weight * weight, 0)
  const spread = estimates.reduce((total, { effect, variance }) => total + (effect - mean) ** 2 / variance, 0)
  const scale = sum - squares / sum
  return scale > 0 ? Math.max(0, (spread - (estimates.length - 1)) / scale) : 0
}

function weightedMean(estimates: readonly Estimate[], between: number): number {
  let [sum, weights] = [0, 0]
  for (const { effect, variance } of estimates) {
    sum += effect / (variance + between)
    weights += 1 / (variance + between)
  }
  return sum / weights
}
