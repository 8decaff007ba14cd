/**
 * Mixture e-detector for a lasting shift in a sequence of normal scores (Shin, Ramdas & Rinaldo, "E-detectors",
 * arXiv 2203.03532): for each size of shift d, M_d <- (1 + M_d) exp(d q - d^2/2), a Shiryaev-Roberts sum of likelihood
 * ratios; their weighted mean E exceeds 1/alpha at most once per 1/alpha windows on average while nothing has changed.
 *
 * Scores of neighbouring windows are not independent. A shift of size d is decided within about 2 ln(1/alpha) / d^2
 * windows, so each d is corrected by the variance of means over blocks of about that length (`inflation`): a series that
 * wanders for ten minutes is judged by how far it usually wanders in ten minutes, and bursts are still seen at once.
 *
 * Two more components count only on which side of a level of the reference a window lies. Percentiles read from few
 * buckets sit on two or three values with a long tail: when they double, their scores hardly move, because the tail
 * reaches further, but none lies below the old median any more, and most lie beyond nine tenths of the reference.
 */

/**
 * Shift sizes in standard deviations, and the block length that calibrates each. Bursts (the first) keep the prior: what
 * two windows in a row vary by is made of the very spikes that are looked for.
 */
const SHIFT_SIZES = Float64Array.of(2.2, 1.2, 0.7)
const SIZES = SHIFT_SIZES.length
/** Levels whose far side is counted: the median, and what a tenth of the reference lies beyond. */
export const SIDES = Float64Array.of(0.5, 0.1)
/** The sizes, then the sides. */
export const COMPONENTS = SIZES + SIDES.length
/** Prior weight of each: most regressions last, and a burst worth an alarm is convincing at any weight. */
const WEIGHTS = Float64Array.of(0.1, 0.15, 0.45, 0.2, 0.1)
/** What to take off each score when a change is dated: half the size; a quarter for the median, which sees the smallest. */
export const ONSET_DRIFTS = Float64Array.of(1.1, 0.6, 0.35, 0.25, 0.6)
/** Share of windows beyond a level that is bet on after a change. */
const BEYOND = 0.9
/** Fewer beyond it than this are not believed: where most windows equal the level, one that does not says little. */
const FEWEST_BEYOND = Float64Array.of(0.4, 0.1)
/** A run beyond a level is decided about as fast as this size, so its inflation is that size's. */
const SIDE_LIKE = 1
/** exp(-d^2/2) of each size. */
const DRIFTS = SHIFT_SIZES.map((d) => Math.exp((-d * d) / 2))
const BLOCKS = Float64Array.of(2, 6, 15)
/** Believed before anything is known, worth 8 blocks; and the memory of the estimate, in blocks. */
const PRIOR_INFLATION = 1.5
const MEMORY = 48
const MAX_INFLATION = 8
/** For lasting shifts a single window never counts more than two standard deviations: runs decide, not spikes. */
const LASTING = 1.5
const LASTING_CLIP = 2
/** Evidence for a change too small to matter must not outlive it for long. */
const CAP = 1e5

/** Rows of numbers as below. */
export type Shift = Float64Array

/** Evidence per direction, a number per component. */
const UP = 0
const DOWN = COMPONENTS
/** Sum of scores in the block that is filling, how many, blocks seen and variance ratio, a number per size. */
const SUM = 2 * COMPONENTS
const FILLED = SUM + SIZES
const BLOCKS_SEEN = FILLED + SIZES
const INFLATION = BLOCKS_SEEN + SIZES

export function createShift(): Shift {
  return new Float64Array(INFLATION + SIZES).fill(PRIOR_INFLATION, INFLATION)
}

/** Before there was a component for the tenth: one number less per direction. */
export const createShiftVersion3 = (): Shift => new Float64Array(INFLATION + SIZES - 2)

export function shiftOfVersion3(old: Shift): Shift {
  const shift = createShift()
  shift.set(old.subarray(0, COMPONENTS - 1), UP)
  shift.set(old.subarray(COMPONENTS - 1, SUM - 2), DOWN)
  shift.set(old.subarray(SUM - 2), SUM)
  return shift
}

/** Feeds one score (standard normal while nothing changes). */
export function feedShift(shift: Shift, q: number): void {
  const soft = Math.max(-LASTING_CLIP, Math.min(LASTING_CLIP, q))
  for (let i = 0; i < SIZES; i++) {
    const d = SHIFT_SIZES[i] ?? 0
    const x = (d * (d < LASTING ? soft : q)) / Math.sqrt(shift[INFLATION + i] ?? 1)
    const ratio = Math.exp(x)
    const drift = DRIFTS[i] ?? 1
    shift[UP + i] = Math.min(CAP, (1 + (shift[UP + i] ?? 0)) * ratio * drift)
    shift[DOWN + i] = Math.min(CAP, ((1 + (shift[DOWN + i] ?? 0)) * drift) / ratio)
  }
}

/**
 * Feeds where a window lies (1 above, -1 below, 0 neither) by the k-th of the sides, and the shares of the reference
 * strictly beyond it. A likelihood ratio to the power of 1 / inflation is still worth at most 1 on average.
 */
export function feedSide(shift: Shift, k: number, side: number, above: number, below: number): void {
  const power = 1 / (shift[INFLATION + SIDE_LIKE] ?? 1)
  const [up, down] = [UP + SIZES + k, DOWN + SIZES + k]
  shift[up] = Math.min(CAP, (1 + (shift[up] ?? 0)) * sideRatio(k, side > 0, above) ** power)
  shift[down] = Math.min(CAP, (1 + (shift[down] ?? 0)) * sideRatio(k, side < 0, below) ** power)
}

function sideRatio(k: number, isBeyond: boolean, share: number): number {
  const usual = Math.max(FEWEST_BEYOND[k] ?? 0, share)
  return isBeyond ? BEYOND / usual : (1 - BEYOND) / (1 - usual)
}

/** Learns how much block means vary; call it only with scores of windows that were accepted as normal. */
export function learnShift(shift: Shift, q: number): void {
  const clipped = Math.max(-3.5, Math.min(3.5, q))
  for (let i = 1; i < SIZES; i++) {
    const block = BLOCKS[i] ?? 1
    const sum = (shift[SUM + i] ?? 0) + clipped
    const n = (shift[FILLED + i] ?? 0) + 1
    if (n < block) {
      shift[SUM + i] = sum
      shift[FILLED + i] = n
      continue
    }
    const seen = shift[BLOCKS_SEEN + i] ?? 0
    const gain = 1 / Math.min(MEMORY, 8 + seen)
    const ratio = Math.min(4 * MAX_INFLATION, (sum * sum) / block)
    shift[INFLATION + i] = Math.min(MAX_INFLATION, Math.max(1, (shift[INFLATION + i] ?? 1) * (1 - gain) + gain * ratio))
    shift[BLOCKS_SEEN + i] = Math.min(65_535, seen + 1)
    shift[SUM + i] = 0
    shift[FILLED + i] = 0
  }
}

/** Evidence in one direction (1 up, -1 down) of the i-th component. */
export function evidenceOf(shift: Shift, direction: number, i: number): number {
  return shift[(direction > 0 ? UP : DOWN) + i] ?? 0
}

/** Evidence in one direction (1 up, -1 down): the weighted mean of the mixture. */
export function shiftEvidence(shift: Shift, direction: number): number {
  let sum = 0
  for (let i = 0; i < COMPONENTS; i++) sum += (WEIGHTS[i] ?? 0) * evidenceOf(shift, direction, i)
  return sum
}

/** The scores are about to mean something else: how much they wander has to be learnt anew. */
export function forgetInflation(shift: Shift): void {
  shift.fill(0, SUM)
  shift.fill(PRIOR_INFLATION, INFLATION)
}

export function resetShift(shift: Shift): void {
  shift.fill(0, UP, SUM)
}
