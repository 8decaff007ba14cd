/**
 * Features as the logistic regression sees them: each one cut at quantiles of the training rows into ramps that rise from
 * 0 to 1 between two neighbouring cuts, so that a weight a ramp makes a continuous broken line that is flat outside what
 * was seen. Outliers cannot pull it, the penalty means the same for every feature, and the effect of a feature still is
 * one number a row. A feature that is missing somewhere gets one more predictor that says so.
 */

export type Ramps = {
  readonly feature: number
  /** Ascending; ramp k rises from cuts[k] to cuts[k + 1]. Empty for a feature with one value. */
  readonly cuts: readonly number[]
  readonly hasMissing: boolean
}

export function fitRamps(columns: readonly Float64Array[], ramps: number): Ramps[] {
  return columns.map((column, feature) => {
    const known = column.filter((x) => !Number.isNaN(x)).sort()
    const cuts: number[] = []
    for (let k = 0; k <= ramps && known.length > 0; k++) {
      const cut = known[Math.round((k / ramps) * (known.length - 1))] ?? 0
      if (cuts.length === 0 || cut > (cuts.at(-1) ?? 0)) cuts.push(cut)
    }
    return { feature, cuts: cuts.length > 1 ? cuts : [], hasMissing: known.length < column.length }
  })
}

/** How many predictors a feature becomes. */
export const widthOf = ({ cuts, hasMissing }: Ramps): number => Math.max(0, cuts.length - 1) + (hasMissing ? 1 : 0)

/** Writes the predictors of one value into `out`, from `at`. */
export function writeRamps({ cuts, hasMissing }: Ramps, x: number, out: Float64Array, at: number): void {
  const missing = Number.isNaN(x)
  const last = cuts.length - 1
  for (let k = 0; k < last; k++) {
    const from = cuts[k] ?? 0
    const to = cuts[k + 1] ?? 0
    out[at + k] = missing ? 0 : Math.min(1, Math.max(0, (x - from) / (to - from)))
  }
  if (hasMissing) out[at + Math.max(0, last)] = missing ? 1 : 0
}

/** Predictors of all rows, one array each. */
export function rampColumns(ramps: readonly Ramps[], columns: readonly Float64Array[]): Float64Array[] {
  return ramps.flatMap((ramp) => {
    const column = columns[ramp.feature] ?? new Float64Array(0)
    const width = widthOf(ramp)
    const out = Array.from({ length: width }, () => new Float64Array(column.length))
    const row = new Float64Array(width)
    column.forEach((x, i) => {
      writeRamps(ramp, x, row, 0)
      for (let k = 0; k < width; k++) {
        const target = out[k]
        if (target !== undefined) target[i] = row[k] ?? 0
      }
    })
    return out
  })
}
