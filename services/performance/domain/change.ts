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
import { extremeOfDay } from './season.ts'
import { evidenceForSize, SHIFT_SIZES } from './shift.ts'

/** Direction 1 up, -1 down; number of the first changed window; levels before and after on the scale of the series. */
export type Change = { direction: number; onset: number; before: number; after: number; evidence: number }

/** A change is dated within this many windows. */
const LOOKBACK = 32
/** The level before a change is the median of this many reference windows: near enough to follow the day. */
const LOCAL = 60
/** Relative change x windows needed: +90 % over two windows, +18 % over ten; the shorter, the larger. */
const AREA = 1.8
/** Until a week is known, changes slower than two hours must also leave the range of the last day. */
const WEEK_HOURS = 168
const SLOW_SECONDS = 7200

/** The change that the evidence speaks for, dated at the scale of each shift size that is convinced, largest first. */
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
  for (let i = 0; i < SHIFT_SIZES.length; i++) {
    if (evidenceForSize(t.shift, direction, i) < needed) continue
    const onset = onsetOf(d, t, direction, (SHIFT_SIZES[i] ?? 1) / 2)
    if (onset === last) continue
    last = onset
    const { before, after } = levelsSince(d, t, onset)
    if (direction * (after - before) <= 0 || !isMaterial(d, t, before, after, AREA / (d.seen - onset))) continue
    if (t.profile === undefined && !isMaterial(d, t, before, before + shiftOfPairs(d, t, onset, direction), 0)) continue
    const season = t.season
    if (season !== undefined && season.hours < WEEK_HOURS) {
      const slow = at + d.interval - (t.recentAt[onset % RECENT] ?? 0) >= SLOW_SECONDS
      if (slow && direction * after <= extremeOfDay(season, direction)) continue
    }
    return { direction, onset, before, after, evidence }
  }
  return undefined
}

/** First window of the change: where the sum of score minus drift, read backwards, is largest (Page 1954). */
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

/** Share of the pairs (window before, window since) that must differ by what counts as a change. */
const CAUTIOUS = 0.55

/**
 * Shift between the level before and the windows since the onset: a cautious quantile of all pairwise differences
 * (Hodges & Lehmann 1963 take their median). A series that jumps between two values moves its median from one to the
 * other when it visits the second a little more often; its pairs stay where they were.
 */
function shiftOfPairs(d: Detector, t: Track, onset: number, direction: number): number {
  const before = latestSorted(t.reference, localScratch)
  let n = 0
  for (let k = Math.max(onset, d.seen - RECENT + 1, 0); k < d.seen; k++) {
    for (const b of before) pairs[n++] = (t.recent[FIELDS * (k % RECENT) + Y] ?? 0) - b
  }
  const sorted = pairs.subarray(0, n).sort()
  return sorted[Math.floor((direction > 0 ? 1 - CAUTIOUS : CAUTIOUS) * (n - 1))] ?? 0
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
  const spread = (quantileOf(t.reference, 0.84) - quantileOf(t.reference, 0.16)) / 2
  return Math.abs(after - before) >= Math.max(1e-9, spread) * Math.max(1, relative * 2)
}
