/**
 * The streaming detector of one series: closed windows go in, verdicts come out. A pure state machine over plain data;
 * nothing here reads a clock or draws a random number.
 *
 * Each window becomes a number y (log of a percentile or a rate, rank score of a histogram against its reference), its
 * seasonal part is taken off, and its rank among the reference windows gives a normal score. Scores add up to evidence
 * (shift.ts); findChange asks that the change is also large enough to matter. An open episode freezes the reference, so
 * that a regression cannot teach itself; when it ends, its windows are learnt, so that what recurs stops being news.
 */

import { type Anomaly, createAnomaly, feedAnomaly } from './anomaly.ts'
import {
  acceptErrors,
  alarmingRate,
  createErrors,
  type Errors,
  errorsMatter,
  feedErrors,
  learnErrors,
  usualRate,
} from './errors.ts'
import { type Histogram, quantile } from './histogram.ts'
import { pack, type State, unpack } from './pack.ts'
import {
  aucAgainst,
  clearProfile,
  createProfile,
  forgetStaged,
  learnProfile,
  type Profile,
  summariseProfile,
} from './profile.ts'
import {
  clearReference,
  createReference,
  latestSorted,
  medianOfSorted,
  normalScore,
  push,
  quantileOf,
  type Reference,
} from './reference.ts'
import { createSeason, extremeOfDay, learnSeason, profilePart, type Season, seasonalPart } from './season.ts'
import {
  createShift,
  feedShift,
  forgetInflation,
  learnShift,
  resetShift,
  SHIFT_SIZES,
  type Shift,
  shiftEvidence,
} from './shift.ts'

/** One closed window of one series; `at` is its END in epoch seconds. */
export type Observation =
  | { kind: 'value'; at: number; value: number; weight?: number }
  | { kind: 'histogram'; at: number; histogram: Histogram }
  | { kind: 'ratio'; at: number; errors: number; total: number }

export type DetectorKind = 'latency' | 'errors' | 'throughput' | 'saturation' | 'gauge'

export type DetectorOptions = {
  /** 1/alpha of the evidence test: at least this many windows between false alarms while nothing changes. */
  falseAlarmWindows: number
  /** Smallest relative change that is reported. */
  minimumRelative: number
  /** Smallest absolute change that is reported, in the unit of the series (ms for latency). */
  minimumAbsolute: number
}

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

/** Windows kept one by one: enough to date a change (LOOKBACK) and to wait before they teach (LAG). */
const RECENT = 60
const LOOKBACK = 32
const LAG = 15
const REFERENCE = 140
/** The level before a change is the median of this many reference windows: near enough to follow the day. */
const LOCAL = 60
/** Windows before verdicts are given: 20 accepted ones (design 3.2). */
const ESTABLISHED = 20
/** A window shorter than two minutes may be an accident of sampling: it cannot raise an alarm alone. */
const SHORT_WINDOW_CLIP = 3.5
const LONG_WINDOW_CLIP = 6.5
/** An alarm of this many windows or fewer is a burst: suspected until 3 of 5 windows agree. */
const BURST_WINDOWS = 3
/** Relative change x windows needed: +90 % over two windows, +18 % over ten; the shorter, the larger. */
const AREA = 1.8
const BACK_IN_BAND = 8
/** Score that counts as inside the usual band again. */
const BAND = 1.3
/** Until a week is known, changes slower than two hours must also leave the range of the last day. */
const WEEK_HOURS = 168
const SLOW_SECONDS = 7200
/** A regression that stays this long is the new regime. */
const ACCEPT_SECONDS = 7200
const ACCEPT_WINDOWS = 20
/** After a release a change is expected: less evidence is needed for this many windows. */
const RELEASE_WINDOWS = 30
const RELEASE_FACTOR = 4
const VERSION = 1

const QUIET = 0
const SUSPECTED = 1
const CONFIRMED = 2

const DEFAULTS: DetectorOptions = { falseAlarmWindows: 600, minimumRelative: 0.1, minimumAbsolute: 0.5 }

export type Detector = {
  kind: DetectorKind
  options: DetectorOptions
  /** Window length in seconds, inferred; 0 until two windows were seen. */
  interval: number
  lastAt: number
  seen: number
  /** Windows that came late or twice and were ignored. */
  late: number
  /** Share of windows without requests, decayed. */
  empty: number
  reference: Reference
  shift: Shift
  season: Season | undefined
  anomaly: Anomaly | undefined
  profile: Profile | undefined
  errors: Errors | undefined
  recentAt: Uint32Array
  /**
   * Number without its seasonal part, its score, and two more per window: what the daily and the weekly profile forecast
   * (value series), or the logarithms of median and p95 (histogram series).
   */
  recentY: Float32Array
  recentScore: Float32Array
  recentParts: Float32Array
  /** Windows that have been learnt or passed over. */
  admitted: number
  episodeFrom: number
  episodeTo: number
  state: number
  direction: number
  openedAt: number
  onset: number
  agreeing: number
  windowsOpen: number
  backInBand: number
  /** Level before the last accepted regime: going back to it is a return, not a change. */
  former: number
  formerUntil: number
  release: string
  releasedAt: number
  releaseSeen: number
}

export function createDetector(kind: DetectorKind, options: Partial<DetectorOptions> = {}): Detector {
  return {
    kind,
    options: { ...DEFAULTS, ...options },
    interval: 0,
    lastAt: 0,
    seen: 0,
    late: 0,
    empty: 0,
    reference: createReference(REFERENCE),
    shift: createShift(),
    season: undefined,
    anomaly: undefined,
    profile: undefined,
    errors: undefined,
    recentAt: new Uint32Array(RECENT),
    recentY: new Float32Array(RECENT),
    recentScore: new Float32Array(RECENT),
    recentParts: new Float32Array(2 * RECENT),
    admitted: 0,
    episodeFrom: 0,
    episodeTo: 0,
    state: QUIET,
    direction: 0,
    openedAt: 0,
    onset: 0,
    agreeing: 0,
    windowsOpen: 0,
    backInBand: 0,
    former: 0,
    formerUntil: 0,
    release: '',
    releasedAt: 0,
    releaseSeen: 0,
  }
}

export function saveDetector(d: Detector): Uint8Array {
  return pack(d as unknown as State, VERSION)
}

/** Throws RangeError when the bytes are not a detector of this version. */
export function loadDetector(bytes: Uint8Array): Detector {
  const d = createDetector('gauge')
  unpack(bytes, VERSION, d as unknown as State, {
    season: createSeason as unknown as () => State,
    anomaly: createAnomaly as unknown as () => State,
    profile: createProfile as unknown as () => State,
    errors: createErrors as unknown as () => State,
  })
  return d
}

/** Surprise of the last point, 0..1: meaningful as an order between points, not as a probability. */
export function anomalyScore(d: Detector): number {
  return d.anomaly?.score ?? 0
}

/** A release went out: what follows is compared with what was before, and a change is attributed to it. */
export function noteRelease(d: Detector, at: number, release: string): void {
  d.release = release
  d.releasedAt = at
  d.releaseSeen = d.seen
  resetShift(d.shift)
}

/** Feeds one window. Windows must come in time order; late and repeated ones are counted and ignored. */
export function observe(d: Detector, o: Observation): Verdict | undefined {
  if (!Number.isFinite(o.at)) return undefined
  if (d.lastAt > 0 && o.at <= d.lastAt) {
    d.late++
    return undefined
  }
  if (d.lastAt > 0) {
    const gap = o.at - d.lastAt
    // The shortest gap, forgetting slowly: gaps of missing windows are longer, a changed interval is adopted in time.
    d.interval = d.interval === 0 ? gap : Math.min(gap, d.interval * 1.02)
  }
  d.lastAt = o.at
  switch (o.kind) {
    case 'ratio':
      return observeRatio(d, o.at, o.errors, o.total)
    case 'histogram':
      return observeHistogram(d, o.at, o.histogram)
    case 'value':
      return observeValue(d, o.at, o.value, o.weight)
  }
}

// --- value series -------------------------------------------------------------------------------------------------

/** Added before taking logarithms, so that zero has one: far below anything worth reporting. */
const LOG_OFFSET = 0.1

function toScale(d: Detector, value: number): number {
  return d.kind === 'latency' || d.kind === 'throughput' ? Math.log(Math.max(0, value) + LOG_OFFSET) : value
}

function fromScale(d: Detector, y: number): number {
  return d.kind === 'latency' || d.kind === 'throughput' ? Math.max(0, Math.exp(y) - LOG_OFFSET) : y
}

function observeValue(d: Detector, at: number, value: number, weight: number | undefined): Verdict | undefined {
  if (!Number.isFinite(value)) return undefined
  if (d.kind === 'latency' && isEmpty(d, value, weight)) return undefined
  const raw = Math.fround(toScale(d, value))
  d.season ??= createSeason()
  d.anomaly ??= createAnomaly()
  feedAnomaly(d.anomaly, at, raw, d.interval)
  const slot = d.seen % RECENT
  // What each profile forecasts before it learns this window: had it been in use, these would be its residuals.
  d.recentParts[2 * slot] = profilePart(d.season, 1, at)
  d.recentParts[2 * slot + 1] = profilePart(d.season, 2, at)
  d.recentAt[slot] = at
  d.recentY[slot] = raw - seasonalPart(d.season, at)
  const used = d.season.used
  if (learnSeason(d.season, at, raw)) changeProfile(d, d.season, used)
  // Few requests make a noisy percentile: such a window counts for less.
  const trust = weight === undefined ? 1 : Math.min(1, (Math.max(1, weight) / 20) ** 0.25)
  return judge(d, at, trust, undefined)
}

/** Without requests there is no latency: a zero is an empty window, unless zeros are so rare that one is news. */
function isEmpty(d: Detector, value: number, weight: number | undefined): boolean {
  const zero = value <= 0
  const ignore = zero && (weight === 0 || d.empty > 0.02 || d.seen < ESTABLISHED)
  d.empty += ((zero ? 1 : 0) - d.empty) / 100
  return ignore
}

/** The seasonal profile in use changed: what was kept is expressed anew, as that profile would have forecast it. */
function changeProfile(d: Detector, season: Season, used: number): void {
  clearReference(d.reference)
  forgetInflation(d.shift)
  for (let k = Math.max(0, d.seen - RECENT + 1); k <= d.seen; k++) {
    const slot = k % RECENT
    const before = used === 0 ? 0 : (d.recentParts[2 * slot + used - 1] ?? 0)
    const after = season.used === 0 ? 0 : (d.recentParts[2 * slot + season.used - 1] ?? 0)
    d.recentY[slot] = (d.recentY[slot] ?? 0) + before - after
    if (k < d.admitted) push(d.reference, d.recentY[slot] ?? 0)
  }
}

// --- histogram series ---------------------------------------------------------------------------------------------

const FEWEST_REQUESTS = 20
/** Keeps the log odds of an AUC of 0 or 1 finite. */
const SLACK = 0.001

function aucOf(logOdds: number): number {
  const odds = Math.exp(logOdds)
  return Math.max(0, Math.min(1, (odds * (1 + SLACK) - SLACK) / (1 + odds)))
}

function observeHistogram(d: Detector, at: number, histogram: Histogram): Verdict | undefined {
  if (histogram.count < FEWEST_REQUESTS && !(histogram.count >= 5 && d.empty > 0.3)) {
    // Sparse routes: the service widens their windows; a window of a handful of requests is no evidence.
    d.empty += (1 - d.empty) / 100
    return undefined
  }
  d.empty -= d.empty / 100
  d.profile ??= createProfile()
  const auc = d.profile.windows > 0 ? aucAgainst(d.profile, histogram) : 0.5
  const slot = d.seen % RECENT
  d.recentAt[slot] = at
  d.recentParts[2 * slot] = Math.log(quantile(histogram, 0.5) + LOG_OFFSET)
  // A p95 of fewer than 100 requests is a rumour: the median stands in.
  d.recentParts[2 * slot + 1] = Math.log(quantile(histogram, histogram.count >= 100 ? 0.95 : 0.5) + LOG_OFFSET)
  d.recentY[slot] = Math.log((auc + SLACK) / (1 + SLACK - auc))
  const verdict = judge(d, at, Math.min(1, (histogram.count / 20) ** 0.25), d.profile)
  if (d.state === QUIET) learnProfile(d.profile, histogram)
  return verdict
}

// --- evidence, episodes -------------------------------------------------------------------------------------------

/** Common to value and histogram series: the window at `d.seen` is in the recent arrays; score it and decide. */
function judge(d: Detector, at: number, trust: number, profile: Profile | undefined): Verdict | undefined {
  const slot = d.seen % RECENT
  d.seen++
  const y = d.recentY[slot] ?? 0
  const ready = d.reference.size >= ESTABLISHED
  const raw = ready ? trust * normalScore(d.reference, y, smallestExcess(d)) : 0
  const clip = d.interval >= 120 ? LONG_WINDOW_CLIP : SHORT_WINDOW_CLIP
  const score = Math.max(-clip, Math.min(clip, raw))
  d.recentScore[slot] = score
  if (d.state === QUIET) admit(d, ready)
  if (!ready) return undefined
  feedShift(d.shift, score)
  const expected = d.release !== '' && d.seen - d.releaseSeen <= RELEASE_WINDOWS
  const needed = d.options.falseAlarmWindows / (expected ? RELEASE_FACTOR : 1)
  return d.state === QUIET ? lookForChange(d, at, needed, profile) : followEpisode(d, at, needed, score, profile)
}

/** Floor of the tail scale: a step of 3 % in a constant latency is not a surprise of a thousand standard deviations. */
function smallestExcess(d: Detector): number {
  switch (d.kind) {
    case 'latency':
    case 'throughput':
      return 0.03
    case 'errors':
    case 'saturation':
    case 'gauge':
      return 1e-6
  }
}

/** Learns windows LAG windows late (at once until established); none for a while after a release. */
function admit(d: Detector, ready: boolean): void {
  if (d.release !== '' && ready && d.seen - d.releaseSeen <= RELEASE_WINDOWS && d.seen - d.admitted < RECENT - 1) return
  const until = ready ? d.seen - LAG : d.seen
  for (; d.admitted < until; d.admitted++) {
    const slot = d.admitted % RECENT
    push(d.reference, d.recentY[slot] ?? 0)
    if (d.admitted < d.episodeFrom || d.admitted >= d.episodeTo) learnShift(d.shift, d.recentScore[slot] ?? 0)
  }
}

type Change = { direction: number; onset: number; before: number; after: number; evidence: number }

function lookForChange(d: Detector, at: number, needed: number, profile: Profile | undefined): Verdict | undefined {
  const up = shiftEvidence(d.shift.up)
  const down = shiftEvidence(d.shift.down)
  if (up < needed && down < needed) return undefined
  const change = findChange(d, 1, up, at, needed, profile) ?? findChange(d, -1, down, at, needed, profile)
  if (change === undefined) return undefined
  d.direction = change.direction
  if (d.formerUntil > at && Math.abs(change.after - d.former) < Math.abs(change.after - change.before) / 2) {
    d.formerUntil = 0
    return conclude(d, 'resolved', change, profile, () => rebaseline(d, change.onset, profile))
  }
  if (isImprovement(d, change)) {
    return conclude(d, 'accepted', change, profile, () => rebaseline(d, change.onset, profile))
  }
  open(d, at, change, profile)
  return conclude(d, d.state === CONFIRMED ? 'confirmed' : 'suspected', change, profile)
}

/** Better is no incident, unless latency halves at once: requests that fail fast look like that. */
function isImprovement(d: Detector, change: Change): boolean {
  switch (d.kind) {
    case 'latency':
      return change.direction < 0 && change.after > change.before - Math.LN2
    case 'throughput':
      return change.direction > 0
    case 'errors':
    case 'saturation':
      return change.direction < 0
    case 'gauge':
      return false
  }
}

function open(d: Detector, at: number, change: Change, profile: Profile | undefined): void {
  const windows = d.seen - change.onset
  d.state = windows <= BURST_WINDOWS && d.interval < 120 ? SUSPECTED : CONFIRMED
  d.direction = change.direction
  d.openedAt = at
  d.onset = change.onset
  d.backInBand = 0
  d.windowsOpen = 0
  d.agreeing = windows
  // What was about to teach the reference is held back from the onset on.
  d.admitted = Math.max(d.admitted, Math.min(d.seen, change.onset))
  if (profile !== undefined) forgetStaged(profile)
  resetShift(d.shift)
}

function followEpisode(
  d: Detector,
  at: number,
  needed: number,
  score: number,
  profile: Profile | undefined,
): Verdict | undefined {
  const opposite = shiftEvidence(d.direction > 0 ? d.shift.down : d.shift.up)
  if (opposite >= needed) {
    const change = findChange(d, -d.direction, opposite, at, needed, profile)
    if (change !== undefined && !isImprovement(d, change)) {
      open(d, at, change, profile)
      return conclude(d, d.state === CONFIRMED ? 'confirmed' : 'suspected', change, profile)
    }
  }
  const inside = d.direction * score < BAND
  d.windowsOpen++
  if (!inside) d.agreeing++
  d.backInBand = inside ? d.backInBand + 1 : 0
  const level = levelsSince(d, d.onset, profile)
  const now: Change = { direction: d.direction, onset: d.onset, ...level, evidence: 0 }
  if (d.backInBand >= BACK_IN_BAND) {
    d.episodeFrom = d.onset
    d.episodeTo = d.seen - BACK_IN_BAND
    d.admitted = Math.max(d.admitted, d.seen - RECENT + 1)
    return conclude(d, 'resolved', now, profile, () => {
      d.state = QUIET
      resetShift(d.shift)
    })
  }
  if (d.state === SUSPECTED && d.windowsOpen <= 5 && d.agreeing >= 3 && !inside && d.windowsOpen >= 1) {
    d.state = CONFIRMED
    return conclude(
      d,
      'confirmed',
      { ...now, evidence: shiftEvidence(d.direction > 0 ? d.shift.up : d.shift.down) },
      profile,
    )
  }
  // Sharp falls of latency or errors are watched only until they can be described.
  const patience =
    d.direction < 0 && d.kind === 'latency' ? LAG * d.interval : Math.max(ACCEPT_SECONDS, ACCEPT_WINDOWS * d.interval)
  if (at - d.openedAt < patience) return undefined
  d.former = level.before
  d.formerUntil = at + 5 * patience
  return conclude(d, 'accepted', now, profile, () => rebaseline(d, d.onset, profile))
}

/** The change that the evidence speaks for, dated at the scale of each shift size that is convinced, largest first. */
function findChange(
  d: Detector,
  direction: number,
  evidence: number,
  at: number,
  needed: number,
  profile: Profile | undefined,
): Change | undefined {
  if (evidence < needed) return undefined
  const side = direction > 0 ? d.shift.up : d.shift.down
  let last = -1
  for (let i = 0; i < side.length; i++) {
    if ((side[i] ?? 0) < needed) continue
    const onset = onsetOf(d, direction, (SHIFT_SIZES[i] ?? 1) / 2)
    if (onset === last) continue
    last = onset
    const { before, after } = levelsSince(d, onset, profile)
    if (direction * (after - before) <= 0 || !isMaterial(d, before, after, AREA / (d.seen - onset))) continue
    if (profile === undefined && !isMaterial(d, before, before + shiftOfPairs(d, onset, direction), 0)) continue
    const season = d.season
    if (season !== undefined && season.hours < WEEK_HOURS) {
      const slow = at + d.interval - (d.recentAt[onset % RECENT] ?? 0) >= SLOW_SECONDS
      if (slow && direction * after <= extremeOfDay(season, direction)) continue
    }
    return { direction, onset, before, after, evidence }
  }
  return undefined
}

/** First window of the change: where the sum of score minus drift, read backwards, is largest (Page 1954). */
function onsetOf(d: Detector, direction: number, drift: number): number {
  let best = 0
  let sum = 0
  let onset = d.seen - 1
  for (let k = d.seen - 1; k >= Math.max(0, d.seen - LOOKBACK); k--) {
    sum += direction * (d.recentScore[k % RECENT] ?? 0) - drift
    if (sum > best) {
      best = sum
      onset = k
    }
  }
  return onset
}

/** Scratch for numbers in order of size: shared, used only inside one call. */
const scratch = new Float32Array(RECENT)
const localScratch = new Float32Array(LOCAL)
const pairs = new Float32Array(LOCAL * RECENT)

/** Share of the pairs (window before, window since) that must differ by what counts as a change. */
const CAUTIOUS = 0.55

/**
 * Shift between the level before and the windows since the onset: a cautious quantile of all pairwise differences
 * (Hodges & Lehmann 1963 take their median). A series that jumps between two values moves its median from one to the
 * other when it visits the second a little more often; its pairs stay where they were.
 */
function shiftOfPairs(d: Detector, onset: number, direction: number): number {
  const before = latestSorted(d.reference, localScratch)
  let n = 0
  for (let k = Math.max(onset, d.seen - RECENT + 1, 0); k < d.seen; k++) {
    for (const b of before) pairs[n++] = (d.recentY[k % RECENT] ?? 0) - b
  }
  const sorted = pairs.subarray(0, n).sort()
  return sorted[Math.floor((direction > 0 ? 1 - CAUTIOUS : CAUTIOUS) * (n - 1))] ?? 0
}

function recentMedian(d: Detector, numbers: Float32Array, onset: number, stride = 1, offset = 0): number {
  const from = Math.max(onset, d.seen - RECENT + 1, 0)
  const n = d.seen - from
  for (let k = 0; k < n; k++) scratch[k] = numbers[stride * ((from + k) % RECENT) + offset] ?? 0
  const sorted = scratch.subarray(0, n).sort()
  return sorted[n >> 1] ?? 0
}

/** Levels on the scale of the series: the reference, and the median of the windows since the onset. */
function levelsSince(d: Detector, onset: number, profile: Profile | undefined): { before: number; after: number } {
  if (profile === undefined)
    return { before: medianOfSorted(latestSorted(d.reference, localScratch)), after: recentMedian(d, d.recentY, onset) }
  const summary = summariseProfile(profile)
  const before95 = Math.log(summary.p95 + LOG_OFFSET)
  const before50 = Math.log(summary.p50 + LOG_OFFSET)
  const after50 = recentMedian(d, d.recentParts, onset, 2, 0)
  const after95 = recentMedian(d, d.recentParts, onset, 2, 1)
  // The quantile that moved more is the one to report.
  return Math.abs(after95 - before95) >= Math.abs(after50 - before50)
    ? { before: before95, after: after95 }
    : { before: before50, after: after50 }
}

/** Large enough to matter: absolute, and relative by at least `share` (the larger the fewer windows speak for it). */
function isMaterial(d: Detector, before: number, after: number, share: number): boolean {
  const relative = Math.max(d.options.minimumRelative, share)
  if (d.kind === 'latency' || d.kind === 'throughput') {
    const absolute = d.kind === 'latency' ? d.options.minimumAbsolute : 0
    return (
      Math.abs(after - before) >= Math.log1p(relative) &&
      Math.abs(fromScale(d, after) - fromScale(d, before)) >= absolute
    )
  }
  // No natural zero: measured in spreads of the reference.
  const spread = (quantileOf(d.reference, 0.84) - quantileOf(d.reference, 0.16)) / 2
  return Math.abs(after - before) >= Math.max(1e-9, spread) * Math.max(1, relative * 2)
}

/** The windows since the onset become the reference. */
function rebaseline(d: Detector, onset: number, profile: Profile | undefined): void {
  d.state = QUIET
  resetShift(d.shift)
  clearReference(d.reference)
  if (profile !== undefined) clearProfile(profile)
  d.admitted = Math.max(0, d.seen - RECENT + 1, onset)
  // A rank score against the old reference means nothing against the new one: histogram series start over.
  if (profile !== undefined) d.admitted = d.seen
  for (; d.admitted < d.seen; d.admitted++) push(d.reference, d.recentY[d.admitted % RECENT] ?? 0)
}

// --- verdicts -----------------------------------------------------------------------------------------------------

function conclude(
  d: Detector,
  state: Verdict['state'],
  change: Change,
  profile: Profile | undefined,
  afterwards?: () => void,
): Verdict {
  const onsetAt = d.recentAt[change.onset % RECENT] ?? 0
  const season = d.season === undefined ? 0 : seasonalPart(d.season, d.lastAt)
  const before: Summary = profile === undefined ? summariseReference(d, season) : summariseProfile(profile)
  const level = fromScale(d, change.after + (profile === undefined ? season : 0))
  const after: Summary =
    profile === undefined
      ? summariseRecent(d, change.onset, season)
      : {
          ...before,
          n: d.seen - change.onset,
          p50: Math.exp(recentMedian(d, d.recentParts, change.onset, 2, 0)) - LOG_OFFSET,
          p95: Math.exp(recentMedian(d, d.recentParts, change.onset, 2, 1)) - LOG_OFFSET,
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
    ...(profile === undefined ? {} : { auc: aucOf(recentMedian(d, d.recentY, change.onset)) }),
    ...(released ? { release: d.release } : {}),
    reason: '',
  }
  verdict.reason = explain(d, verdict, fromScale(d, change.before + (profile === undefined ? season : 0)), level)
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

function summariseReference(d: Detector, season: number): Summary {
  const n = d.reference.size
  const half = (1.96 * Math.sqrt(n / 4)) / Math.max(1, n)
  const at = (p: number): number => fromScale(d, quantileOf(d.reference, Math.max(0, Math.min(1, p))) + season)
  return { n, p50: at(0.5), p95: at(0.95), p99: at(0.99), p50Interval: [at(0.5 - half), at(0.5 + half)] }
}

function summariseRecent(d: Detector, onset: number, season: number): Summary {
  const from = Math.max(onset, d.seen - RECENT + 1, 0)
  const sorted = Float32Array.from({ length: d.seen - from }, (_, k) => d.recentY[(from + k) % RECENT] ?? 0).sort()
  const n = sorted.length
  const at = (p: number): number =>
    fromScale(d, (sorted[Math.max(0, Math.min(n - 1, Math.ceil(p * n) - 1))] ?? 0) + season)
  const half = (1.96 * Math.sqrt(n / 4)) / Math.max(1, n)
  return { n, p50: at(0.5), p95: at(0.95), p99: at(0.99), p50Interval: [at(0.5 - half), at(0.5 + half)] }
}

// --- error counts -------------------------------------------------------------------------------------------------

function observeRatio(d: Detector, at: number, k: number, n: number): Verdict | undefined {
  if (!(n > 0) || !(k >= 0) || k > n) return undefined
  d.errors ??= createErrors()
  const e = d.errors
  d.seen++
  if (e.windows < ESTABLISHED) {
    learnErrors(e, k, n)
    return undefined
  }
  const evidence = feedErrors(e, at, k, n)
  const needed = Math.log(d.options.falseAlarmWindows)
  if (d.state === QUIET) {
    if (evidence < needed || !errorsMatter(e)) {
      learnErrors(e, k, n)
      return undefined
    }
    d.state = CONFIRMED
    d.direction = 1
    d.openedAt = at
    d.backInBand = 0
    return errorVerdict(d, e, 'confirmed')
  }
  const usual = k <= 1 ? k / n < alarmingRate(e) : k / n < (usualRate(e) + alarmingRate(e)) / 2
  d.backInBand = usual ? d.backInBand + 1 : 0
  if (d.backInBand >= BACK_IN_BAND) {
    const verdict = errorVerdict(d, e, 'resolved')
    d.state = QUIET
    e.evidence = 0
    return verdict
  }
  if (at - d.openedAt < Math.max(ACCEPT_SECONDS, ACCEPT_WINDOWS * d.interval)) return undefined
  const verdict = errorVerdict(d, e, 'accepted')
  d.state = QUIET
  acceptErrors(e)
  return verdict
}

/** Summaries of a ratio series are in %: `p50` holds the rate, the interval is Wilson's. */
function errorVerdict(d: Detector, e: Errors, state: Verdict['state']): Verdict {
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
