/**
 * The streaming detector of one series: closed windows go in, verdicts come out. A pure state machine over plain data;
 * nothing here reads a clock or draws a random number.
 *
 * Each window becomes a number y (log of a percentile or a rate, rank score of a histogram against its reference), its
 * seasonal part is taken off, and its rank among the reference windows gives a normal score. Scores add up to evidence
 * (shift.ts); findChange asks that the change is also large enough to matter. An open episode freezes the reference, so
 * that a regression cannot teach itself; when it ends, its windows are learnt, so that what recurs stops being news.
 */

import { createAnomaly, feedAnomaly } from './anomaly.ts'
import {
  createDetector,
  createTrack,
  type Detector,
  ESTABLISHED,
  FIELDS,
  FIRST,
  LAG,
  LOG_OFFSET,
  QUIET,
  RECENT,
  REFERENCE,
  RELEASE_WINDOWS,
  SCORE,
  SECOND,
  type Track,
  toScale,
  Y,
} from './detectorstate.ts'
import { followEpisode, lookForChange } from './episode.ts'
import { observeRatio } from './errorepisode.ts'
import { createErrors } from './errors.ts'
import { type Histogram, quantile } from './histogram.ts'
import { pack, type State, unpack } from './pack.ts'
import { aucAgainst, createProfile, learnProfile, logOddsOfAuc } from './profile.ts'
import {
  clearReference,
  createReferenceVersion4,
  edgesOf,
  normalScore,
  push,
  referenceOfVersion4,
  sortReference,
} from './reference.ts'
import { createSeason, learnSeason, profilePart, type Season, seasonalPart } from './season.ts'
import {
  createShift,
  createShiftVersion3,
  feedShift,
  feedSide,
  forgetInflation,
  learnShift,
  resetShift,
  SIDES,
  shiftEvidence,
  shiftOfVersion3,
} from './shift.ts'
import { squeeze, stretch } from './squeeze.ts'
import type { Verdict } from './verdict.ts'

export { createDetector, type Detector, type DetectorKind, type DetectorOptions } from './detectorstate.ts'
export type { Summary, Verdict } from './verdict.ts'

/** One closed window of one series; `at` is its END in epoch seconds. */
export type Observation =
  | { kind: 'value'; at: number; value: number; weight?: number }
  | { kind: 'histogram'; at: number; histogram: Histogram }
  | { kind: 'ratio'; at: number; errors: number; total: number }

/**
 * A window shorter than two minutes may be an accident of sampling: it cannot raise an alarm alone. Two of a latency can,
 * two of anything else cannot (ADR 0024).
 */
const SHORT_LATENCY_CLIP = 4
const SHORT_WINDOW_CLIP = 3.5
const LONG_WINDOW_CLIP = 6.5
/** From this interval on a window is a long one, in seconds. */
const LONG_WINDOW = 120
/** After a release this much less evidence is needed. */
const RELEASE_FACTOR = 4
const VERSION = 5

/** In `into` when the bytes fit it exactly. */
export function saveDetector(d: Detector, into?: Uint8Array): Uint8Array {
  return squeeze(pack(d as unknown as State, VERSION), into)
}

const parts = {
  track: createTrack as unknown as () => State,
  season: createSeason as unknown as () => State,
  anomaly: createAnomaly as unknown as () => State,
  profile: createProfile as unknown as () => State,
  errors: createErrors as unknown as () => State,
}

/** Throws RangeError when the bytes are not a detector of this version. Nothing is left of what `d` was before. */
export function loadDetector(bytes: Uint8Array, d: Detector = createDetector('gauge')): Detector {
  if (bytes[0] !== VERSION) throw new RangeError(`a detector of version ${bytes[0]}, this code reads ${VERSION}`)
  unpack(stretch(bytes), VERSION, d as unknown as State, parts)
  if (d.track !== undefined) sortReference(d.track.reference)
  return d
}

/** As `loadDetector`, of bytes that the two versions before saved too. */
export function restoreDetector(bytes: Uint8Array): Detector {
  const [version] = bytes
  if (version !== 3 && version !== 4) return loadDetector(bytes)
  const d = createDetector('gauge')
  const reference = createReferenceVersion4(REFERENCE)
  const shift = version === 3 ? createShiftVersion3() : createShift()
  const track = () => ({ ...createTrack(), reference, shift })
  unpack(bytes, version, d as unknown as State, { ...parts, track: track as unknown as () => State })
  if (d.track === undefined) return d
  d.track.reference = referenceOfVersion4(reference)
  if (version === 3) d.track.shift = shiftOfVersion3(shift)
  return d
}

/** Surprise of the last point, 0..1: an order between points, no probability. 0 unless made with `scorePoints`. */
export function anomalyScore(d: Detector): number {
  return d.anomaly?.score ?? 0
}

/** A release went out: what follows is compared with what was before, and a change is attributed to it. */
export function noteRelease(d: Detector, at: number, release: string): void {
  d.release = release
  d.releasedAt = at
  d.releaseSeen = d.seen
  if (d.track !== undefined) resetShift(d.track.shift)
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

/**
 * Evidence gathered since the open episode opened, as a factor on what it opened with (`opened`): windows after the
 * opening are a stretch of their own, and e-values of successive, disjoint stretches multiply. Error evidence goes on.
 */
export function evidenceSinceOpening(d: Detector, opened: number): number {
  if (d.errors !== undefined) return Math.exp(Math.min(300, d.errors.evidence)) / Math.max(1, opened)
  return d.track === undefined ? 1 : shiftEvidence(d.track.shift, d.direction)
}

// --- value series -------------------------------------------------------------------------------------------------

function observeValue(d: Detector, at: number, value: number, weight: number | undefined): Verdict | undefined {
  if (!Number.isFinite(value)) return undefined
  d.track ??= createTrack()
  const t = d.track
  if (d.kind === 'latency' && isEmpty(d, t, value, weight)) return undefined
  const raw = Math.fround(toScale(d, value))
  t.season ??= createSeason()
  if (d.anomaly !== undefined) feedAnomaly(d.anomaly, at, raw, d.interval)
  const slot = d.seen % RECENT
  // What each profile forecasts before it learns this window: had it been in use, these would be its residuals.
  t.recent[FIELDS * slot + FIRST] = profilePart(t.season, 1, at)
  t.recent[FIELDS * slot + SECOND] = profilePart(t.season, 2, at)
  t.recentAt[slot] = at
  t.recent[FIELDS * slot + Y] = raw - seasonalPart(t.season, at)
  const used = t.season.used
  if (learnSeason(t.season, at, raw)) changeProfile(d, t, t.season, used)
  // Few requests make a noisy percentile: such a window counts for less.
  const trust = weight === undefined ? 1 : Math.min(1, (Math.max(1, weight) / 20) ** 0.25)
  return judge(d, t, at, trust)
}

/** Without requests there is no latency: a zero is an empty window, unless zeros are so rare that one is news. */
function isEmpty(d: Detector, t: Track, value: number, weight: number | undefined): boolean {
  const zero = value <= 0
  const ignore = zero && (weight === 0 || t.empty > 0.02 || d.seen < ESTABLISHED)
  t.empty += ((zero ? 1 : 0) - t.empty) / 100
  return ignore
}

/** The seasonal profile in use changed: what was kept is expressed anew, as that profile would have forecast it. */
function changeProfile(d: Detector, t: Track, season: Season, used: number): void {
  clearReference(t.reference)
  forgetInflation(t.shift)
  for (let k = Math.max(0, d.seen - RECENT + 1); k <= d.seen; k++) {
    const slot = k % RECENT
    const before = used === 0 ? 0 : (t.recent[FIELDS * slot + FIRST + used - 1] ?? 0)
    const after = season.used === 0 ? 0 : (t.recent[FIELDS * slot + FIRST + season.used - 1] ?? 0)
    t.recent[FIELDS * slot + Y] = (t.recent[FIELDS * slot + Y] ?? 0) + before - after
    if (k < t.admitted) push(t.reference, t.recent[FIELDS * slot + Y] ?? 0)
  }
}

// --- histogram series ---------------------------------------------------------------------------------------------

const FEWEST_REQUESTS = 20

function observeHistogram(d: Detector, at: number, histogram: Histogram): Verdict | undefined {
  d.track ??= createTrack()
  const t = d.track
  if (histogram.count < FEWEST_REQUESTS && !(histogram.count >= 5 && t.empty > 0.3)) {
    // Sparse routes: the service widens their windows; a window of a handful of requests is no evidence.
    t.empty += (1 - t.empty) / 100
    return undefined
  }
  t.empty -= t.empty / 100
  t.profile ??= createProfile()
  const auc = t.profile.windows > 0 ? aucAgainst(t.profile, histogram) : 0.5
  const slot = d.seen % RECENT
  t.recentAt[slot] = at
  t.recent[FIELDS * slot + FIRST] = Math.log(quantile(histogram, 0.5) + LOG_OFFSET)
  // A p95 of fewer than 100 requests is a rumour: the median stands in.
  t.recent[FIELDS * slot + SECOND] = Math.log(quantile(histogram, histogram.count >= 100 ? 0.95 : 0.5) + LOG_OFFSET)
  t.recent[FIELDS * slot + Y] = logOddsOfAuc(auc)
  const verdict = judge(d, t, at, Math.min(1, (histogram.count / 20) ** 0.25))
  if (d.state === QUIET) learnProfile(t.profile, histogram)
  return verdict
}

// --- evidence -----------------------------------------------------------------------------------------------------

/** Common to value and histogram series: the window at `d.seen` is in the recent arrays; score it and decide. */
function judge(d: Detector, t: Track, at: number, trust: number): Verdict | undefined {
  const slot = d.seen % RECENT
  d.seen++
  const y = t.recent[FIELDS * slot + Y] ?? 0
  const ready = t.reference.size >= ESTABLISHED
  const raw = ready ? trust * normalScore(t.reference, y, smallestExcess(d)) : 0
  const clip = clipOf(d)
  const score = Math.max(-clip, Math.min(clip, raw))
  t.recent[FIELDS * slot + SCORE] = score
  if (d.state === QUIET) admit(d, t, ready)
  if (!ready) return undefined
  feedShift(t.shift, score)
  for (let k = 0; k < SIDES.length; k++) {
    const { low, high, above, below } = edgesOf(t.reference, SIDES[k] ?? 0)
    feedSide(t.shift, k, y > high ? 1 : y < low ? -1 : 0, above, below)
  }
  const expected = d.release !== '' && d.seen - d.releaseSeen <= RELEASE_WINDOWS
  const needed = d.options.falseAlarmWindows / (expected ? RELEASE_FACTOR : 1)
  return d.state === QUIET ? lookForChange(d, t, at, needed) : followEpisode(d, t, at, needed, score)
}

/** Most that one window counts for, in standard deviations. */
function clipOf(d: Detector): number {
  if (d.interval >= LONG_WINDOW) return LONG_WINDOW_CLIP
  return d.kind === 'latency' ? SHORT_LATENCY_CLIP : SHORT_WINDOW_CLIP
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
function admit(d: Detector, t: Track, ready: boolean): void {
  if (d.release !== '' && ready && d.seen - d.releaseSeen <= RELEASE_WINDOWS && d.seen - t.admitted < RECENT - 1) return
  const until = ready ? d.seen - LAG : d.seen
  for (; t.admitted < until; t.admitted++) {
    const slot = t.admitted % RECENT
    push(t.reference, t.recent[FIELDS * slot + Y] ?? 0)
    if (t.admitted < t.episodeFrom || t.admitted >= t.episodeTo)
      learnShift(t.shift, t.recent[FIELDS * slot + SCORE] ?? 0)
  }
}
