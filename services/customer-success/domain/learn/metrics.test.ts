import { expect, test } from 'vitest'
import { auc, averagePrecision, brier, calibrationError, rankingOf } from './metrics.ts'
import { createRandom } from './random.ts'

/** The definition itself: every pair of one that churned and one that stayed. */
function plainAuc(scores: Float64Array, churned: Uint8Array, weight: ArrayLike<number>): number {
  let above = 0
  let pairs = 0
  scores.forEach((one, i) => {
    scores.forEach((other, j) => {
      if (churned[i] !== 1 || churned[j] !== 0) return
      const w = (weight[i] ?? 0) * (weight[j] ?? 0)
      pairs += w
      above += w * (one > other ? 1 : one === other ? 0.5 : 0)
    })
  })
  return above / pairs
}

test('AUC counts pairs, ties half, rows as often as they are weighted', () => {
  const random = createRandom(7)
  for (let round = 0; round < 50; round++) {
    const scores = Float64Array.from({ length: 40 }, () => Math.floor(random() * 12))
    const churned = Uint8Array.from({ length: 40 }, (_, i) => (i < 2 ? i : random() < 0.3 ? 1 : 0))
    const weight = Float64Array.from({ length: 40 }, (_, i) => (i < 2 ? 1 : Math.floor(random() * 4)))
    expect(auc(rankingOf(scores, churned), weight)).toBeCloseTo(plainAuc(scores, churned, weight), 12)
  }
})

test('average precision is the mean precision at the churners found', () => {
  // Precisions 1/1 and 2/3.
  expect(averagePrecision(rankingOf(Float64Array.of(0.9, 0.8, 0.7), Uint8Array.of(1, 0, 1)))).toBeCloseTo(5 / 6, 12)
  expect(averagePrecision(rankingOf(Float64Array.of(0.5, 0.5, 0.5, 0.5), Uint8Array.of(1, 0, 0, 0)))).toBe(0.25)
})

test('Brier score and calibration error of a small table', () => {
  const probabilities = Float64Array.of(0.15, 0.18, 0.95, 1)
  const churned = Uint8Array.of(0, 1, 1, 1)
  expect(brier(probabilities, churned)).toBeCloseTo((0.15 ** 2 + 0.82 ** 2 + 0.05 ** 2) / 4, 12)
  // Two bins: .33 expected against 1 seen, 1.95 against 2.
  expect(calibrationError(probabilities, churned)).toBeCloseTo((0.67 + 0.05) / 4, 12)
})
