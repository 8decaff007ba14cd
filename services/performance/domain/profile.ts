/**
 * Compact reference distribution of request durations for one series: three log-bucket arrays that age. Windows enter a
 * staging array; every 15 windows it moves on, so that what is compared is at least 15 windows old once there is enough.
 * Buckets are a quarter as fine as the histogram's (2^(1/8), 9 % wide): the rank test below needs no more.
 */

import type { Histogram } from './histogram.ts'

const PER_OCTAVE = 8
/** Histogram buckets (scale 5) per profile bucket (scale 3). */
const FINER = 4
const BUCKETS = 112
const STAGE = 15
/** Kept of the reference at each stage of 15 windows: a memory of about 90 windows. */
const KEEP = 5 / 6

export type Profile = {
  reference: Float32Array
  previous: Float32Array
  staging: Float32Array
  /** Profile bucket of index 0; NaN until the first window. 14 octaves follow, outliers share the ends. */
  first: number
  windows: number
  staged: number
}

export function createProfile(): Profile {
  const counts = new ArrayBuffer(3 * 4 * BUCKETS)
  return {
    reference: new Float32Array(counts, 0, BUCKETS),
    previous: new Float32Array(counts, 4 * BUCKETS, BUCKETS),
    staging: new Float32Array(counts, 8 * BUCKETS, BUCKETS),
    first: Number.NaN,
    windows: 0,
    staged: 0,
  }
}

function slotOf(profile: Profile, index: number): number {
  return Math.max(0, Math.min(BUCKETS - 1, Math.floor(index / FINER) - profile.first))
}

/** Takes in an accepted window. */
export function learnProfile(profile: Profile, histogram: Histogram): void {
  if (Number.isNaN(profile.first)) profile.first = Math.floor(histogram.offset / FINER) - 3 * PER_OCTAVE
  const { staging } = profile
  staging[0] = (staging[0] ?? 0) + histogram.zero
  for (let i = 0; i < histogram.length; i++) {
    const slot = slotOf(profile, histogram.offset + i)
    staging[slot] = (staging[slot] ?? 0) + (histogram.counts[i] ?? 0)
  }
  profile.windows++
  if (++profile.staged < STAGE) return
  profile.staged = 0
  for (let i = 0; i < BUCKETS; i++) {
    profile.reference[i] = (profile.reference[i] ?? 0) * KEEP + (profile.previous[i] ?? 0)
    profile.previous[i] = staging[i] ?? 0
    staging[i] = 0
  }
}

/** Throws away what has not reached the reference yet: it may hold the beginning of a change. */
export function forgetStaged(profile: Profile): void {
  if (profile.windows <= 2 * STAGE) return
  profile.previous.fill(0)
  profile.staging.fill(0)
  profile.staged = 0
}

export function clearProfile(profile: Profile): void {
  profile.reference.fill(0)
  profile.previous.fill(0)
  profile.staging.fill(0)
  profile.windows = 0
  profile.staged = 0
}

export type ProfileSummary = { n: number; p50: number; p95: number; p99: number; p50Interval: [number, number] }

/** Counts a comparison uses: the aged part, or everything while there is no aged part yet. */
function countAt(profile: Profile, slot: number): number {
  const aged = profile.reference[slot] ?? 0
  return profile.windows > 2 * STAGE ? aged : aged + (profile.previous[slot] ?? 0) + (profile.staging[slot] ?? 0)
}

export function summariseProfile(profile: Profile): ProfileSummary {
  let n = 0
  for (let i = 0; i < BUCKETS; i++) n += countAt(profile, i)
  const at = (rank: number): number => {
    let seen = 0
    for (let i = 0; i < BUCKETS; i++) {
      seen += countAt(profile, i)
      if (seen >= rank) return 2 ** ((i + profile.first + 0.5) / PER_OCTAVE)
    }
    return 2 ** ((BUCKETS + profile.first) / PER_OCTAVE)
  }
  const half = 1.96 * Math.sqrt(n / 4)
  return {
    n: Math.round(n),
    p50: at(n / 2),
    p95: at(n * 0.95),
    p99: at(n * 0.99),
    p50Interval: [at(Math.max(1, n / 2 - half)), at(Math.min(n, n / 2 + half))],
  }
}

/** Probability that a request of the window is slower than one of the reference (ties half): the Mann-Whitney AUC. */
export function aucAgainst(profile: Profile, histogram: Histogram): number {
  let n = 0
  for (let i = 0; i < BUCKETS; i++) n += countAt(profile, i)
  if (n === 0 || histogram.count === 0) return 0.5
  let below = 0
  let slot = 0
  let wins = histogram.zero * (countAt(profile, 0) / 2)
  for (let i = 0; i < histogram.length; i++) {
    const c = histogram.counts[i] ?? 0
    if (c === 0) continue
    const into = slotOf(profile, histogram.offset + i)
    while (slot < into) below += countAt(profile, slot++)
    wins += c * (below + countAt(profile, slot) / 2)
  }
  return wins / (n * histogram.count)
}

/** Keeps the log odds of an AUC of 0 or 1 finite. */
const SLACK = 0.001

export function logOddsOfAuc(auc: number): number {
  return Math.log((auc + SLACK) / (1 + SLACK - auc))
}

export function aucOfLogOdds(logOdds: number): number {
  const odds = Math.exp(logOdds)
  return Math.max(0, Math.min(1, (odds * (1 + SLACK) - SLACK) / (1 + odds)))
}
