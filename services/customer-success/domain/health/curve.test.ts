import { expect, test } from 'vitest'
import { curveAt, curveProblem } from './curve.ts'

test('a curve is linear between knots and flat outside', () => {
  const curve = [
    [1, 100],
    [3, 20],
    [5, 0],
  ] as const
  expect([0, 1, 2, 3, 4, 9].map((x) => curveAt(curve, x))).toEqual([100, 100, 60, 20, 10, 0])
})

test.each([
  [[], 'has no knots'],
  [
    [
      [0, 0],
      [0, 1],
    ],
    'does not ascend',
  ],
  [
    [
      [0, 0],
      [1, 5],
      [2, 3],
    ],
    'turns at 1',
  ],
] as const)('%j is refused: %s', (curve, problem) => {
  expect(curveProblem(curve)).toContain(problem)
})
