/** Finds the change that the evidence speaks for: when it began, how large it is, and whether that matters. */

import {
  type Detector,
  FIELDS,
  FIRST,
  fromScale,
  LOG_OFFSET,
  RECENT,
  recentMedian,
  SCORE,
  SECOND,
  type Track,
  Y,
} from './detectorstate.ts'
import { summariseProfile } from './profile.ts'
import { latestSorted, medianOfSorted, quantileOf } from './reference.ts'
import { extremeOfDayBefore } from './season.ts'
import { COMPONENTS, evidenceOf, ONSET_DRIFTS } from './shift.ts'

/** Direction 1 up, -1 down; number of the first changed window; levels before and after on the scale of the series. */
export type Change = { direction: number; onset: number; before: number; after: number; evidence: number }

/** A change is dated within this many windows. */
const LOOKBACK = 32
/** The level before a change is the median of this many reference windows: near enough to follow the day. */
const LOCAL = 60
/** Relative change x windows needed: +90 % over two windows, +18 % over ten; the shorter, the larger. */
const AREA = 1.8
/**
 * Slower than this a series also moves on its own: such a change must leave the range of the day before it, and exceed
 * the spread of the reference this many times. What is smaller and lasts is found on the hours of a month (regimes.ts).
 */
const SLOW_SECONDS = 7200
const SLOW_SPREADS = 2

/** The change that the evidence speaks for, dated at the scale of each component that is convinced, largest first. */
export function findChange(
  d: Detector,
  t: Track,
  direction: number,
  evidence: number,
  at: number,
  needed: number,
): Change | undefined {
  if (evidence < needed) return undefined
  let last = -1
  for (let i = 0; i < COMPONENTS; i++) {
    if (evidenceOf(t.shift, direction, i) < needed) continue
    const onset = i === 0 ? onsetOfBurst(d, t, direction) : onsetOf(d, t, direction, ONSET_DRIFTS[i] ?? 0)
    if (onset === last) continue
    last = onset
    const { before, after } = levelsSince(d, t, onset)
    if (direction * (after - before) <= 0 || !isMaterial(d, t, before, after, AREA / (d.seen - onset))) continue
    if (t.profile === undefined && !isMaterial(d, t, before, before + shiftOfPairs(d, t, onset, direction), 0)) continue
    if (t.profile === undefined && isUsualDrift(d, t, onset, direction, before, after, at)) continue
    return { direction, onset, before, after, evidence }
  }
  return undefined
}

function isUsualDrift(
  d: Detector,
  t: Track,
  onset: number,
  direction: number,
  before: number,
  after: number,
  at: number,
): boolean {
  const start = (t.recentAt[onset % RECENT] ?? 0) - d.interval
  if (t.season === undefined || at - start < SLOW_SECONDS) return false
  if (Math.abs(after - before) < SLOW_SPREADS * spreadOf(t)) return true
  return direction * after <= extremeOfDayBefore(t.season, start, direction)
}

/** Half the distance between the quantiles that are two standard deviations apart in a normal distribution. */
function spreadOf(t: Track): number {
  return (quantileOf(t.reference, 0.84) - quantileOf(t.reference, 0.16)) / 2
}

/**
 * First window of a burst: where the likelihood of a change of unknown size is largest, sum^2 / n read backwards (Hinkley
 * 1970). With a fixed drift a window barely above the usual one joins, and a spike becomes the median of two windows.
 */
function onsetOfBurst(d: Detector, t: Track, direction: number): number {
  let best = 0
  let sum = 0
  let onset = d.seen - 1
  for (let k = d.seen - 1; k >= Math.max(0, d.seen - LOOKBACK); k--) {
    sum += direction * (t.recent[FIELDS * (k % RECENT) + SCORE] ?? 0)
    const likelihood = sum > 0 ? (sum * sum) / (d.seen - k) : 0
    if (likelihood > best) {
      best = likelihood
      onset = k
    }
  }
  return onset
}

/** First window of a lasting change: where the sum of score minus drift, read backwards, is largest (Page 1954). */
function onsetOf(d: Detector, t: Track, direction: number, drift: number): number {
  let best = 0
  let sum = 0
  let onset = d.seen - 1
  for (let k = d.seen - 1; k >= Math.max(0, d.seen - LOOKBACK); k--) {
    sum += direction * (t.recent[FIELDS * (k % RECENT) + SCORE] ?? 0) - drift
    if (sum > best) {
      best = sum
      onset = k
    }
  }
  return onset
}

/** Scratch for numbers in order of size: shared, used only inside one call. */
const localScratch = new Float32Array(LOCAL)
const pairs = new Float32Array(LOCAL * RECENT)

/** Standard deviations of the Mann-Whitney statistic that the shift between two samples is taken short of its estimate. */
const CAUTION = 1.4

/**
 * Shift between the level before and the windows since the onset: the lower end of its confidence interval, a quantile
 * of all pairwise differences (Hodges & Lehmann 1963; Lehmann 1975). A series that jumps between two values moves its
 * median from one to the other when it visits the second a little more often; its pairs stay where they were.
 */
function shiftOfPairs(d: Detector, t: Track, onset: number, direction: number): number {
  const before = latestSorted(t.reference, localScratch)
  let n = 0
  for (let k = Math.max(onset, d.seen - RECENT + 1, 0); k < d.seen; k++) {
    for (const b of before) pairs[n++] = (t.recent[FIELDS * (k % RECENT) + Y] ?? 0) - b
  }
  const sorted = pairs.subarray(0, n).sort()
  const since = n / before.length
  const share = Math.min(1, 0.5 + CAUTION * Math.sqrt((before.length + since + 1) / (12 * n)))
  return sorted[Math.floor((direction > 0 ? 1 - share : share) * (n - 1))] ?? 0
}

/** Levels on the scale of the series: the reference, and the median of the windows since the onset. */
export function levelsSince(d: Detector, t: Track, onset: number): { before: number; after: number } {
  if (t.profile === undefined)
    return { before: medianOfSorted(latestSorted(t.reference, localScratch)), after: recentMedian(t, d.seen, onset, Y) }
  const summary = summariseProfile(t.profile)
  const before95 = Math.log(summary.p95 + LOG_OFFSET)
  const before50 = Math.log(summary.p50 + LOG_OFFSET)
  const after50 = recentMedian(t, d.seen, onset, FIRST)
  const after95 = recentMedian(t, d.seen, onset, SECOND)
  // The quantile that moved more is the one to report.
  return Math.abs(after95 - before95) >= Math.abs(after50 - before50)
    ? { before: before95, after: after95 }
    : { before: before50, after: after50 }
}

/** Large enough to matter: absolute, and relative by at least `share` (the larger the fewer windows speak for it). */
function isMaterial(d: Detector, t: Track, before: number, after: number, share: number): boolean {
  const relative = Math.max(d.options.minimumRelative, share)
  if (d.kind === 'latency' || d.kind === 'throughput') {
    const absolute = d.kind === 'latency' ? d.options.minimumAbsolute : 0
    return (
      Math.abs(after - before) >= Math.log1p(relative) &&
      Math.abs(fromScale(d, after) - fromScale(d, before)) >= absolute
    )
  }
  // No natural zero: measured in spreads of the reference.
  return Math.abs(after - before) >= Math.max(1e-9, spreadOf(t)) * Math.max(1, relative * 2)
}
