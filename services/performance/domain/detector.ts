/**
 * The streaming detector of one series: windows go in, verdicts come out. Pure state machine over plain data; nothing
 * here reads a clock or draws a random number.
 *
 * A window is turned into a number y (log of a percentile, rank score of a histogram, ...), its residual against the
 * local level into a normal score, and the scores into evidence by a mixture e-detector (shift.ts). Gates ask that the
 * change is also large enough to matter. An open episode freezes the reference, so a regression cannot teach itself.
 */

import { clearReference, createReference, normalScore, push, quantileOf, type Reference } from './reference.ts'
import { createShift, feedShift, learnShift, resetShift, type Shift, shiftEvidence, SHIFT_SIZES } from './shift.ts'
import { createSeason, learnSeason, profilePart, type Season, seasonalPart } from './season.ts'
import type { Histogram } from './histogram.ts'

export type Observation =
  | { kind: 'value'; at: number; value: number; weight?: number }
  | { kind: 'histogram'; at: number; histogram: Histogram }
  | { kind: 'ratio'; at: number; errors: number; total: number }

export type DetectorKind = 'latency' | 'errors' | 'throughput' | 'saturation' | 'gauge'

export type DetectorOptions = {
  /** One false alarm of the evidence test per this much time while nothing changes. */
  falseAlarmSeconds: number
  minimumRelative: number
  minimumAbsolute: number
}

const P = (k: string, v: number): number => Number(process.env[k] ?? v)
const DEFAULTS: DetectorOptions = { falseAlarmSeconds: P('FA', 1) * 86_400, minimumRelative: 0.1, minimumAbsolute: 0.5 }

const LOCAL = P('LOCAL', 60)
const HISTORY = P('HISTORY', 240)
const RECENT = 64
const LAG = P('LAG', 15)
const SEASON = P('SEASON', 1) === 1
const BACK = P('BACK', 8)
const ADMIT = P('ADMIT', 1) === 1
const LOOKBACK = P('LOOKBACK', 32)
const EARLY = P('EARLY', 72)
const AREA = P('AREA', 1.8)
const DAYGATE = P('DAYGATE', 1)
const MARGIN = P('MARGIN', 0)
const NWIN = P('NWIN', 800)
const RAW = P('RAW', 0) === 1
const ESTABLISHED = 20
const CLIP = P('CLIP', 3.5)

export type Detector = {
  kind: DetectorKind
  options: DetectorOptions
  interval: number
  lastAt: number
  seen: number
  late: number
  zeros: number
  level: Reference
  residuals: Reference
  shift: Shift
  season: Season
  recentY: Float32Array
  recentRaw: Float32Array
  recentParts: Float32Array
  recentQ: Float32Array
  recentAt: Float64Array
  recentResidual: Float32Array
  admitted: number
  score: number
  state: 'quiet' | 'suspected' | 'confirmed'
  direction: number
  openedAt: number
  former: number
  formerUntil: number
  onset: number
  backInBand: number
  worst: number
}

export type Summary = { n: number; p50: number; p95: number; p99: number; p50Interval: [number, number]; histogram?: Uint8Array }

export type Verdict = {
  state: 'suspected' | 'confirmed' | 'resolved' | 'accepted'
  direction: 'up' | 'down'
  detector: 'shift' | 'burst' | 'errors' | 'drift' | 'release' | 'throughput'
  eValue: number
  onsetAt: number
  before: Summary
  after: Summary
  auc?: number
  reason: string
}

export function createDetector(kind: DetectorKind, options: Partial<DetectorOptions> = {}): Detector {
  return {
    kind,
    options: { ...DEFAULTS, ...options },
    interval: 0,
    lastAt: -Infinity,
    seen: 0,
    late: 0,
    zeros: 0,
    level: createReference(LOCAL),
    residuals: createReference(HISTORY),
    shift: createShift(),
    season: createSeason(),
    recentY: new Float32Array(RECENT),
    recentRaw: new Float32Array(RECENT),
    recentParts: new Float32Array(RECENT * 2),
    recentQ: new Float32Array(RECENT),
    recentAt: new Float64Array(RECENT),
    recentResidual: new Float32Array(RECENT),
    admitted: 0,
    score: 0,
    state: 'quiet',
    direction: 0,
    openedAt: 0,
    former: 0,
    formerUntil: -Infinity,
    onset: 0,
    backInBand: 0,
    worst: 0,
  }
}

export function observe(d: Detector, o: Observation): Verdict | undefined {
  if (o.kind !== 'value' || !Number.isFinite(o.value)) return undefined
  if (o.at <= d.lastAt) {
    d.late++
    return undefined
  }
  if (d.seen > 0) {
    const gap = o.at - d.lastAt
    d.interval = d.interval === 0 ? gap : Math.min(gap, d.interval * 1.02)
  }
  d.lastAt = o.at
  if (o.kind === 'value' && d.kind !== 'gauge' && o.value <= 0) {
    // No requests, no latency: a zero is an empty window unless zeros are so rare that one is news.
    if (o.weight === 0 || d.zeros > 0.02 || d.seen < ESTABLISHED) {
      d.zeros += (1 - d.zeros) / 100
      return undefined
    }
    d.zeros += (1 - d.zeros) / 100
  } else d.zeros -= d.zeros / 100
  const y = d.kind === 'gauge' ? o.value : Math.log(Math.max(0, o.value) + 0.1)
  return step(d, o.at, Math.fround(y))
}

function step(d: Detector, at: number, raw: number): Verdict | undefined {
  const i = d.seen % RECENT
  const y = Math.fround(raw - (SEASON ? seasonalPart(d.season, at) : 0))
  d.recentRaw[i] = raw
  // What each profile forecast before it saw this window: had one been in use, these would have been the residuals.
  d.recentParts[2 * i] = profilePart(d.season, 1, at)
  d.recentParts[2 * i + 1] = profilePart(d.season, 2, at)
  d.seen++
  const mu = d.level.size > 0 ? Math.fround(quantileOf(d.level, 0.5)) : y
  const r = RAW ? y : y - mu
  const floor = d.kind === 'gauge' ? 1e-6 : 0.03
  const ready = d.residuals.size >= ESTABLISHED
  const q = ready ? normalScore(d.residuals, r, floor) : 0
  const clip = d.interval >= 120 ? 5.5 : CLIP
  const clipped = Math.max(-clip, Math.min(clip, q))
  d.recentY[i] = y
  d.recentQ[i] = clipped
  d.recentAt[i] = at
  d.recentResidual[i] = r
  d.score = q
  const rebase = learnSeason(d.season, at, raw) && SEASON
  // admission of the window LAG back
  if (d.state === 'quiet') {
    while (d.admitted < d.seen - LAG || (!ready && d.admitted < d.seen)) {
      const j = d.admitted % RECENT
      const yj = d.recentY[j] ?? 0
      push(d.residuals, RAW ? yj : d.level.size > 0 ? (d.recentResidual[j] ?? 0) : 0)
      push(d.level, yj)
      learnShift(d.shift, Math.max(-3.5, Math.min(3.5, d.recentQ[j] ?? 0)))
      d.admitted++
    }
  }
  if (rebase) {
    clearReference(d.level)
    clearReference(d.residuals)
    for (let k = Math.max(0, d.seen - RECENT); k < d.seen; k++) {
      const j = k % RECENT
      const x = (d.recentRaw[j] ?? 0) - (d.season.used === 0 ? 0 : (d.recentParts[2 * j + d.season.used - 1] ?? 0))
      d.recentY[j] = x
      if (k < d.admitted) {
        push(d.level, x)
        push(d.residuals, x)
      }
    }
  }
  if (!ready) return undefined
  feedShift(d.shift, clipped)
  const windows = NWIN
  const up = shiftEvidence(d.shift.up)
  const down = shiftEvidence(d.shift.down)
  if (d.state === 'quiet') {
    const candidate = (up >= windows ? findChange(d, 1, at, mu, windows) : undefined) ?? (down >= windows ? findChange(d, -1, at, mu, windows) : undefined)
    if (candidate === undefined) return undefined
    const { onset, before, after, direction } = candidate
    d.direction = direction
    if (at < d.formerUntil && Math.abs(after - d.former) < Math.abs(after - before) / 2) {
      rebaseline(d, onset)
      d.formerUntil = -Infinity
      return verdict(d, 'resolved', onset, before, after, Math.max(up, down))
    }
    if (d.kind === 'latency' && direction < 0 && after > before - Math.LN2) {
      rebaseline(d, onset)
      return verdict(d, 'accepted', onset, before, after, down)
    }
    d.state = 'confirmed'
    d.openedAt = at
    d.onset = onset
    d.backInBand = 0
    resetShift(d.shift)
    d.admitted = Math.max(0, Math.min(d.seen, ADMIT ? Math.max(d.admitted, onset) : d.seen))
    return verdict(d, 'confirmed', onset, before, after, Math.max(up, down))
  }
  // open
  const opposite = d.direction > 0 ? down : up
  if (opposite >= windows) {
    const change = findChange(d, -d.direction, at, mu, windows)
    if (change !== undefined && (d.kind !== 'latency' || change.direction > 0 || change.after < change.before - Math.LN2)) {
      d.direction = change.direction
      resetShift(d.shift)
      d.openedAt = at
      d.onset = change.onset
      d.backInBand = 0
      return verdict(d, 'confirmed', d.onset, change.before, change.after, opposite)
    }
  }
  const inBand = d.direction * q < 1.3 
  d.backInBand = inBand ? d.backInBand + 1 : 0
  const back = BACK
  if (d.backInBand >= back) {
    d.state = 'quiet'
    resetShift(d.shift)
    d.admitted = Math.max(d.admitted, d.seen - RECENT + 1, ADMIT ? 0 : d.seen - back)
    const { before, after } = levels(d, d.onset, mu)
    return verdict(d, 'resolved', d.onset, before, after, 0)
  }
  // Lower latency is no incident: it becomes the new normal as soon as it can be described.
  const benign = d.direction < 0 && d.kind === 'latency'
  const long = benign ? 15 * d.interval : Math.max(7200, 20 * d.interval)
  if (at - d.openedAt >= long) {
    const { before, after } = levels(d, d.onset, mu)
    d.former = before
    d.formerUntil = at + 5 * long
    rebaseline(d, d.onset)
    return verdict(d, 'accepted', d.onset, before, after, 0)
  }
  return undefined
}

/** Index (count of windows seen) of the first window of the change: where the cumulated scores were lowest. */
function onsetOf(d: Detector, direction: number, drift: number): number {
  let best = 0
  let sum = 0
  let onset = d.seen - 1
  for (let k = d.seen - 1; k >= Math.max(0, d.seen - LOOKBACK); k--) {
    sum += direction * (d.recentQ[k % RECENT] ?? 0) - drift
    if (sum > best) {
      best = sum
      onset = k
    }
  }
  return onset
}

type Change = { direction: number; onset: number; before: number; after: number }

/** The change the evidence speaks for, dated at the scale of each shift size that is convinced, largest first. */
function findChange(d: Detector, direction: number, at: number, mu: number, windows: number): Change | undefined {
  const side = direction > 0 ? d.shift.up : d.shift.down
  let last = -1
  for (let i = 0; i < side.length; i++) {
    if ((side[i] ?? 0) < windows) continue
    const onset = onsetOf(d, direction, (SHIFT_SIZES[i] ?? 1) / 2)
    if (onset === last) continue
    last = onset
    const { before, after } = levels(d, onset, mu)
    if (direction * (after - before) <= 0 || !material(d, before, after, d.seen - onset)) continue
    if ((d.season.hours < EARLY || d.season.used === 0) && at + d.interval - (d.recentAt[onset % RECENT] ?? 0) >= 7200 && !novel(d, direction, after)) continue
    return { direction, onset, before, after }
  }
  return undefined
}

function rebaseline(d: Detector, onset: number): void {
  d.state = 'quiet'
  resetShift(d.shift)
  clearReference(d.level)
  clearReference(d.residuals)
  d.admitted = Math.max(0, d.seen - RECENT + 1, onset)
  for (; d.admitted < d.seen; d.admitted++) {
    const y = d.recentY[d.admitted % RECENT] ?? 0
    push(d.level, y)
    push(d.residuals, y)
  }
}

function novel(d: Detector, direction: number, after: number): boolean {
  const n = Math.min(24, d.season.hours)
  let extreme = -Infinity
  let second = -Infinity
  for (let i = 0; i < n; i++) {
    const v = direction * ((d.season.recent[i] ?? 0) - seasonalPart(d.season, (d.season.recentHour[i] ?? 0) * 3600 + 1800))
    if (v > extreme) {
      second = extreme
      extreme = v
    } else if (v > second) second = v
  }
  const bar = DAYGATE === 2 ? second : extreme
  return direction * after > bar + MARGIN
}

function levels(d: Detector, onset: number, mu: number): { before: number; after: number } {
  const values: number[] = []
  for (let k = Math.max(onset, d.seen - RECENT + 1); k < d.seen; k++) values.push(d.recentY[k % RECENT] ?? 0)
  values.sort((a, b) => a - b)
  const after = values[Math.floor(values.length / 2)] ?? mu
  return { before: mu, after }
}

function material(d: Detector, before: number, after: number, windows: number): boolean {
  const relative = Math.max(d.options.minimumRelative, AREA / windows)
  if (d.kind === 'gauge') return true
  const b = Math.exp(before)
  const a = Math.exp(after)
  return Math.abs(a - b) >= d.options.minimumAbsolute && (a > b ? a / b : b / a) >= 1 + relative
}

function verdict(d: Detector, state: Verdict['state'], onset: number, before: number, after: number, eValue: number): Verdict {
  const s = (v: number): Summary => ({ n: 0, p50: Math.exp(v), p95: Math.exp(v), p99: Math.exp(v), p50Interval: [0, 0] })
  return {
    state,
    direction: d.direction > 0 ? 'up' : 'down',
    detector: d.seen - onset <= 3 ? 'burst' : 'shift',
    eValue,
    onsetAt: d.recentAt[onset % RECENT] ?? 0,
    before: s(before),
    after: s(after),
    reason: '',
  }
}

export function anomalyScore(d: Detector): number {
  return Math.min(1, Math.abs(d.score) / 7.1)
}
