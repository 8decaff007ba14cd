import { expect, test } from 'vitest'
import { fitLogistic, type LogisticOptions, sigmoid } from './logistic.ts'
import { createRandom } from './random.ts'

const random = createRandom(11)
const N = 200
const columns = Array.from({ length: 4 }, () => Float64Array.from({ length: N }, () => random() * 2 - 1))
const churned = Uint8Array.from({ length: N }, (_, i) => {
  const logOdds = 1.5 * (columns[0]?.[i] ?? 0) - 1 * (columns[1]?.[i] ?? 0) - 0.4
  return random() < sigmoid(logOdds) ? 1 : 0
})

/** Plain gradient descent with a clip, many small steps: the same minimum by another road. */
function slowly({ l2, towards, nonNegative = false }: LogisticOptions): number[] {
  const beta = [...columns.map((_, j) => towards?.[j] ?? 0), 0]
  for (let step = 0; step < 3000; step++) {
    const slope = beta.map((b, j) => (j < columns.length ? l2 * (b - (towards?.[j] ?? 0)) : 0))
    for (let i = 0; i < N; i++) {
      const x = [...columns.map((column) => column[i] ?? 0), 1]
      const miss = sigmoid(x.reduce((sum, value, j) => sum + value * (beta[j] ?? 0), 0)) - (churned[i] ?? 0)
      x.forEach((value, j) => {
        slope[j] = (slope[j] ?? 0) + miss * value
      })
    }
    slope.forEach((s, j) => {
      const next = (beta[j] ?? 0) - 0.02 * s
      beta[j] = nonNegative && j < columns.length ? Math.max(0, next) : next
    })
  }
  return beta
}

test.each<[string, LogisticOptions]>([
  ['an L2 penalty', { l2: 2 }],
  ['weights drawn towards others', { l2: 20, towards: [1, 1, 1, 1] }],
  ['no negative weights', { l2: 2, nonNegative: true }],
  ['no negative weights, drawn towards others', { l2: 20, towards: [0.2, 0.5, 0, 0.1], nonNegative: true }],
])('finds the minimum that gradient descent finds: %s', (_, options) => {
  const { weights, intercept } = fitLogistic(columns, churned, options)
  slowly(options).forEach((b, j) => {
    expect([...weights, intercept][j]).toBeCloseTo(b, 5)
  })
})

test('a start elsewhere ends at the same weights', () => {
  const far = { intercept: 2, weights: [-3, 3, -3, 3] }
  const from = fitLogistic(columns, churned, { l2: 2, start: far }).weights
  fitLogistic(columns, churned, { l2: 2 }).weights.forEach((weight, j) => {
    expect(from[j]).toBeCloseTo(weight, 5)
  })
})

test('few rows leave weights where they are drawn to', () => {
  const { weights } = fitLogistic(
    columns.map((column) => column.slice(0, 5)),
    churned.slice(0, 5),
    { l2: 1000, towards: [0.3, 0.2, 0.1, 0.4] },
  )
  ;[0.3, 0.2, 0.1, 0.4].forEach((weight, j) => {
    expect(weights[j]).toBeCloseTo(weight, 2)
  })
})
