/**
 * Mixture e-detector for a lasting shift in a sequence of normal scores (Shin, Ramdas & Rinaldo, "E-detectors",
 * arXiv 2203.03532): for each size of shift d, M_d <- (1 + M_d) exp(d q - d^2/2), a Shiryaev-Roberts sum of likelihood
 * ratios; their weighted mean E exceeds 1/alpha at most once per 1/alpha windows on average while nothing has changed.
 *
 * Scores of neighbouring windows are not independent. A shift of size d is decided within about 2 ln(1/alpha) / d^2
 * windows, so each d is corrected by the variance of means over blocks of about that length (`inflation`): a series that
 * wanders for ten minutes is judged by how far it usually wanders in ten minutes, and bursts are still seen at once.
 */

/**
 * Shift sizes in standard deviations, and the block length that calibrates each. Bursts (the first) keep the prior: what
 * two windows in a row vary by is made of the very spikes that are looked for.
 */
export const SHIFT_SIZES = Float64Array.of(2.2, 1.2, 0.7)
/** Prior weight of each size: most regressions last, and a burst worth an alarm is convincing at any weight. */
const WEIGHTS = Float64Array.of(0.1, 0.3, 0.6)
/** exp(-d^2/2) of each size. */
const DRIFTS = SHIFT_SIZES.map((d) => Math.exp((-d * d) / 2))
const BLOCKS = Float64Array.of(2, 6, 15)
const SIZES = SHIFT_SIZES.length
/** Believed before anything is known, worth 8 blocks; and the memory of the estimate, in blocks. */
const PRIOR_INFLATION = 1.5
const MEMORY = 48
const MAX_INFLATION = 8
/** For lasting shifts a single window never counts more than two standard deviations: runs decide, not spikes. */
const LASTING = 1.5
const LASTING_CLIP = 2
/** Evidence for a change too small to matter must not outlive it for long. */
const CAP = 1e5

export type Shift = {
  up: Float64Array
  down: Float64Array
  /** Sum of scores in the block that is filling, how many, blocks seen and variance ratio, per block length. */
  sums: Float32Array
  filled: Uint8Array
  blocks: Uint16Array
  inflation: Float32Array
}

export function createShift(): Shift {
  return {
    up: new Float64Array(SIZES),
    down: new Float64Array(SIZES),
    sums: new Float32Array(SIZES),
    filled: new Uint8Array(SIZES),
    blocks: new Uint16Array(SIZES),
    inflation: new Float32Array(SIZES).fill(PRIOR_INFLATION),
  }
}

/** Feeds one score (standard normal while nothing changes). */
export function feedShift(shift: Shift, q: number): void {
  const { up, down, inflation } = shift
  const soft = Math.max(-LASTING_CLIP, Math.min(LASTING_CLIP, q))
  for (let i = 0; i < SIZES; i++) {
    const d = SHIFT_SIZES[i] ?? 0
    const x = (d * (d < LASTING ? soft : q)) / Math.sqrt(inflation[i] ?? 1)
    const ratio = Math.exp(x)
    const drift = DRIFTS[i] ?? 1
    up[i] = Math.min(CAP, (1 + (up[i] ?? 0)) * ratio * drift)
    down[i] = Math.min(CAP, ((1 + (down[i] ?? 0)) * drift) / ratio)
  }
}

/** Learns how much block means vary; call it only with scores of windows that were accepted as normal. */
export function learnShift(shift: Shift, q: number): void {
  const { sums, filled, blocks, inflation } = shift
  const clipped = Math.max(-3.5, Math.min(3.5, q))
  for (let i = 1; i < SIZES; i++) {
    const block = BLOCKS[i] ?? 1
    const sum = (sums[i] ?? 0) + clipped
    const n = (filled[i] ?? 0) + 1
    if (n < block) {
      sums[i] = sum
      filled[i] = n
      continue
    }
    const seen = blocks[i] ?? 0
    const gain = 1 / Math.min(MEMORY, 8 + seen)
    const ratio = Math.min(4 * MAX_INFLATION, (sum * sum) / block)
    inflation[i] = Math.min(MAX_INFLATION, Math.max(1, (inflation[i] ?? 1) * (1 - gain) + gain * ratio))
    blocks[i] = Math.min(65_535, seen + 1)
    sums[i] = 0
    filled[i] = 0
  }
}

/** Evidence in one direction: the weighted mean of the mixture. */
export function shiftEvidence(side: Float64Array): number {
  let sum = 0
  for (let i = 0; i < SIZES; i++) sum += (WEIGHTS[i] ?? 0) * (side[i] ?? 0)
  return sum
}

/** The scores are about to mean something else: how much they wander has to be learnt anew. */
export function forgetInflation(shift: Shift): void {
  shift.sums.fill(0)
  shift.filled.fill(0)
  shift.blocks.fill(0)
  shift.inflation.fill(PRIOR_INFLATION)
}

export function resetShift(shift: Shift): void {
  shift.up.fill(0)
  shift.down.fill(0)
}
