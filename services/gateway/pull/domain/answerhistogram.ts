import { answerNumber } from './answernumber.ts'

/** A native histogram as Prometheus' HTTP API writes it. Source: Prometheus HTTP API, "Native histograms". */
export type AnswerHistogram = {
  readonly count: string
  readonly sum: string
  /** Rule (0 open left, 1 open right, 2 open both, 3 closed both), lower bound, upper bound, count. */
  readonly buckets?: readonly (readonly [number, string, string, string])[]
}

/** The same by MetricBatch's rules: positive buckets by lower edge, or explicit bounds where no base fits. */
export type ReadHistogram = {
  readonly count: number
  readonly sum: number
  readonly scale: number
  readonly zeroCount: number
  readonly zeroThreshold: number
  readonly index: readonly number[]
  readonly counts: readonly number[]
  readonly bounds: readonly number[]
}

const explicitScale = -53

/**
 * Reads the histogram, undefined when it is none. The API states edges, not the schema: the schema is the one
 * whose base is the ratio of the edges, 2^(2^-schema).
 */
export function readHistogram(answer: AnswerHistogram): ReadHistogram | undefined {
  const count = answerNumber(answer.count)
  const sum = answerNumber(answer.sum)
  if (count === undefined || !(count >= 0) || sum === undefined) return undefined
  let zeroCount = 0
  let zeroThreshold = 0
  const positive: Bucket[] = []
  for (const [, lowerText, upperText, countText] of answer.buckets ?? []) {
    const bucket = {
      lower: answerNumber(lowerText) ?? Number.NaN,
      upper: answerNumber(upperText) ?? Number.NaN,
      count: answerNumber(countText) ?? Number.NaN,
    }
    if (!(bucket.lower < bucket.upper) || !(bucket.count >= 0)) return undefined
    if (bucket.lower <= 0 && bucket.upper > 0 && Number.isFinite(bucket.lower) && bucket.lower === -bucket.upper) {
      zeroCount = bucket.count
      zeroThreshold = bucket.upper
    } else if (bucket.upper > 0) positive.push(bucket)
  }
  const common = { count, sum, zeroCount, zeroThreshold }
  const scale = scaleOf(positive)
  if (scale === undefined) return { ...common, ...explicit(positive) }
  return {
    ...common,
    scale,
    index: positive.map(({ lower }) => Math.round(Math.log2(lower) * 2 ** scale)),
    counts: positive.map((bucket) => bucket.count),
    bounds: [],
  }
}

type Bucket = { readonly lower: number; readonly upper: number; readonly count: number }

/** The schema that all buckets fit, -4 to 8; undefined for custom bounds. */
function scaleOf(buckets: readonly Bucket[]): number | undefined {
  const [first] = buckets
  if (first === undefined) return 0
  // Zero is added for the sake of -0, which is no scale.
  const scale = Math.round(-Math.log2(Math.log2(first.upper / first.lower))) + 0
  if (!(scale >= -4 && scale <= 8)) return undefined
  const fits = buckets.every(({ lower, upper }) => {
    const edge = Math.log2(lower) * 2 ** scale
    return lower > 0 && nearInteger(edge) && Math.abs(Math.log2(upper) * 2 ** scale - Math.round(edge) - 1) < 1e-6
  })
  return fits ? scale : undefined
}

const nearInteger = (value: number): boolean => Math.abs(value - Math.round(value)) < 1e-6

/** Custom bounds: every edge that a bucket has is a bound; what lies between two of them without a bucket is empty. */
function explicit(buckets: readonly Bucket[]) {
  const edges = buckets.flatMap(({ lower, upper }) => [lower, upper]).filter(Number.isFinite)
  const bounds = [...new Set(edges)].sort((a, b) => a - b)
  const at = new Map(bounds.map((bound, index) => [bound, index]))
  return {
    scale: explicitScale,
    index: buckets.map(({ upper }) => at.get(upper) ?? bounds.length),
    counts: buckets.map((bucket) => bucket.count),
    bounds,
  }
}
