/**
 * Two proportions compared: difference, intervals, test, sample ratio, and what a sample of this size could have seen.
 * Throughout, `a` is the reference (held out) and `b` what is compared with it; differences are b - a.
 */

export type Proportion = { readonly successes: number; readonly n: number }

export type Interval = { readonly low: number; readonly high: number }

/** @example rateOf({ successes: 8_502, n: 44_700 }) // 0.190201... ; 0 of nothing */
export const rateOf = ({ successes, n }: Proportion): number => (n === 0 ? 0 : successes / n)

/** Difference of rates with Wald's interval, and the z test of equal rates, whose error is that of the arms put together. */
export function compareProportions(a: Proportion, b: Proportion, confidence = 0.95) {
  const difference = rateOf(b) - rateOf(a)
  const half = criticalValue(confidence) * Math.sqrt(varianceOf(a) + varianceOf(b))
  const together = { successes: a.successes + b.successes, n: a.n + b.n }
  const errorIfEqual = Math.sqrt(varianceOf(together) * (together.n / a.n + together.n / b.n))
  const z = errorIfEqual > 0 ? difference / errorIfEqual : 0
  return { difference, interval: { low: difference - half, high: difference + half }, z, p: twoSidedP(z) }
}

const varianceOf = (one: Proportion): number => (one.n === 0 ? 0 : (rateOf(one) * (1 - rateOf(one))) / one.n)

/** Wilson's score interval of one rate (E. B. Wilson, JASA 22, 1927); [0, 1] of nothing. */
export function wilson({ successes, n }: Proportion, confidence = 0.95): Interval {
  if (n === 0) return { low: 0, high: 1 }
  const z = criticalValue(confidence)
  const rate = successes / n
  const middle = rate + (z * z) / (2 * n)
  const half = z * Math.sqrt((rate * (1 - rate)) / n + (z * z) / (4 * n * n))
  const scale = 1 + (z * z) / n
  return { low: Math.max(0, (middle - half) / scale), high: Math.min(1, (middle + half) / scale) }
}

/**
 * Interval of a difference that keeps its coverage in small and lopsided samples, where Wald's does not
 * (R. G. Newcombe, Statistics in Medicine 17, 1998, 873-890: method 10, hybrid score).
 */
export function newcombe(a: Proportion, b: Proportion, confidence = 0.95): Interval {
  const difference = rateOf(b) - rateOf(a)
  const [of, against] = [wilson(b, confidence), wilson(a, confidence)]
  return {
    low: difference - Math.hypot(rateOf(b) - of.low, against.high - rateOf(a)),
    high: difference + Math.hypot(of.high - rateOf(b), rateOf(a) - against.low),
  }
}

/** Chi-square test of whether the arms are as large as they were meant to be; `shareB` is b's intended share. */
export function sampleRatio(nA: number, nB: number, shareB = 0.5): { readonly chi2: number; readonly p: number } {
  const total = nA + nB
  const [expectedA, expectedB] = [total * (1 - shareB), total * shareB]
  if (expectedA === 0 || expectedB === 0) return { chi2: 0, p: 1 }
  const chi2 = (nA - expectedA) ** 2 / expectedA + (nB - expectedB) ** 2 / expectedB
  return { chi2, p: chiSquareP(chi2, 1) }
}

/**
 * The smallest improvement of a reference rate that arms of this size show with the given power: the difference d that
 * solves d^2 = (z_confidence + z_power)^2 (p(1-p)/nA + p'(1-p')/nB) with p' = p + sign d. Never beyond 0 and 1.
 */
export function minimumDetectable(
  reference: number,
  { nA, nB, sign, power = 0.8, confidence = 0.95 }: MinimumDetectable,
): number {
  const room = sign > 0 ? 1 - reference : reference
  if (nA === 0 || nB === 0) return room
  const k = (criticalValue(confidence) + normalQuantile(power)) ** 2
  const spread = reference * (1 - reference)
  const square = 1 + k / nB
  const linear = (k * sign * (1 - 2 * reference)) / nB
  const constant = k * spread * (1 / nA + 1 / nB)
  return Math.min(room, (linear + Math.sqrt(linear * linear + 4 * square * constant)) / (2 * square))
}

export type MinimumDetectable = {
  readonly nA: number
  readonly nB: number
  /** 1 when the rate should rise, -1 when it should fall. */
  readonly sign: 1 | -1
  readonly power?: number
  readonly confidence?: number
}

/** z of a two-sided interval. @example criticalValue(0.95) // 1.959963984540054 */
export const criticalValue = (confidence: number): number => normalQuantile((1 + confidence) / 2)

export const twoSidedP = (z: number): number => upperGamma(0.5, (z * z) / 2)

export const chiSquareP = (chi2: number, degrees: number): number => upperGamma(degrees / 2, chi2 / 2)

export const normalDistribution = (z: number): number => (z < 0 ? twoSidedP(z) / 2 : 1 - twoSidedP(z) / 2)

/** Newton's method from 0, which comes up to the root from one side as the distribution is concave there. */
export function normalQuantile(p: number): number {
  if (p < 0.5) return -normalQuantile(1 - p)
  let z = 0
  for (let step = Infinity; step > 1e-13; ) {
    step = (p - normalDistribution(z)) * Math.sqrt(2 * Math.PI) * Math.exp((z * z) / 2)
    z += step
  }
  return z
}

const EPSILON = 1e-16
const TINY = 1e-300

/**
 * Regularised upper incomplete gamma function Q(a, x): by the series of P below a + 1, by Lentz's continued fraction above
 * (W. H. Press et al., Numerical Recipes, 3rd edition, section 6.2).
 */
function upperGamma(a: number, x: number): number {
  if (x <= 0) return 1
  const front = Math.exp(a * Math.log(x) - x - logGammaOfHalves(a))
  if (x < a + 1) {
    let term = 1 / a
    let sum = term
    for (let n = 1; term > sum * EPSILON; n++) {
      term *= x / (a + n)
      sum += term
    }
    return 1 - front * sum
  }
  let b = x + 1 - a
  let c = 1 / TINY
  let d = 1 / b
  let fraction = d
  for (let i = 1, change = 0; Math.abs(change - 1) > EPSILON && i < 1_000; i++) {
    const an = -i * (i - a)
    b += 2
    d = 1 / nonZero(an * d + b)
    c = nonZero(b + an / c)
    change = d * c
    fraction *= change
  }
  return front * fraction
}

const nonZero = (value: number): number => (Math.abs(value) < TINY ? TINY : value)

/** log gamma of a multiple of one half, exactly: all that chi-square and the normal distribution need. */
function logGammaOfHalves(a: number): number {
  let value = Number.isInteger(a) ? 0 : Math.log(Math.PI) / 2
  for (let at = Number.isInteger(a) ? 1 : 0.5; at < a; at++) value += Math.log(at)
  return value
}
