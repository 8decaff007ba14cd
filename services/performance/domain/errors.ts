/**
 * Error counts: a cumulative sum of likelihood ratios of "the rate has at least doubled" against the usual rate. Exact
 * for rare errors, where ratios of means are 0/0 (Moustakides 1986 for the CUSUM; Beta posterior with Jeffreys' prior
 * for the usual rate). Windows teach the usual rate 15 windows late, so that a change does not teach itself.
 */

const LAG = 15
/** Memory of the usual rate: about a day of minutes. */
const KEEP = 1 - 1 / 1440
/** Smallest rise that counts: half a percentage point. */
const MINIMUM_RISE = 0.005
const FEWEST_ERRORS = 3

export type Errors = {
  errors: number
  total: number
  windows: number
  /** Windows that wait before they are learnt: errors and totals. */
  waiting: Float32Array
  waitingTotal: Float32Array
  evidence: number
  onset: number
  /** Errors and requests since the onset. */
  after: number
  afterTotal: number
}

export function createErrors(): Errors {
  return {
    errors: 0,
    total: 0,
    windows: 0,
    waiting: new Float32Array(LAG),
    waitingTotal: new Float32Array(LAG),
    evidence: 0,
    onset: 0,
    after: 0,
    afterTotal: 0,
  }
}

/** Usual error rate: mean of the Jeffreys posterior. */
export function usualRate(errors: Errors): number {
  return (errors.errors + 0.5) / (errors.total + 1)
}

/** The rate that counts as a regression. */
export function alarmingRate(errors: Errors): number {
  const p0 = usualRate(errors)
  return Math.min(0.99, Math.max(2 * p0, p0 + MINIMUM_RISE))
}

/** Feeds a window and returns ln of the evidence (0 and up). */
export function feedErrors(errors: Errors, at: number, k: number, n: number): number {
  const p0 = usualRate(errors)
  const p1 = alarmingRate(errors)
  const step = k * Math.log(p1 / p0) + (n - k) * Math.log((1 - p1) / (1 - p0))
  if (errors.evidence <= 0) {
    errors.onset = at
    errors.after = 0
    errors.afterTotal = 0
  }
  errors.after += k
  errors.afterTotal += n
  errors.evidence = Math.max(0, Math.min(500, errors.evidence + step))
  return errors.evidence
}

/** Takes in an accepted window, LAG windows late. */
export function learnErrors(errors: Errors, k: number, n: number): void {
  const slot = errors.windows % LAG
  if (errors.windows >= LAG) {
    errors.errors = errors.errors * KEEP + (errors.waiting[slot] ?? 0)
    errors.total = errors.total * KEEP + (errors.waitingTotal[slot] ?? 0)
  }
  errors.waiting[slot] = k
  errors.waitingTotal[slot] = n
  errors.windows++
}

/** True when the rise since the onset is large enough to report. */
export function errorsMatter(errors: Errors): boolean {
  return errors.after >= FEWEST_ERRORS && errors.after / Math.max(1, errors.afterTotal) >= alarmingRate(errors) * 0.75
}

/** What happened becomes the usual: the long-lasting rate is the new baseline. */
export function acceptErrors(errors: Errors): void {
  errors.errors = errors.after
  errors.total = errors.afterTotal
  errors.evidence = 0
  errors.waiting.fill(0)
  errors.waitingTotal.fill(0)
}
