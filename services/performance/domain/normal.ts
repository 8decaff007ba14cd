/** Standard normal distribution: helpers for scores. */

/** Inverse distribution function, P. Acklam's rational approximation (2003), relative error below 1.2e-9. */
export function normalQuantile(p: number): number {
  if (p <= 0) return -Infinity
  if (p >= 1) return Infinity
  if (p > 0.97575) return -tail(1 - p)
  if (p < 0.02425) return tail(p)
  const q = p - 0.5
  const r = q * q
  return (
    ((((((-39.69683028665376 * r + 220.9460984245205) * r - 275.9285104469687) * r + 138.357751867269) * r -
      30.66479806614716) *
      r +
      2.506628277459239) *
      q) /
    (((((-54.47609879822406 * r + 161.5858368580409) * r - 155.6989798598866) * r + 66.80131188771972) * r -
      13.28068155288572) *
      r +
      1)
  )
}

function tail(p: number): number {
  const q = Math.sqrt(-2 * Math.log(p))
  return (
    (((((-0.007784894002430293 * q - 0.3223964580411365) * q - 2.400758277161838) * q - 2.549732539343734) * q +
      4.374664141464968) *
      q +
      2.938163982698783) /
    ((((0.007784695709041462 * q + 0.3224671290700398) * q + 2.445134137142996) * q + 3.754408661907416) * q + 1)
  )
}

/** Distribution function, Abramowitz & Stegun 26.2.17; absolute error below 7.5e-8. */
export function normalCdf(x: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(x))
  const density = 0.3989422804014327 * Math.exp((-x * x) / 2)
  const upper =
    density * t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  return x >= 0 ? 1 - upper : upper
}

/** The number of a standard normal that is as far out as `t` of a Student distribution (Wallace 1959). */
export function normalOfStudent(t: number, degreesOfFreedom: number): number {
  const n = degreesOfFreedom
  return (Math.sign(t) * Math.sqrt(n * Math.log1p((t * t) / n)) * (8 * n + 1)) / (8 * n + 3)
}
