/** What a detector says of a change, in numbers and in a sentence. */

import type { Change } from './change.ts'
import {
  type Detector,
  FIRST,
  fromScale,
  LOG_OFFSET,
  RECENT,
  RELEASE_WINDOWS,
  recentMedian,
  recentSorted,
  SECOND,
  type Track,
  Y,
} from './detectorstate.ts'
import type { Errors } from './errors.ts'
import { aucOfLogOdds, summariseProfile } from './profile.ts'
import { quantileOf } from './reference.ts'
import { seasonalPart } from './season.ts'

/** An alarm of this many windows or fewer is a burst: suspected until 3 of 5 windows agree. */
export const BURST_WINDOWS = 3

export type Summary = {
  /** Windows (value series) or requests (histograms, ratios) behind the numbers. */
  n: number
  p50: number
  p95: number
  p99: number
  /** 95 % interval of the median. */
  p50Interval: [number, number]
  /** Encoded histogram behind the numbers, filled in by whoever keeps the histograms. */
  histogram?: Uint8Array
}

export type Verdict = {
  /** `accepted`: a new regime, re-baselined: a regression that stayed, or an improvement. */
  state: 'suspected' | 'confirmed' | 'resolved' | 'accepted'
  direction: 'up' | 'down'
  detector: 'shift' | 'burst' | 'errors' | 'drift' | 'release' | 'throughput'
  eValue: number
  onsetAt: number
  before: Summary
  after: Summary
  /** Probability that a request now is slower than one before (histogram series only). */
  auc?: number
  /** The release that was rolled out before the onset, when one was noted. */
  release?: string
  reason: string
}

export function conclude(
  d: Detector,
  t: Track,
  state: Verdict['state'],
  change: Change,
  afterwards?: () => void,
): Verdict {
  const onsetAt = t.recentAt[change.onset % RECENT] ?? 0
  const season = t.season === undefined ? 0 : seasonalPart(t.season, d.lastAt)
  const before: Summary = t.profile === undefined ? summariseReference(d, t, season) : summariseProfile(t.profile)
  const level = fromScale(d, change.after + (t.profile === undefined ? season : 0))
  const after: Summary =
    t.profile === undefined
      ? summariseRecent(d, t, change.onset, season)
      : {
          ...before,
          n: d.seen - change.onset,
          p50: Math.exp(recentMedian(t, d.seen, change.onset, FIRST)) - LOG_OFFSET,
          p95: Math.exp(recentMedian(t, d.seen, change.onset, SECOND)) - LOG_OFFSET,
        }
  const released =
    d.release !== '' && onsetAt >= d.releasedAt && onsetAt - d.releasedAt <= RELEASE_WINDOWS * Math.max(1, d.interval)
  const verdict: Verdict = {
    state,
    direction: change.direction > 0 ? 'up' : 'down',
    detector: released
      ? 'release'
      : d.kind === 'throughput'
        ? 'throughput'
        : d.seen - change.onset <= BURST_WINDOWS
          ? 'burst'
          : 'shift',
    eValue: change.evidence,
    onsetAt,
    before,
    after,
    ...(t.profile === undefined ? {} : { auc: aucOfLogOdds(recentMedian(t, d.seen, change.onset, Y)) }),
    ...(released ? { release: d.release } : {}),
    reason: '',
  }
  verdict.reason = explain(d, verdict, fromScale(d, change.before + (t.profile === undefined ? season : 0)), level)
  afterwards?.()
  return verdict
}

function explain(d: Detector, verdict: Verdict, before: number, after: number): string {
  const windows = Math.max(1, Math.round((d.lastAt - verdict.onsetAt) / Math.max(1, d.interval)) + 1)
  const share = before > 0 ? ` (${after >= before ? '+' : ''}${Math.round((after / before - 1) * 100)} %)` : ''
  const change = `${round(before)} -> ${round(after)}${share}`
  const span = `over ${windows} window${windows === 1 ? '' : 's'} of ${Math.round(d.interval)} s`
  const cause = verdict.release === undefined ? '' : `, after release ${verdict.release}`
  switch (verdict.state) {
    case 'suspected':
      return `burst: ${change} ${span}${cause}; waiting for 3 of 5 windows`
    case 'confirmed':
      return `${change} ${span}${cause}; evidence ${Math.round(verdict.eValue)}, needed ${Math.round(d.options.falseAlarmWindows)}`
    case 'resolved':
      return `back to the usual ${round(before)}`
    case 'accepted':
      return `new regime: ${change} ${span}${cause}`
  }
}

function round(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(3))) : 'unknown'
}

function summariseReference(d: Detector, t: Track, season: number): Summary {
  const n = t.reference.size
  const half = (1.96 * Math.sqrt(n / 4)) / Math.max(1, n)
  const at = (p: number): number => fromScale(d, quantileOf(t.reference, Math.max(0, Math.min(1, p))) + season)
  return { n, p50: at(0.5), p95: at(0.95), p99: at(0.99), p50Interval: [at(0.5 - half), at(0.5 + half)] }
}

function summariseRecent(d: Detector, t: Track, onset: number, season: number): Summary {
  const sorted = recentSorted(t, d.seen, onset, Y)
  const n = sorted.length
  const at = (p: number): number =>
    fromScale(d, (sorted[Math.max(0, Math.min(n - 1, Math.ceil(p * n) - 1))] ?? 0) + season)
  const half = (1.96 * Math.sqrt(n / 4)) / Math.max(1, n)
  return { n, p50: at(0.5), p95: at(0.95), p99: at(0.99), p50Interval: [at(0.5 - half), at(0.5 + half)] }
}

/** Summaries of a ratio series are in %: `p50` holds the rate, the interval is Wilson's. */
export function errorVerdict(d: Detector, e: Errors, state: Verdict['state']): Verdict {
  const before = rateSummary(e.errors, e.total)
  const after = rateSummary(e.after, e.afterTotal)
  const released =
    d.release !== '' && e.onset >= d.releasedAt && e.onset - d.releasedAt <= RELEASE_WINDOWS * Math.max(1, d.interval)
  return {
    state,
    direction: 'up',
    detector: released ? 'release' : 'errors',
    eValue: Math.exp(Math.min(300, e.evidence)),
    onsetAt: e.onset,
    before,
    after,
    ...(released ? { release: d.release } : {}),
    reason: `errors ${round(before.p50)} % -> ${round(after.p50)} % (${Math.round(e.after)} of ${Math.round(e.afterTotal)} requests)`,
  }
}

function rateSummary(errors: number, total: number): Summary {
  const n = Math.max(1, total)
  const p = errors / n
  const z2 = 1.96 * 1.96
  const middle = (p + z2 / (2 * n)) / (1 + z2 / n)
  const half = (1.96 * Math.sqrt((p * (1 - p)) / n + z2 / (4 * n * n))) / (1 + z2 / n)
  const rate = 100 * p
  return {
    n: Math.round(total),
    p50: rate,
    p95: rate,
    p99: rate,
    p50Interval: [100 * Math.max(0, middle - half), 100 * (middle + half)],
  }
}
