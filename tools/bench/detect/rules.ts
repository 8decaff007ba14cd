/**
 * The simple rules that stand beside our detector in every table. A rule looks at one series, point by point, and says at
 * which points it opens an alert. Restated from the descriptions of the tools, tuned by nobody.
 */

import {
  anomalyScore,
  createDetector,
  type DetectorKind,
  type DetectorOptions,
  observe,
} from '../../../services/performance/domain/detector.ts'

export type Alert = { readonly index: number; readonly at: number; readonly up: boolean; readonly state: string }

export type Rule = {
  readonly name: string
  readonly alerts: (
    at: ArrayLike<number>,
    value: ArrayLike<number>,
    kind: DetectorKind,
    weight?: ArrayLike<number>,
  ) => Alert[]
}

/** Our detector in its default configuration. An alert is the opening of an episode, suspected or confirmed. */
export const plimsoll: Rule = plimsollWith({})

export function plimsollWith(options: Partial<DetectorOptions>): Rule {
  const alerts: Rule['alerts'] = (at, value, kind, weight) => {
    const detector = createDetector(kind, options)
    const found: Alert[] = []
    let open = 0
    for (let i = 0; i < at.length; i++) {
      const w = weight?.[i]
      const verdict = observe(detector, {
        kind: 'value',
        at: at[i] ?? 0,
        value: value[i] ?? Number.NaN,
        ...(w !== undefined && Number.isFinite(w) ? { weight: w } : {}),
      })
      if (verdict === undefined) continue
      const opening = verdict.state === 'suspected' || verdict.state === 'confirmed'
      if (opening && open !== (verdict.direction === 'up' ? 1 : -1))
        found.push({ index: i, at: at[i] ?? 0, up: verdict.direction === 'up', state: verdict.state })
      open = opening ? (verdict.direction === 'up' ? 1 : -1) : 0
    }
    return found
  }
  return { name: 'plimsoll', alerts }
}

export function plimsollScores(at: ArrayLike<number>, value: ArrayLike<number>, kind: DetectorKind): Float64Array {
  const detector = createDetector(kind, { scorePoints: true })
  const scores = new Float64Array(at.length)
  for (let i = 0; i < at.length; i++) {
    observe(detector, { kind: 'value', at: at[i] ?? 0, value: value[i] ?? Number.NaN })
    scores[i] = anomalyScore(detector)
  }
  return scores
}

/** Turns a per-point condition into openings: one alert when it becomes true, the next only after it was false. */
function openings(at: ArrayLike<number>, holds: (i: number) => number, quiet = 1): Alert[] {
  const alerts: Alert[] = []
  let off = quiet
  for (let i = 0; i < at.length; i++) {
    const side = holds(i)
    if (side === 0) off++
    else {
      if (off >= quiet) alerts.push({ index: i, at: at[i] ?? 0, up: side > 0, state: 'confirmed' })
      off = 0
    }
  }
  return alerts
}

const byNumber = (a: number, b: number): number => a - b

function median(sorted: ArrayLike<number>): number {
  const n = sorted.length
  return n === 0 ? Number.NaN : ((sorted[(n - 1) >> 1] ?? 0) + (sorted[n >> 1] ?? 0)) / 2
}

function sortedQuantile(sorted: ArrayLike<number>, p: number): number {
  const at = p * (sorted.length - 1)
  const low = Math.floor(at)
  const a = sorted[low] ?? Number.NaN
  return a + ((sorted[Math.min(sorted.length - 1, low + 1)] ?? a) - a) * (at - low)
}

const CONTROL = 60
const EXPERIMENT = 15
const ALLOWED_INCREASE = 1.1

/**
 * Kayenta's Mann-Whitney judge slid along one series: the last 15 windows against the 60 before them. High when the lower
 * end of the 98 % Hodges-Lehmann interval of the difference exceeds 0.25 of its estimate and the means differ by the
 * allowed increase; outliers beyond 3 interquartile ranges are taken out of both sides first.
 */
export const kayenta: Rule = {
  name: 'kayenta',
  alerts: (at, value) => {
    const present: number[] = []
    const index: number[] = []
    const high = new Int8Array(at.length)
    for (let i = 0; i < at.length; i++) {
      const v = value[i] ?? Number.NaN
      if (!Number.isFinite(v)) continue
      present.push(v)
      index.push(i)
      const n = present.length
      if (n < CONTROL + EXPERIMENT) continue
      high[i] = judge(present.slice(n - EXPERIMENT - CONTROL, n - EXPERIMENT), present.slice(n - EXPERIMENT))
    }
    return openings(at, (i) => high[i] ?? 0, EXPERIMENT)
  },
}

function judge(controlRaw: number[], experimentRaw: number[]): number {
  const control = withoutOutliers(controlRaw)
  const experiment = withoutOutliers(experimentRaw)
  const n = control.length
  const m = experiment.length
  if (n === 0 || m === 0) return 0
  const differences = new Float64Array(n * m)
  let k = 0
  for (const e of experiment) for (const c of control) differences[k++] = e - c
  differences.sort()
  const estimate = median(differences)
  // Normal approximation of the Mann-Whitney distribution: 98 % means 2.326 standard deviations.
  const half = 2.326 * Math.sqrt((n * m * (n + m + 1)) / 12)
  const from = Math.max(0, Math.floor((n * m) / 2 - half))
  const to = Math.min(n * m - 1, Math.ceil((n * m) / 2 + half))
  const lower = differences[from] ?? 0
  const upper = differences[to] ?? 0
  const tolerance = 0.25 * Math.abs(estimate)
  const ratio = average(experiment) / average(control)
  if (lower > tolerance && ratio >= ALLOWED_INCREASE) return 1
  if (upper < -tolerance && ratio <= 1 / ALLOWED_INCREASE) return -1
  return 0
}

function withoutOutliers(values: number[]): number[] {
  const sorted = values.toSorted(byNumber)
  const q1 = sortedQuantile(sorted, 0.25)
  const q3 = sortedQuantile(sorted, 0.75)
  const reach = 3 * (q3 - q1)
  return values.filter((v) => v >= q1 - reach && v <= q3 + reach)
}

function average(values: readonly number[]): number {
  let sum = 0
  for (const v of values) sum += v
  return sum / values.length
}

/** Grafana's robust bands: median of 24 h +- 2 median absolute deviations, held for 5 minutes. */
export const grafanaRobust: Rule = {
  name: 'grafana robust',
  alerts: (at, value) => {
    const window: { at: number; v: number }[] = []
    const sorted: number[] = []
    const outside = new Int8Array(at.length)
    let run = 0
    let since = 0
    let center = Number.NaN
    let spread = Number.NaN
    for (let i = 0; i < at.length; i++) {
      const v = value[i] ?? Number.NaN
      const now = at[i] ?? 0
      if (!Number.isFinite(v)) continue
      while (window.length > 0 && (window[0]?.at ?? now) < now - 86_400) {
        const gone = window.shift()
        if (gone !== undefined) sorted.splice(position(sorted, gone.v), 1)
      }
      if (sorted.length >= 60 || (sorted.length > 10 && now - (window[0]?.at ?? now) > 3 * 3600)) {
        if (i % 5 === 0 || Number.isNaN(center)) {
          center = median(sorted)
          spread = median(sorted.map((x) => Math.abs(x - center)).sort(byNumber))
        }
        const side = v > center + 2 * spread ? 1 : v < center - 2 * spread ? -1 : 0
        if (side !== 0 && side === run) {
          if (now - since >= 300) outside[i] = side
        } else {
          run = side
          since = now
        }
      }
      window.push({ at: now, v })
      sorted.splice(position(sorted, v), 0, v)
    }
    return openings(at, (i) => outside[i] ?? 0)
  },
}

function position(sorted: readonly number[], value: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle] ?? 0) < value) low = middle + 1
    else high = middle
  }
  return low
}

/**
 * Grafana's adaptive bands: mean of 1 h +- 2 standard deviations smoothed over 26 h (only those above half the mean
 * deviation count), at least +-50 % wide, held for 5 minutes.
 */
export const grafanaAdaptive: Rule = {
  name: 'grafana adaptive',
  alerts: (at, value) => {
    const outside = new Int8Array(at.length)
    const hour: { at: number; v: number }[] = []
    let smooth = 0
    let weight = 0
    let run = 0
    let since = 0
    for (let i = 0; i < at.length; i++) {
      const v = value[i] ?? Number.NaN
      const now = at[i] ?? 0
      if (!Number.isFinite(v)) continue
      const step = i > 0 ? Math.max(1, now - (at[i - 1] ?? now)) : 60
      const span = Math.max(3600, 3 * step)
      while (hour.length > 0 && (hour[0]?.at ?? now) < now - span) hour.shift()
      if (hour.length >= 3) {
        const values = hour.map((h) => h.v)
        const mean = average(values)
        const deviation = Math.sqrt(average(values.map((x) => (x - mean) ** 2)))
        const gain = step / (26 * 3600)
        if (weight === 0 || deviation > 0.5 * smooth) {
          weight = weight * (1 - gain) + gain
          smooth = smooth === 0 ? deviation : smooth + (gain / weight) * (deviation - smooth)
        }
        const reach = Math.max(2 * smooth, 0.5 * Math.abs(mean))
        const side = v > mean + reach ? 1 : v < mean - reach ? -1 : 0
        if (side !== 0 && side === run) {
          if (now - since >= 300) outside[i] = side
        } else {
          run = side
          since = now
        }
      }
      hour.push({ at: now, v })
    }
    return openings(at, (i) => outside[i] ?? 0)
  },
}

export const RULES: readonly Rule[] = [plimsoll, kayenta, grafanaRobust, grafanaAdaptive]
