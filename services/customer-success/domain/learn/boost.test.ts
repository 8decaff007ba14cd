import { expect, test } from 'vitest'
import { addTree, type BoostOptions, binColumns, type Direction, explainBoosted, fitBoosted } from './boost.ts'
import { createRandom } from './random.ts'

const OPTIONS: BoostOptions = {
  rounds: 1,
  depth: 1,
  learningRate: 1,
  l2: 2,
  leastLeaf: 1,
  rowShare: 1,
  featureShare: 1,
  directions: [0, 0, 0],
  seed: 1,
}

const random = createRandom(21)
const N = 300
const columns = [
  Float64Array.from({ length: N }, () => Math.floor(random() * 30)),
  Float64Array.from({ length: N }, () => (random() < 0.3 ? Number.NaN : random())),
  Float64Array.from({ length: N }, () => random()),
]
const churned = Uint8Array.from({ length: N }, (_, i) => {
  const [a = 0, b = 0, c = 0] = columns.map((column) => column[i])
  return random() < (Number.isNaN(b) ? 0.8 : a > 12 && c > 0.5 ? 0.6 : 0.1) ? 1 : 0
})
const all = Int32Array.from({ length: N }, (_, i) => i)
const binned = binColumns(columns)

test('the first split is the best of all splits, tried one by one', () => {
  const { base, trees } = fitBoosted(binned, churned, all, OPTIONS)
  const p = 1 / (1 + Math.exp(-base))
  /** Gain of sending these rows left, by the definition. */
  const gainOf = (left: readonly number[]): number => {
    const isLeft = new Set(left)
    const side = (rows: readonly number[]): number => {
      const slope = rows.reduce((sum, i) => sum + p - (churned[i] ?? 0), 0)
      return slope ** 2 / (rows.length * p * (1 - p) + OPTIONS.l2)
    }
    return side(left) + side(Array.from(all).filter((i) => !isLeft.has(i))) - side(Array.from(all))
  }
  let most = 0
  columns.forEach((column, j) => {
    for (const edge of [...(binned.edges[j] ?? []), Number.MAX_VALUE])
      for (const missingLeft of [true, false]) {
        const left = Array.from(all).filter((i) => (Number.isNaN(column[i]) ? missingLeft : (column[i] ?? 0) <= edge))
        if (left.length > 0 && left.length < N) most = Math.max(most, gainOf(left))
      }
  })
  const { feature, threshold, missingLeft } = trees[0] ?? { feature: [], threshold: [], missingLeft: [] }
  const column = columns[feature[0] ?? 0] ?? new Float64Array(0)
  const chosen = Array.from(all).filter((i) =>
    Number.isNaN(column[i]) ? missingLeft[0] : (column[i] ?? 0) <= (threshold[0] ?? 0),
  )
  expect(gainOf(chosen)).toBeCloseTo(most, 9)
})

test('a tree says the same of bins and of values, and its path explains it', () => {
  const boosted = fitBoosted(binned, churned, all, {
    ...OPTIONS,
    rounds: 30,
    depth: 4,
    rowShare: 0.7,
    featureShare: 0.7,
  })
  const scores = new Float64Array(N).fill(boosted.base)
  for (const tree of boosted.trees) addTree(tree, binned, scores)
  for (let i = 0; i < N; i++) {
    const parts = new Float64Array(3)
    const row = columns.map((column) => column[i] ?? Number.NaN)
    const rest = explainBoosted(boosted, row, 1, parts)
    expect(parts.reduce((sum, part) => sum + part, rest)).toBeCloseTo(scores[i] ?? 0, 10)
  }
})

test('rows that are not in training change nothing', () => {
  const train = all.filter((i) => i % 3 > 0)
  const options = { ...OPTIONS, rounds: 10, depth: 3 }
  const other = churned.map((y, i) => (i % 3 > 0 ? y : 1 - y))
  expect(fitBoosted(binned, other, train, options)).toEqual(fitBoosted(binned, churned, train, options))
})

test('a known direction holds wherever a row stands, and unknown ones stay free', () => {
  const options: BoostOptions = { ...OPTIONS, rounds: 40, depth: 4, learningRate: 0.3 }
  const falls = (directions: readonly Direction[]): number => {
    const boosted = fitBoosted(binned, churned, all, { ...options, directions })
    const logOdds = (row: readonly number[]): number => {
      const parts = new Float64Array(3)
      const rest = explainBoosted(boosted, row, 1, parts)
      return parts.reduce((sum, part) => sum + part, rest)
    }
    let count = 0
    for (let i = 0; i < N; i++)
      for (let a = 0; a < 29; a++) {
        const others = [columns[1]?.[i] ?? 0, columns[2]?.[i] ?? 0]
        if (logOdds([a + 1, ...others]) < logOdds([a, ...others]) - 1e-12) count++
      }
    return count
  }
  expect(falls([1, 0, 0])).toBe(0)
  expect(falls([0, 0, 0])).toBeGreaterThan(0)
})
