/**
 * Drift and dating, offline: where did a whole history change its level? Hierarchical division in the manner of
 * E-divisive (Matteson & James 2014): the best split of a segment is taken when it is significant, then both sides are
 * looked at again. The divergence is that of the means of winsorised values, which takes O(n) per segment where energy
 * distance takes O(n^2); significance is a Bayesian information penalty widened by the long-run variance of the noise,
 * so that a wandering series is not cut at every wave.
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
  /** Parameters a change costs in the information criterion: its date and its level, doubled for the search. */
  readonly penalty: number
}

const DEFAULTS: DriftOptions = { shortest: 5, penalty: 4 }
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
  const sums = new Float64Array(n + 1)
  for (let i = 0; i < n; i++) sums[i + 1] = (sums[i] ?? 0) + (x[i] ?? 0)
  const needed = penalty * Math.log(n)
  const found: ChangePoint[] = []
  const open: [number, number][] = [[0, n]]
  for (let segment = open.pop(); segment !== undefined; segment = open.pop()) {
    const [from, to] = segment
    let best = 0
    let at = -1
    const total = (sums[to] ?? 0) - (sums[from] ?? 0)
    for (let k = from + shortest; k <= to - shortest; k++) {
      const left = (sums[k] ?? 0) - (sums[from] ?? 0)
      const a = k - from
      const b = to - k
      const difference = left / a - (total - left) / b
      const gain = ((a * b) / (a + b)) * difference * difference
      if (gain > best) {
        best = gain
        at = k
      }
    }
    if (at < 0) continue
    const residual = residualVariance(x, sums, from, at, to)
    const strength = best / (Math.max(1e-12, residual) * needed)
    if (strength <= 1) continue
    found.push({
      index: at,
      before: ((sums[at] ?? 0) - (sums[from] ?? 0)) / (at - from),
      after: ((sums[to] ?? 0) - (sums[at] ?? 0)) / (to - at),
      strength,
    })
    open.push([from, at], [at, to])
  }
  return found.sort((a, b) => a.index - b.index)
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

/** Long-run variance of both sides around their means: variance times (1 + rho) / (1 - rho) of a first-order process. */
function residualVariance(x: Float64Array, sums: Float64Array, from: number, at: number, to: number): number {
  const left = ((sums[at] ?? 0) - (sums[from] ?? 0)) / (at - from)
  const right = ((sums[to] ?? 0) - (sums[at] ?? 0)) / (to - at)
  let square = 0
  let product = 0
  let previous = 0
  for (let i = from; i < to; i++) {
    const r = (x[i] ?? 0) - (i < at ? left : right)
    square += r * r
    product += r * previous
    previous = r
  }
  const rho = square > 0 ? Math.max(0, Math.min(0.8, product / square)) : 0
  return (square / Math.max(1, to - from - 2)) * ((1 + rho) / (1 - rho))
}
