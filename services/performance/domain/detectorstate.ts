/** What a detector knows of its series: plain data, so that it can be saved as it stands. */

import { type Anomaly, createAnomaly } from './anomaly.ts'
import type { Errors } from './errors.ts'
import type { Profile } from './profile.ts'
import { createReference, type Reference } from './reference.ts'
import type { Season } from './season.ts'
import { createShift, type Shift } from './shift.ts'

export type DetectorKind = 'latency' | 'errors' | 'throughput' | 'saturation' | 'gauge'

export type DetectorOptions = {
  /** 1/alpha of the evidence test: at least this many windows between false alarms while nothing changes. */
  falseAlarmWindows: number
  /** Smallest relative change that is reported. */
  minimumRelative: number
  /** Smallest absolute change that is reported, in the unit of the series (ms for latency). */
  minimumAbsolute: number
}

const DEFAULTS: DetectorOptions = { falseAlarmWindows: 600, minimumRelative: 0.1, minimumAbsolute: 0.5 }

/** Windows kept one by one: enough to date a change (32) and to wait before they teach (LAG). */
export const RECENT = 60
export const LAG = 15
export const REFERENCE = 140
/** Windows before verdicts are given: 20 accepted ones (design 3.2). */
export const ESTABLISHED = 20
/** Windows back inside the usual band that end an episode. */
export const BACK_IN_BAND = 8
/** A regression that stays this long is the new regime. */
export const ACCEPT_SECONDS = 7200
export const ACCEPT_WINDOWS = 20
/** After a release a change is expected: less evidence is needed for this many windows. */
export const RELEASE_WINDOWS = 30

export const QUIET = 0
export const SUSPECTED = 1
export const CONFIRMED = 2

export type Detector = {
  kind: DetectorKind
  options: DetectorOptions
  /** Window length in seconds, inferred; 0 until two windows were seen. */
  interval: number
  lastAt: number
  seen: number
  /** Windows that came late or twice and were ignored. */
  late: number
  /** Of value and histogram series. */
  track: Track | undefined
  /** Of ratio series. */
  errors: Errors | undefined
  /** Present when every point is to be scored. */
  anomaly: Anomaly | undefined
  /** QUIET, SUSPECTED or CONFIRMED; 1 up, -1 down; when the episode opened. */
  state: number
  direction: number
  openedAt: number
  backInBand: number
  release: string
  releasedAt: number
  releaseSeen: number
}

/** Numbers kept per recent window: FIELDS of them, at these places. */
export const FIELDS = 4
/** Number without its seasonal part. */
export const Y = 0
export const SCORE = 1
/** What the daily (FIRST) and the weekly profile forecast (value series), or ln of median and p95 (histogram series). */
export const FIRST = 2
export const SECOND = 3

/** The level of a series: the windows it is compared with, and the latest ones. */
export type Track = {
  reference: Reference
  shift: Shift
  season: Season | undefined
  profile: Profile | undefined
  /** Share of windows without requests, decayed. */
  empty: number
  /** End of window k at k % RECENT, its numbers from FIELDS * (k % RECENT) on. */
  recentAt: Uint32Array
  recent: Float32Array
  /** Windows that have been learnt or passed over. */
  admitted: number
  /** Windows of the last episode: learnt as levels, not as spread. */
  episodeFrom: number
  episodeTo: number
  onset: number
  agreeing: number
  windowsOpen: number
  /** Level before the last accepted regime: going back to it is a return, not a change. */
  former: number
  formerUntil: number
}

/** `scorePoints` keeps what anomalyScore needs: about 1.5 KB and as much time again as the verdicts take. */
export function createDetector(
  kind: DetectorKind,
  { scorePoints = false, ...options }: Partial<DetectorOptions> & { scorePoints?: boolean } = {},
): Detector {
  return {
    kind,
    options: { ...DEFAULTS, ...options },
    interval: 0,
    lastAt: 0,
    seen: 0,
    late: 0,
    track: undefined,
    errors: undefined,
    anomaly: scorePoints ? createAnomaly() : undefined,
    state: QUIET,
    direction: 0,
    openedAt: 0,
    backInBand: 0,
    release: '',
    releasedAt: 0,
    releaseSeen: 0,
  }
}

export function createTrack(): Track {
  const windows = new ArrayBuffer(4 * RECENT * (1 + FIELDS))
  return {
    reference: createReference(REFERENCE),
    shift: createShift(),
    season: undefined,
    profile: undefined,
    empty: 0,
    recentAt: new Uint32Array(windows, 0, RECENT),
    recent: new Float32Array(windows, 4 * RECENT, FIELDS * RECENT),
    admitted: 0,
    episodeFrom: 0,
    episodeTo: 0,
    onset: 0,
    agreeing: 0,
    windowsOpen: 0,
    former: 0,
    formerUntil: 0,
  }
}

/** Scratch for numbers in order of size: shared, used only inside one call. */
const scratch = new Float32Array(RECENT)

/** One field of the windows since the onset (of `seen` windows), in order of size. Valid until the next call. */
export function recentSorted(t: Track, seen: number, onset: number, field: number): Float32Array {
  const from = Math.max(onset, seen - RECENT + 1, 0)
  const n = seen - from
  for (let k = 0; k < n; k++) scratch[k] = t.recent[FIELDS * ((from + k) % RECENT) + field] ?? 0
  return scratch.subarray(0, n).sort()
}

export function recentMedian(t: Track, seen: number, onset: number, field: number): number {
  const sorted = recentSorted(t, seen, onset, field)
  return sorted[sorted.length >> 1] ?? 0
}

/** Added before taking logarithms, so that zero has one: far below anything worth reporting. */
export const LOG_OFFSET = 0.1

/** Latency and throughput are compared by ratio: their scale is the logarithm. */
export function toScale(d: Detector, value: number): number {
  return d.kind === 'latency' || d.kind === 'throughput' ? Math.log(Math.max(0, value) + LOG_OFFSET) : value
}

export function fromScale(d: Detector, y: number): number {
  return d.kind === 'latency' || d.kind === 'throughput' ? Math.max(0, Math.exp(y) - LOG_OFFSET) : y
}
