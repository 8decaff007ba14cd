/** A monotone map from a score to a probability: pool adjacent violators (Ayer et al. 1955). */

/** Ascending scores with ascending values; between two of them the line, outside the nearer end. */
export type Isotonic = { readonly scores: readonly number[]; readonly values: readonly number[] }

export function fitIsotonic(scores: Float64Array, churned: ArrayLike<number>): Isotonic {
  const order = Int32Array.from(scores, (_, i) => i).sort((a, b) => (scores[a] ?? 0) - (scores[b] ?? 0))
  // A block is a run of rows that share a value: where it begins and ends, its sum and its count.
  type Block = { readonly from: number; readonly to: number; sum: number; count: number }
  // Equal scores first: none of them may join other scores without the rest.
  const ties: Block[] = []
  for (const i of order) {
    const [score, y] = [scores[i] ?? 0, churned[i] ?? 0]
    const tie = ties.at(-1)
    if (tie?.from !== score) ties.push({ from: score, to: score, sum: y, count: 1 })
    else {
      tie.sum += y
      tie.count++
    }
  }
  const blocks: Block[] = []
  for (let block of ties) {
    for (let last = blocks.at(-1); last !== undefined; last = blocks.at(-1)) {
      if (last.sum / last.count < block.sum / block.count) break
      blocks.pop()
      block = { from: last.from, to: block.to, sum: last.sum + block.sum, count: last.count + block.count }
    }
    blocks.push(block)
  }
  const knots = blocks.flatMap(({ from, to, sum, count }) =>
    from === to
      ? [[from, sum / count]]
      : [
          [from, sum / count],
          [to, sum / count],
        ],
  )
  return { scores: knots.map(([score]) => score ?? 0), values: knots.map(([, value]) => value ?? 0) }
}

export function isotonicAt({ scores, values }: Isotonic, score: number): number {
  let low = 0
  let high = scores.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((scores[middle] ?? 0) < score) low = middle + 1
    else high = middle
  }
  const right = values[Math.min(low, values.length - 1)] ?? 0
  if (low === 0 || low === scores.length) return right
  const from = scores[low - 1] ?? 0
  const to = scores[low] ?? 0
  const left = values[low - 1] ?? 0
  return left + ((score - from) / (to - from)) * (right - left)
}
