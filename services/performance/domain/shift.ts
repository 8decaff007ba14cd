/**
 * Mixture e-detector for a lasting shift of a sequence of normal scores (Shin, Ramdas & Rinaldo, "E-detectors",
 * arXiv 2203.03532): for each size of shift d, M_d <- (1 + M_d) exp(d q - d^2/2), a Shiryaev-Roberts sum of likelihood
 * ratios; their mean E exceeds 1/alpha at most once per 1/alpha windows on average while nothing has changed.
 *
 * Scores of neighbouring windows are not independent. A shift of size d is decided within about 2 ln(1/alpha) / d^2
 * windows, so each d is corrected by the variance of means over blocks of about that length (`inflation`): a series that
 * wanders for an hour is judged by how far it usually wanders in an hour, without losing the power to see a burst.
 */

/** Shift sizes in standard deviations and the block length that calibrates each. */
export const SHIFT_SIZES = Float64Array.from((process.env.DS ?? '3,2.2,1.5,1,0.6,0.35').split(',').map(Number))
const BLOCKS = Float64Array.from((process.env.BS ?? '1,2,4,8,16,32').split(',').map(Number))
const SOFT = Number(process.env.SOFT ?? 0)
const SOFTCLIP = Number(process.env.SOFTCLIP ?? 1.5)
const SOFTGAIN = Number(process.env.SOFTGAIN ?? 1.1)
const CAP = Number(process.env.CAP ?? 1e5)
const SIZES = SHIFT_SIZES.length
/** Believed before anything is known, worth 8 blocks; and the memory of the estimate, in blocks. */
const P = (k: string, v: number): number => Number(process.env[k] ?? v)
const PRIOR = P('PRIOR', 1.5)
const MEMORY = P('MEMORY', 48)
const MAX_INFLATION = 8

export type Shift = {
  up: Float64Array
  down: Float64Array
  /** Sum of scores in the block that is filling, how many, and the estimated variance ratio, per block length. */
  sums: Float64Array
  filled: Float64Array
  seen: Float64Array
  inflation: Float64Array
}

export function createShift(): Shift {
  return {
    up: new Float64Array(SIZES),
    down: new Float64Array(SIZES),
    sums: new Float64Array(SIZES),
    filled: new Float64Array(SIZES),
    seen: new Float64Array(SIZES),
    inflation: Float64Array.from(BLOCKS, (block) => (block === 1 ? 1 : PRIOR)),
  }
}

/** Feeds one score (standard normal when nothing changed). */
export function feedShift(shift: Shift, q: number): void {
  const { up, down, inflation } = shift
  for (let i = 0; i < SIZES; i++) {
    const d = SHIFT_SIZES[i] ?? 0
    const x = (d * (d <= SOFT ? Math.max(-SOFTCLIP, Math.min(SOFTCLIP, q)) * SOFTGAIN : q)) / Math.sqrt(inflation[i] ?? 1)
    const drift = (d * d) / 2
    // Capped beyond any threshold: evidence for a change too small to matter must not outlive it for long.
    up[i] = Math.min(CAP, (1 + (up[i] ?? 0)) * Math.exp(x - drift))
    down[i] = Math.min(CAP, (1 + (down[i] ?? 0)) * Math.exp(-x - drift))
  }
}

/** Learns how much block means vary; call it only with windows that were accepted as normal. */
export function learnShift(shift: Shift, q: number): void {
  const { sums, filled, seen, inflation } = shift
  for (let i = 1; i < SIZES; i++) {
    const block = BLOCKS[i] ?? 1
    sums[i] = (sums[i] ?? 0) + q
    filled[i] = (filled[i] ?? 0) + 1
    if ((filled[i] ?? 0) >= block) {
      const ratio = (sums[i] ?? 0) ** 2 / block
      const gain = 1 / Math.min(MEMORY, 8 + (seen[i] ?? 0))
      seen[i] = (seen[i] ?? 0) + 1
      inflation[i] = Math.min(MAX_INFLATION, Math.max(1, (inflation[i] ?? 1) * (1 - gain) + gain * Math.min(4 * MAX_INFLATION, ratio)))
      sums[i] = 0
      filled[i] = 0
    }
  }
}

/** Evidence in one direction: the mean of the mixture. */
export function shiftEvidence(side: Float64Array): number {
  let sum = 0
  for (let i = 0; i < SIZES; i++) sum += side[i] ?? 0
  return sum / SIZES
}

export function resetShift(shift: Shift): void {
  shift.up.fill(0)
  shift.down.fill(0)
}

/** The size of shift that the evidence speaks for most. */
export function strongest(side: Float64Array): number {
  let best = 0
  for (let i = 1; i < SIZES; i++) if ((side[i] ?? 0) > (side[best] ?? 0)) best = i
  return SHIFT_SIZES[best] ?? 1
}
