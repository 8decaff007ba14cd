/**
 * Drift and dating, offline: where did a whole history change its course? Hierarchical division in the manner of
 * E-divisive (Matteson & James 2014): the best split of a segment is taken when it is significant, then both sides are
 * looked at again. A regime is a straight line through winsorised values, so that steady growth is no change, and a split
 * is judged in O(1) from prefix sums where energy distance takes O(n^2). Significance is the Bayesian information
 * criterion with the long-run variance of the noise, so that a wandering series is not cut at every wave.
 */

export type ChangePoint = {
  /** First index of the new regime. */
  readonly index: number
  readonly before: number
  readonly after: number
  /** Gain in log likelihood over the penalty: above 1 is significant. */
  readonly strength: number
}

export type DriftOptions = {
  /** Shortest regime in points. */
  readonly shortest: number
  /** Parameters a change costs in the information criterion: its date, its level and its slope. */
  readonly penalty: number
}

const DEFAULTS: DriftOptions = { shortest: 8, penalty: 3 }
/** Values beyond this many robust standard deviations of their segment's noise pull no further. */
const WINSOR = 3

export function findDrift(values: ArrayLike<number>, options: Partial<DriftOptions> = {}): ChangePoint[] {
  const { shortest, penalty } = { ...DEFAULTS, ...options }
  const n = values.length
  if (n < 2 * shortest) return []
  const x = Float64Array.from({ length: n }, (_, i) => values[i] ?? Number.NaN)
  for (let i = 0; i < n; i++) if (!Number.isFinite(x[i] ?? 0)) x[i] = i > 0 ? (x[i - 1] ?? 0) : 0
  const spread = noise(x)
  const medians = runningMedian(x, shortest)
  for (let i = 0; i < n; i++) {
    const m = medians[i] ?? 0
    x[i] = m + Math.max(-WINSOR * spread, Math.min(WINSOR * spread, (x[i] ?? 0) - m))
  }
  const sums = prefixSums(x)
  const needed = penalty * Math.log(n)
  const found: ChangePoint[] = []
  const open: [number, number][] = [[0, n]]
  for (let segment = open.pop(); segment !== undefined; segment = open.pop()) {
    const [from, to] = segment
    const whole = misfit(sums, from, to)
    let best = Infinity
    let at = -1
    for (let k = from + shortest; k <= to - shortest; k++) {
      const split = misfit(sums, from, k) + misfit(sums, k, to)
      if (split < best) {
        best = split
        at = k
      }
    }
    if (at < 0) continue
    const variance = Math.max(1e-12, longRunVariance(x, sums, from, at, to), (0.1 * spread) ** 2)
    const strength = (whole - best) / (variance * needed)
    if (strength <= 1) continue
    found.push({ index: at, before: mean(sums, from, at), after: mean(sums, at, to), strength })
    open.push([from, at], [at, to])
  }
  return found.sort((a, b) => a.index - b.index)
}

/** Sums of y, y^2 and i y up to each index, y counted from the overall mean: squares of large levels drown residuals. */
type Sums = { middle: number; y: Float64Array; yy: Float64Array; iy: Float64Array }

function prefixSums(x: Float64Array): Sums {
  const n = x.length
  const middle = x.reduce((sum, v) => sum + v, 0) / n
  const sums = { middle, y: new Float64Array(n + 1), yy: new Float64Array(n + 1), iy: new Float64Array(n + 1) }
  for (let i = 0; i < n; i++) {
    const v = (x[i] ?? 0) - middle
    sums.y[i + 1] = (sums.y[i] ?? 0) + v
    sums.yy[i + 1] = (sums.yy[i] ?? 0) + v * v
    sums.iy[i + 1] = (sums.iy[i] ?? 0) + i * v
  }
  return sums
}

function mean(sums: Sums, from: number, to: number): number {
  return sums.middle + ((sums.y[to] ?? 0) - (sums.y[from] ?? 0)) / (to - from)
}

/** Slope of the least-squares line through a segment, and the squares it leaves. */
function line(sums: Sums, from: number, to: number): { slope: number; squares: number } {
  const n = to - from
  const y = (sums.y[to] ?? 0) - (sums.y[from] ?? 0)
  const yy = (sums.yy[to] ?? 0) - (sums.yy[from] ?? 0)
  const middle = (from + to - 1) / 2
  const iy = (sums.iy[to] ?? 0) - (sums.iy[from] ?? 0) - middle * y
  const ii = (n * (n * n - 1)) / 12
  const slope = ii > 0 ? iy / ii : 0
  return { slope, squares: Math.max(0, yy - (y * y) / n - slope * iy) }
}

function misfit(sums: Sums, from: number, to: number): number {
  return line(sums, from, to).squares
}

/** Robust standard deviation of what is not a change of level: from first differences. */
function noise(x: Float64Array): number {
  const steps = Float64Array.from({ length: x.length - 1 }, (_, i) => Math.abs((x[i + 1] ?? 0) - (x[i] ?? 0))).sort()
  const median = steps[steps.length >> 1] ?? 0
  const mean = steps.reduce((sum, step) => sum + step, 0) / Math.max(1, steps.length)
  return Math.max(median / 0.6745 / Math.SQRT2, mean / 4, 1e-12)
}

function runningMedian(x: Float64Array, reach: number): Float64Array {
  return x.map((_, i) => {
    const part = x.slice(Math.max(0, i - reach), i + reach + 1).sort()
    return part[part.length >> 1] ?? 0
  })
}

/** Long-run variance of both sides around their lines: variance times (1 + rho) / (1 - rho) of a first-order process. */
function longRunVariance(x: Float64Array, sums: Sums, from: number, at: number, to: number): number {
  let square = 0
  let product = 0
  for (const [a, b] of [
    [from, at],
    [at, to],
  ] as const) {
    const { slope } = line(sums, a, b)
    const middle = (a + b - 1) / 2
    let level = 0
    for (let i = a; i < b; i++) level += x[i] ?? 0
    level /= b - a
    let previous = 0
    for (let i = a; i < b; i++) {
      const r = (x[i] ?? 0) - level - slope * (i - middle)
      square += r * r
      product += r * previous
      previous = r
    }
  }
  const rho = square > 0 ? Math.max(0, Math.min(0.9, product / square)) : 0
  return (square / Math.max(1, to - from - 4)) * ((1 + rho) / (1 - rho))
}
