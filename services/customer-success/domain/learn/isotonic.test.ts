import { expect, test } from 'vitest'
import { fitIsotonic, isotonicAt } from './isotonic.ts'
import { createRandom } from './random.ts'

test('pools what violates the order into its mean', () => {
  const map = fitIsotonic(Float64Array.of(4, 1, 3, 2), [1, 0, 0, 1])
  expect([1, 2, 3, 4].map((score) => isotonicAt(map, score))).toEqual([0, 0.5, 0.5, 1])
  expect(isotonicAt(map, 0)).toBe(0)
  expect(isotonicAt(map, 9)).toBe(1)
})

test('equal scores get one value', () => {
  const map = fitIsotonic(Float64Array.of(1, 1, 2), [0, 1, 1])
  expect(isotonicAt(map, 1)).toBe(0.5)
})

test('equal scores do not draw in lower ones that are in order, whatever order the rows come in', () => {
  const map = fitIsotonic(Float64Array.of(1, 1, 2, 2), [0, 0, 0, 1])
  expect([1, 2].map((score) => isotonicAt(map, score))).toEqual([0, 0.5])
})

test('is the greatest of least means over ranges, for any data', () => {
  const random = createRandom(3)
  for (let round = 0; round < 30; round++) {
    const scores = Float64Array.from({ length: 25 }, (_, i) => i)
    const churned = Uint8Array.from(scores, (s) => (random() < s / 25 ? 1 : 0))
    const map = fitIsotonic(scores, churned)
    const meanOf = (from: number, to: number): number =>
      churned.slice(from, to + 1).reduce((sum, y) => sum + y, 0) / (to - from + 1)
    for (let i = 0; i < 25; i++) {
      // Min-max formula of isotonic regression (Robertson, Wright and Dykstra 1988, theorem 1.4.4).
      const lows = Array.from({ length: i + 1 }, (_, from) =>
        Math.min(...Array.from({ length: 25 - i }, (_, k) => meanOf(from, i + k))),
      )
      expect(isotonicAt(map, i)).toBeCloseTo(Math.max(...lows), 12)
    }
  }
})
