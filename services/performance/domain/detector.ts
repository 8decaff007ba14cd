/**
 * The streaming detector of one series: windows go in, verdicts come out. Pure state machine over plain data; nothing
 * here reads a clock or draws a random number.
 *
 * A window is turned into a number y (log of a percentile, rank score of a histogram, ...), its residual against the
 * local level into a normal score, and the scores into evidence by a mixture e-detector (shift.ts). Gates ask that the
 * change is also large enough to matter. An open episode freezes the reference, so a regression cannot teach itself.
 */

import { clearReference, createReference, normalScore, push, quantileOf, type Reference } from './reference.ts'
import { createShift, feedShift, learnShift, resetShift, type Shift, shiftEvidence } from './shift.ts'
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
  recentY: Float32Array
  recentQ: Float32Array
  recentAt: Float64Array
  recentResidual: Float32Array
  admitted: number
  score: number
  state: 'quiet' | 'suspected' | 'confirmed'
  direction: number
  openedAt: number
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
    recentY: new Float32Array(RECENT),
    recentQ: new Float32Array(RECENT),
    recentAt: new Float64Array(RECENT),
    recentResidual: new Float32Array(RECENT),
    admitted: 0,
    score: 0,
    state: 'quiet',
    direction: 0,
    openedAt: 0,
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

function step(d: Detector, at: number, y: number): Verdict | undefined {
  const i = d.seen % RECENT
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
  if (!ready) return undefined
  feedShift(d.shift, clipped)
  const windows = Math.max(40, d.options.falseAlarmSeconds / Math.max(1, d.interval))
  const up = shiftEvidence(d.shift.up)
  const down = shiftEvidence(d.shift.down)
  if (d.state === 'quiet') {
    const direction = up >= down ? 1 : -1
    if (Math.max(up, down) < windows) return undefined
    const onset = onsetOf(d, direction)
    const { before, after } = levels(d, onset, mu)
    if (!material(d, before, after)) return undefined
    d.state = 'confirmed'
    d.direction = direction
    d.openedAt = at
    d.onset = onset
    d.backInBand = 0
    d.admitted = d.seen
    return verdict(d, 'confirmed', onset, before, after, Math.max(up, down))
  }
  // open
  const inBand = d.direction * q < 1.3 
  d.backInBand = inBand ? d.backInBand + 1 : 0
  if (d.backInBand >= 8) {
    d.state = 'quiet'
    resetShift(d.shift)
    d.admitted = d.seen - 8
    const { before, after } = levels(d, d.onset, mu)
    return verdict(d, 'resolved', d.onset, before, after, 0)
  }
  // Lower latency is no incident: it becomes the new normal as soon as it can be described.
  const benign = d.direction < 0 && d.kind === 'latency'
  const long = benign ? 15 * d.interval : Math.max(7200, 20 * d.interval)
  if (at - d.openedAt >= long) {
    d.state = 'quiet'
    resetShift(d.shift)
    const { before, after } = levels(d, d.onset, mu)
    clearReference(d.level)
    if (RAW) clearReference(d.residuals)
    d.admitted = Math.max(0, d.seen - RECENT + 1, d.onset)
    const n = d.seen
    // residuals are kept: the noise of the old regime is the best guess for the new one
    for (let k = d.admitted; k < n; k++) {
      push(d.level, d.recentY[k % RECENT] ?? 0)
      if (RAW) push(d.residuals, d.recentY[k % RECENT] ?? 0)
    }
    d.admitted = n
    return verdict(d, 'accepted', d.onset, before, after, 0)
  }
  return undefined
}

/** Index (count of windows seen) of the first window of the change: where the cumulated scores were lowest. */
function onsetOf(d: Detector, direction: number): number {
  let best = 0
  let sum = 0
  let onset = d.seen - 1
  for (let k = d.seen - 1; k >= Math.max(0, d.seen - RECENT + 1); k--) {
    sum += direction * (d.recentQ[k % RECENT] ?? 0) - 0.5
    if (sum > best) {
      best = sum
      onset = k
    }
  }
  return onset
}

function levels(d: Detector, onset: number, mu: number): { before: number; after: number } {
  const values: number[] = []
  for (let k = Math.max(onset, d.seen - RECENT + 1); k < d.seen; k++) values.push(d.recentY[k % RECENT] ?? 0)
  values.sort((a, b) => a - b)
  const after = values[Math.floor(values.length / 2)] ?? mu
  return { before: mu, after }
}

function material(d: Detector, before: number, after: number): boolean {
  if (d.kind === 'gauge') return true
  const b = Math.exp(before)
  const a = Math.exp(after)
  return Math.abs(a - b) >= d.options.minimumAbsolute && Math.abs(a / b - 1) >= d.options.minimumRelative
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
