/** How good a score is, in the terms of section 7 of customer-success.md. */

/** A score and what happened, sorted once so that each of thousands of bootstrap draws costs one pass. */
export type Ranking = { readonly order: Int32Array; readonly scores: Float64Array; readonly churned: Uint8Array }

export function rankingOf(scores: Float64Array, churned: Uint8Array): Ranking {
  const order = Int32Array.from(scores, (_, i) => i).sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b)
  return { order, scores, churned }
}

/**
 * Chance that a churner scores above one that stayed, ties half (Hanley and McNeil 1982). NaN with one class only.
 * @param weight how often each row counts, as in a bootstrap draw; once by default
 */
export function auc({ order, scores, churned }: Ranking, weight?: ArrayLike<number>): number {
  let above = 0
  let found = 0
  let stayed = 0
  for (let from = 0; from < order.length; ) {
    const score = scores[order[from] ?? 0]
    let tiedChurned = 0
    let tiedStayed = 0
    let to = from
    for (; to < order.length && scores[order[to] ?? 0] === score; to++) {
      const i = order[to] ?? 0
      const w = weight === undefined ? 1 : (weight[i] ?? 0)
      if (churned[i] === 1) tiedChurned += w
      else tiedStayed += w
    }
    above += tiedStayed * (found + tiedChurned / 2)
    found += tiedChurned
    stayed += tiedStayed
    from = to
  }
  return above / (found * stayed)
}

/** Average precision: precision at each churner found, scores that are equal taken together. */
export function averagePrecision({ order, scores, churned }: Ranking): number {
  let found = 0
  let sum = 0
  for (let from = 0; from < order.length; ) {
    const score = scores[order[from] ?? 0]
    let tied = 0
    let to = from
    for (; to < order.length && scores[order[to] ?? 0] === score; to++) tied += churned[order[to] ?? 0] ?? 0
    found += tied
    sum += tied * (found / to)
    from = to
  }
  return sum / found
}

/** Mean squared error of probabilities (Brier 1950). */
export function brier(probabilities: Float64Array, churned: Uint8Array): number {
  return probabilities.reduce((sum, p, i) => sum + (p - (churned[i] ?? 0)) ** 2, 0) / probabilities.length
}

const ECE_BINS = 10

/** Expected calibration error over ten bins of equal width (Naeini et al. 2015). */
export function calibrationError(probabilities: Float64Array, churned: Uint8Array): number {
  const gap = new Float64Array(ECE_BINS)
  probabilities.forEach((p, i) => {
    const bin = Math.min(ECE_BINS - 1, Math.floor(p * ECE_BINS))
    gap[bin] = (gap[bin] ?? 0) + p - (churned[i] ?? 0)
  })
  return gap.reduce((sum, g) => sum + Math.abs(g), 0) / probabilities.length
}
