/**
 * Logistic regression with an L2 penalty, optionally shrunk towards given weights instead of 0 and with weights that must
 * not be negative. Newton's method; with bounds each step's quadratic is solved by cyclic coordinate descent (Friedman,
 * Hastie and Tibshirani 2010, section 2), without by Cholesky's factor.
 */

export type LogisticOptions = {
  /** Penalty: half of l2 times the squared distance of the weights from `towards`. The intercept is free. */
  readonly l2: number
  /** Where the penalty pulls the weights; 0 by default. */
  readonly towards?: ArrayLike<number>
  readonly nonNegative?: boolean
  /** A solution nearby to begin from, such as that of the next larger penalty. */
  readonly start?: Logistic
}

export type Logistic = { readonly intercept: number; readonly weights: readonly number[] }

const NEWTON_STEPS = 50
const SWEEPS = 500
/** A Newton step this small ends the search: errors are squared from step to step, so what is left is below 1e-7. */
const SETTLED = 1e-4
/** Largest change of a coefficient at which coordinate descent counts as done. */
const SWEPT = 1e-8
/** Curvature of a row is at least this, so that rows already certain do not make a step infinite. */
const LEAST_CURVATURE = 1e-6

/**
 * @param columns the predictors, one array each, on comparable scales because the penalty treats them alike
 * @example fitLogistic([Float64Array.of(0, 0, 1, 1)], Uint8Array.of(0, 1, 0, 1), { l2: 1 }) // both 0
 */
export function fitLogistic(
  columns: readonly Float64Array[],
  churned: Uint8Array,
  { l2, towards, nonNegative = false, start }: LogisticOptions,
): Logistic {
  const n = churned.length
  const p = columns.length
  const prior = Float64Array.from({ length: p }, (_, j) => towards?.[j] ?? 0)
  const beta = new Float64Array(p + 1)
  for (let j = 0; j < p; j++) {
    const from = start?.weights[j] ?? prior[j] ?? 0
    beta[j] = nonNegative ? Math.max(0, from) : from
  }
  const rate = (churned.reduce((sum, y) => sum + y, 0) + 0.5) / (n + 1)
  beta[p] = start?.intercept ?? Math.log(rate / (1 - rate)) - meanOf(columns, beta, n)

  const linear = linearPart(columns, beta, n)
  let loss = penalised(linear, churned, beta, prior, l2)
  for (let newton = 0; newton < NEWTON_STEPS; newton++) {
    const { hessian, gradient } = quadratic(columns, churned, linear, beta, prior, l2)
    const step = nonNegative ? solveBounded(hessian, gradient, beta) : solveFree(hessian, gradient)
    // Newton overshoots where the curvature is small; halving keeps every step a descent.
    let share = 1
    let moved = 0
    for (; share > 1e-6; share /= 2) {
      const next = beta.map((b, j) => b + share * (step[j] ?? 0))
      const nextLinear = linearPart(columns, next, n)
      const nextLoss = penalised(nextLinear, churned, next, prior, l2)
      if (nextLoss > loss + 1e-12) continue
      moved = step.reduce((most, s) => Math.max(most, Math.abs(share * s)), 0)
      beta.set(next)
      linear.set(nextLinear)
      loss = nextLoss
      break
    }
    if (moved < SETTLED) break
  }
  return { intercept: beta[p] ?? 0, weights: Array.from(beta.subarray(0, p)) }
}

/** Log odds of each of `n` rows. */
export function logisticScores(
  { intercept, weights }: Logistic,
  columns: readonly Float64Array[],
  n: number,
): Float64Array {
  return linearPart(columns, Float64Array.from([...weights, intercept]), n)
}

export const sigmoid = (logOdds: number): number => 1 / (1 + Math.exp(-logOdds))

function linearPart(columns: readonly Float64Array[], beta: Float64Array, n: number): Float64Array {
  const out = new Float64Array(n).fill(beta[columns.length] ?? 0)
  columns.forEach((column, j) => {
    const weight = beta[j] ?? 0
    if (weight === 0) return
    for (let i = 0; i < n; i++) out[i] = (out[i] ?? 0) + weight * (column[i] ?? 0)
  })
  return out
}

function meanOf(columns: readonly Float64Array[], beta: Float64Array, n: number): number {
  return linearPart(columns, beta, n).reduce((sum, x) => sum + x, 0) / Math.max(1, n)
}

function penalised(
  linear: Float64Array,
  churned: Uint8Array,
  beta: Float64Array,
  prior: Float64Array,
  l2: number,
): number {
  let loss = 0
  for (let i = 0; i < linear.length; i++) {
    const x = linear[i] ?? 0
    // log(1 + e^x) without overflow
    loss += Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))) - (churned[i] === 1 ? x : 0)
  }
  for (let j = 0; j < prior.length; j++) loss += (l2 / 2) * ((beta[j] ?? 0) - (prior[j] ?? 0)) ** 2
  return loss
}

/** Second-order picture of the penalised loss at beta: (p + 1) x (p + 1) curvature, row after row, and slope. */
function quadratic(
  columns: readonly Float64Array[],
  churned: Uint8Array,
  linear: Float64Array,
  beta: Float64Array,
  prior: Float64Array,
  l2: number,
): { hessian: Float64Array; gradient: Float64Array } {
  const n = churned.length
  const p = columns.length
  const size = p + 1
  const curvature = new Float64Array(n)
  const residual = new Float64Array(n)
  for (let i = 0; i < n; i++) {
    const probability = sigmoid(linear[i] ?? 0)
    curvature[i] = Math.max(LEAST_CURVATURE, probability * (1 - probability))
    residual[i] = probability - (churned[i] ?? 0)
  }
  const ones = new Float64Array(n).fill(1)
  const all = [...columns, ones]
  const hessian = new Float64Array(size * size)
  const gradient = new Float64Array(size)
  const weighted = new Float64Array(n)
  all.forEach((left, j) => {
    let slope = 0
    for (let i = 0; i < n; i++) {
      const x = left[i] ?? 0
      weighted[i] = (curvature[i] ?? 0) * x
      slope += (residual[i] ?? 0) * x
    }
    gradient[j] = slope
    for (let k = j; k < size; k++) {
      const right = all[k] ?? ones
      let sum = 0
      for (let i = 0; i < n; i++) sum += (weighted[i] ?? 0) * (right[i] ?? 0)
      hessian[j * size + k] = sum
      hessian[k * size + j] = sum
    }
  })
  for (let j = 0; j < p; j++) {
    hessian[j * size + j] = (hessian[j * size + j] ?? 0) + l2
    gradient[j] = (gradient[j] ?? 0) + l2 * ((beta[j] ?? 0) - (prior[j] ?? 0))
  }
  return { hessian, gradient }
}

/** The step that minimises the quadratic without bounds: Cholesky's factor of the curvature, then two substitutions. */
function solveFree(hessian: Float64Array, gradient: Float64Array): Float64Array {
  const size = gradient.length
  const factor = Float64Array.from(hessian)
  const step = gradient.map((slope) => -slope)
  for (let j = 0; j < size; j++) {
    for (let k = 0; k <= j; k++) {
      let sum = factor[j * size + k] ?? 0
      for (let m = 0; m < k; m++) sum -= (factor[j * size + m] ?? 0) * (factor[k * size + m] ?? 0)
      factor[j * size + k] = j === k ? Math.sqrt(Math.max(sum, LEAST_CURVATURE)) : sum / (factor[k * size + k] ?? 1)
    }
  }
  for (let j = 0; j < size; j++) {
    let sum = step[j] ?? 0
    for (let k = 0; k < j; k++) sum -= (factor[j * size + k] ?? 0) * (step[k] ?? 0)
    step[j] = sum / (factor[j * size + j] ?? 1)
  }
  for (let j = size - 1; j >= 0; j--) {
    let sum = step[j] ?? 0
    for (let k = j + 1; k < size; k++) sum -= (factor[k * size + j] ?? 0) * (step[k] ?? 0)
    step[j] = sum / (factor[j * size + j] ?? 1)
  }
  return step
}

/** The same with beta + step >= 0 for all but the intercept: cyclic coordinate descent, where a bound is a mere clip. */
function solveBounded(hessian: Float64Array, gradient: Float64Array, beta: Float64Array): Float64Array {
  const size = gradient.length
  const step = new Float64Array(size)
  const slope = Float64Array.from(gradient)
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    let most = 0
    for (let j = 0; j < size; j++) {
      const curvature = hessian[j * size + j] ?? 0
      if (curvature <= 0) continue
      let change = -(slope[j] ?? 0) / curvature
      if (j < size - 1) change = Math.max(change, -(beta[j] ?? 0) - (step[j] ?? 0))
      if (change === 0) continue
      step[j] = (step[j] ?? 0) + change
      for (let k = 0; k < size; k++) slope[k] = (slope[k] ?? 0) + change * (hessian[j * size + k] ?? 0)
      most = Math.max(most, Math.abs(change))
    }
    if (most < SWEPT) break
  }
  return step
}
