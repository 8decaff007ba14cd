/** What a playbook did: all that were triggered by the arm they were put in, whatever was done to them (intention to treat). */

import {
  type Interval,
  minimumDetectable,
  newcombe,
  type Proportion,
  rateOf,
  sampleRatio,
  wilson,
} from './proportions.ts'

export type Verdict = 'works' | 'no evidence' | 'harms' | 'not enough data'

export type EffectReport = {
  readonly treated: ArmReport
  readonly heldOut: ArmReport
  /** Treated minus held out: above 0 is better. */
  readonly effect: number
  readonly interval: Interval
  readonly sampleRatio: { readonly chi2: number; readonly p: number; readonly isAlarming: boolean }
  /** The least improvement arms of this size would show four times in five. */
  readonly minimumDetectable: number
  readonly verdict: Verdict
  readonly reason: string
}

export type ArmReport = {
  readonly n: number
  readonly reached: number
  readonly rate: number
  readonly interval: Interval
}

/** Below this many accounts in an arm no rate is worth an interval. */
const LEAST_PER_ARM = 20
/** One honest experiment in a hundred alarms. */
const SAMPLE_RATIO_P = 0.01

/**
 * The report of one playbook from how many of each arm reached the goal. Arms that are not of the sizes they were meant to
 * be were not filled by chance alone: nothing is claimed from them.
 */
export function reportEffect(
  treated: Proportion,
  heldOut: Proportion,
  { holdoutShare, leastEffect }: { readonly holdoutShare: number; readonly leastEffect: number },
): EffectReport {
  const ratio = sampleRatio(heldOut.n, treated.n, 1 - holdoutShare)
  const isAlarming = ratio.p < SAMPLE_RATIO_P
  const effect = rateOf(treated) - rateOf(heldOut)
  const interval = newcombe(heldOut, treated)
  const detectable = minimumDetectable(rateOf(heldOut), { nA: heldOut.n, nB: treated.n, sign: 1 })
  return {
    treated: armReport(treated),
    heldOut: armReport(heldOut),
    effect,
    interval,
    sampleRatio: { ...ratio, isAlarming },
    minimumDetectable: detectable,
    ...judge({ fewest: Math.min(treated.n, heldOut.n), isAlarming, interval, detectable, leastEffect }),
  }
}

const armReport = (arm: Proportion): ArmReport => ({
  n: arm.n,
  reached: arm.successes,
  rate: rateOf(arm),
  interval: wilson(arm),
})

function judge(about: {
  readonly fewest: number
  readonly isAlarming: boolean
  readonly interval: Interval
  readonly detectable: number
  readonly leastEffect: number
}): { readonly verdict: Verdict; readonly reason: string } {
  const { fewest, isAlarming, interval, detectable, leastEffect } = about
  if (fewest < LEAST_PER_ARM)
    return { verdict: 'not enough data', reason: `an arm has ${fewest} accounts, ${LEAST_PER_ARM} are the least` }
  if (isAlarming) return { verdict: 'not enough data', reason: 'the arms are not of the sizes they were meant to be' }
  if (interval.low > 0) return { verdict: 'works', reason: 'the whole interval is above 0' }
  if (interval.high < 0) return { verdict: 'harms', reason: 'the whole interval is below 0' }
  if (detectable > leastEffect) {
    const [seen, wanted] = [detectable, leastEffect].map((share) => `${(100 * share).toFixed(1)} points`)
    return { verdict: 'not enough data', reason: `only an effect of ${seen} would show, ${wanted} are asked about` }
  }
  return { verdict: 'no evidence', reason: 'the interval holds 0, and an effect worth the work would have shown' }
}
