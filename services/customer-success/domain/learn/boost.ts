/**
 * Gradient-boosted trees on histograms with logistic loss (Friedman 2001; histograms, learned side for missing values and
 * the gain G²/(H + l2) after Chen and Guestrin 2016). Every node keeps the value it would have as a leaf, so that the
 * change of value along a row's path, summed by feature, explains its score exactly (Saabas 2014).
 */

import { createRandom } from './random.ts'

export type BoostOptions = {
  readonly rounds: number
  readonly depth: number
  readonly learningRate: number
  /** Shrinks leaf values; in units of curvature, a quarter of a row at even odds. */
  readonly l2: number
  /** Least curvature in a leaf, same unit. */
  readonly leastLeaf: number
  /** Shares of rows and of features each tree sees. */
  readonly rowShare: number
  readonly featureShare: number
  readonly seed: number
  /** By feature: 1 when more of it may only raise the score, -1 when it may only lower it, 0 = either. */
  readonly directions: readonly Direction[]
}

export type Direction = -1 | 0 | 1

/** Nodes by number, the root is 0. A child is never before its parent; the right child follows the left one. */
export type Tree = {
  /** Feature a node splits on, -1 for a leaf. */
  readonly feature: readonly number[]
  /** Rows at or below go left. */
  readonly threshold: readonly number[]
  readonly missingLeft: readonly boolean[]
  readonly left: readonly number[]
  /** Log odds a node adds as a leaf, learning rate included. */
  readonly value: readonly number[]
}

export type Boosted = { readonly base: number; readonly trees: readonly Tree[] }

const MISSING = 0
const MOST_BINS = 64
/** Below this gain a split only repeats rounding. */
const LEAST_GAIN = 1e-9

/** Columns as small numbers: 0 = missing, bin b holds values above edges[b - 2] and up to edges[b - 1]. */
export type Binned = { readonly bins: readonly Uint8Array[]; readonly edges: readonly Float64Array[] }

export function binColumns(columns: readonly Float64Array[]): Binned {
  const edges = columns.map(edgesOf)
  const bins = columns.map((column, j) => {
    const limits = edges[j] ?? new Float64Array(0)
    return Uint8Array.from(column, (x) => (Number.isNaN(x) ? MISSING : 1 + firstAtLeast(limits, x)))
  })
  return { bins, edges }
}

/** Middles between neighbouring values at quantiles: every distinct value its own bin where there are few. */
function edgesOf(column: Float64Array): Float64Array {
  const known = column.filter((x) => !Number.isNaN(x)).sort()
  const distinct = known.filter((x, i) => i === 0 || x !== known[i - 1])
  const edges: number[] = []
  if (distinct.length <= MOST_BINS) {
    for (let i = 1; i < distinct.length; i++) edges.push(((distinct[i - 1] ?? 0) + (distinct[i] ?? 0)) / 2)
  } else {
    for (let k = 1; k < MOST_BINS; k++) {
      const at = Math.round((k / MOST_BINS) * known.length)
      const below = known[at - 1] ?? 0
      const above = known[at] ?? 0
      const edge = (below + above) / 2
      if (above > below && edge > (edges.at(-1) ?? -Infinity)) edges.push(edge)
    }
  }
  return Float64Array.from(edges)
}

function firstAtLeast(limits: Float64Array, x: number): number {
  let low = 0
  let high = limits.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((limits[middle] ?? 0) >= x) high = middle
    else low = middle + 1
  }
  return low
}

/** @param train places of the rows to learn from; the others are never looked at */
export function fitBoosted(binned: Binned, churned: Uint8Array, train: Int32Array, options: BoostOptions): Boosted {
  const random = createRandom(options.seed)
  const positives = train.reduce((sum, i) => sum + (churned[i] ?? 0), 0)
  const rate = (positives + 0.5) / (train.length + 1)
  const base = Math.log(rate / (1 - rate))
  const scores = new Float64Array(churned.length).fill(base)
  const gradient = new Float64Array(churned.length)
  const curvature = new Float64Array(churned.length)
  const trees: Tree[] = []
  for (let round = 0; round < options.rounds; round++) {
    for (const i of train) {
      const p = 1 / (1 + Math.exp(-(scores[i] ?? 0)))
      gradient[i] = p - (churned[i] ?? 0)
      curvature[i] = p * (1 - p)
    }
    const rows = train.filter(() => random() < options.rowShare)
    const features = binned.bins.map((_, j) => j).filter(() => random() < options.featureShare)
    const tree = growTree({ ...binned, gradient, curvature, features, options }, rows)
    trees.push(tree)
    addTree(tree, binned, scores)
  }
  return { base, trees }
}

type Growing = Binned & {
  readonly gradient: Float64Array
  readonly curvature: Float64Array
  readonly features: readonly number[]
  readonly options: BoostOptions
}

type Split = {
  readonly feature: number
  readonly bin: number
  readonly missingLeft: boolean
  readonly gain: number
  /** Between the values of the two sides. */
  readonly middle: number
}

/** Rows of a node, and between which values (without the learning rate) directions further up leave it. */
type Growth = { readonly node: number; readonly members: Int32Array; readonly low: number; readonly high: number }

function growTree(growing: Growing, rows: Int32Array): Tree {
  const { bins, edges, gradient, curvature, options } = growing
  const feature: number[] = []
  const threshold: number[] = []
  const missingLeft: boolean[] = []
  const left: number[] = []
  const value: number[] = []
  const add = (members: Int32Array, low: number, high: number): Growth => {
    let g = 0
    let h = 0
    for (const i of members) {
      g += gradient[i] ?? 0
      h += curvature[i] ?? 0
    }
    const node = feature.push(-1) - 1
    threshold.push(0)
    missingLeft.push(false)
    left.push(-1)
    value.push(options.learningRate * clip(-g / (h + options.l2), low, high))
    return { node, members, low, high }
  }
  let level = [add(rows, -Infinity, Infinity)]
  for (let depth = 0; depth < options.depth; depth++) {
    const next: Growth[] = []
    for (const growth of level) {
      const { node, members, low, high } = growth
      const split = bestSplit(growing, growth)
      if (split === undefined) continue
      const column = bins[split.feature] ?? new Uint8Array(0)
      const goesLeft = (i: number): boolean => {
        const bin = column[i] ?? MISSING
        return bin === MISSING ? split.missingLeft : bin <= split.bin
      }
      feature[node] = split.feature
      // Above the last edge only missing values go right; the largest number, because JSON knows no infinity.
      threshold[node] = edges[split.feature]?.[split.bin - 1] ?? Number.MAX_VALUE
      missingLeft[node] = split.missingLeft
      left[node] = feature.length
      const direction = options.directions[split.feature] ?? 0
      for (const isLeft of [true, false]) {
        const part = members.filter((i) => goesLeft(i) === isLeft)
        // Whatever grows below stays on its side of the middle, or a later split could undo the direction.
        const isLower = direction !== 0 && isLeft === direction > 0
        const isUpper = direction !== 0 && !isLower
        next.push(add(part, isUpper ? split.middle : low, isLower ? split.middle : high))
      }
    }
    level = next
  }
  return { feature, threshold, missingLeft, left, value }
}

const clip = (x: number, low: number, high: number): number => Math.max(low, Math.min(high, x))

function bestSplit(growing: Growing, { members, low, high }: Growth): Split | undefined {
  const { bins, edges, gradient, curvature, features, options } = growing
  const { l2, leastLeaf } = options
  const g = new Float64Array(MOST_BINS + 2)
  const h = new Float64Array(MOST_BINS + 2)
  let best: Split | undefined
  let totalG = 0
  let totalH = 0
  for (const i of members) {
    totalG += gradient[i] ?? 0
    totalH += curvature[i] ?? 0
  }
  const whole = totalG ** 2 / (totalH + l2)
  for (const j of features) {
    const column = bins[j] ?? new Uint8Array(0)
    const direction = options.directions[j] ?? 0
    const last = (edges[j]?.length ?? 0) + 1
    g.fill(0, 0, last + 1)
    h.fill(0, 0, last + 1)
    for (const i of members) {
      const bin = column[i] ?? MISSING
      g[bin] = (g[bin] ?? 0) + (gradient[i] ?? 0)
      h[bin] = (h[bin] ?? 0) + (curvature[i] ?? 0)
    }
    const missingG = g[MISSING] ?? 0
    const missingH = h[MISSING] ?? 0
    for (const missingLeft of missingH > 0 ? [true, false] : [true]) {
      let leftG = missingLeft ? missingG : 0
      let leftH = missingLeft ? missingH : 0
      for (let bin = 1; bin <= last; bin++) {
        leftG += g[bin] ?? 0
        leftH += h[bin] ?? 0
        // At the last bin only the missing rows are left on the right.
        if (bin === last && (missingLeft || missingH === 0)) break
        const rightH = totalH - leftH
        if (leftH < leastLeaf || rightH < leastLeaf) continue
        const gain = leftG ** 2 / (leftH + l2) + (totalG - leftG) ** 2 / (rightH + l2) - whole
        if (gain <= Math.max(LEAST_GAIN, best?.gain ?? 0)) continue
        const leftValue = clip(-leftG / (leftH + l2), low, high)
        const rightValue = clip((leftG - totalG) / (rightH + l2), low, high)
        if (direction * (rightValue - leftValue) < 0) continue
        best = { feature: j, bin, missingLeft, gain, middle: (leftValue + rightValue) / 2 }
      }
    }
  }
  return best
}

/** Adds a tree's values to the scores of binned rows. */
export function addTree(tree: Tree, { bins, edges }: Binned, scores: Float64Array): void {
  const binOf = tree.feature.map((f, node) =>
    f < 0 ? 0 : 1 + firstAtLeast(edges[f] ?? new Float64Array(0), tree.threshold[node] ?? 0),
  )
  for (let i = 0; i < scores.length; i++) {
    let node = 0
    for (let f = tree.feature[0] ?? -1; f >= 0; f = tree.feature[node] ?? -1) {
      const bin = bins[f]?.[i] ?? MISSING
      const isLeft = bin === MISSING ? tree.missingLeft[node] : bin <= (binOf[node] ?? 0)
      node = (tree.left[node] ?? 0) + (isLeft ? 0 : 1)
    }
    scores[i] = (scores[i] ?? 0) + (tree.value[node] ?? 0)
  }
}

/** Adds, times `share`, what each feature contributes to the log odds of a row; returns the part no feature owns. */
export function explainBoosted(
  { base, trees }: Boosted,
  features: ArrayLike<number>,
  share: number,
  out: Float64Array,
): number {
  let rest = base
  for (const { feature, threshold, missingLeft, left, value } of trees) {
    let node = 0
    let before = value[0] ?? 0
    rest += before
    for (let f = feature[0] ?? -1; f >= 0; f = feature[node] ?? -1) {
      const x = features[f] ?? Number.NaN
      const isLeft = Number.isNaN(x) ? missingLeft[node] : x <= (threshold[node] ?? 0)
      node = (left[node] ?? 0) + (isLeft ? 0 : 1)
      const after = value[node] ?? 0
      out[f] = (out[f] ?? 0) + share * (after - before)
      before = after
    }
  }
  return share * rest
}
