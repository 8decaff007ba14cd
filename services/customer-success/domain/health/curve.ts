/** Monotone piecewise linear curves: how a number becomes points, and points a score. */

/** At least one knot; x ascends, y never turns. Flat outside the outer knots. */
export type Curve = readonly (readonly [x: number, y: number])[]

/** @example curveAt([[0, 0], [10, 100]], 4) // 40 */
export function curveAt(curve: Curve, x: number): number {
  let [leftX, leftY] = curve[0] ?? [0, 0]
  if (x <= leftX) return leftY
  for (const [rightX, rightY] of curve) {
    if (x <= rightX) return leftY + ((x - leftX) / (rightX - leftX)) * (rightY - leftY)
    leftX = rightX
    leftY = rightY
  }
  return leftY
}

/** What is wrong with a curve, undefined when nothing is. */
export function curveProblem(curve: Curve): string | undefined {
  if (curve.length === 0) return 'has no knots'
  let direction = 0
  for (let i = 1; i < curve.length; i++) {
    const [leftX, leftY] = curve[i - 1] ?? [0, 0]
    const [rightX, rightY] = curve[i] ?? [0, 0]
    if (rightX <= leftX) return `has knots whose x does not ascend at ${rightX}`
    const turn = Math.sign(rightY - leftY)
    if (turn !== 0 && direction !== 0 && turn !== direction) return `turns at ${leftX}`
    if (turn !== 0) direction = turn
  }
  return undefined
}
