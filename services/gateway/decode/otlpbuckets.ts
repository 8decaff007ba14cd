import { type MetricColumns, pushBound, pushBucket } from '../batch/metriccolumns.ts'
import { ascendingAndFinite } from './nativehistogram.ts'
import type { OtlpPoint } from './otlppoint.ts'
import type { RefusalReason } from './outcome.ts'

/** Finest scale kept: that of native histograms. Finer ones are merged down, which is exact. */
export const FINEST_SCALE = 8
const COARSEST_SCALE = -4
const MAX_BUCKETS = 20_000

/** Appends the buckets of a histogram with explicit bounds; what is refused may have left some to drop. */
export function pushExplicitBuckets(columns: MetricColumns, point: OtlpPoint): RefusalReason | undefined {
  const { counts, bounds } = point
  if (counts.length > MAX_BUCKETS) return 'histogram-too-large'
  // Without buckets a histogram still states how many there were and how much in all.
  if (counts.length === 0) return bounds.length === 0 ? undefined : 'histogram-bounds'
  if (counts.length !== bounds.length + 1 || !ascendingAndFinite(bounds)) return 'histogram-bounds'
  let total = 0
  for (let i = 0; i < counts.length; i++) {
    const count = counts[i] as number
    total += count
    if (count > 0) pushBucket(columns, i, count)
  }
  if (total !== point.count) return 'histogram-count'
  for (const bound of bounds) pushBound(columns, bound)
  return undefined
}

/** Appends the positive buckets of an exponential histogram, at FINEST_SCALE at most; refusals as above. */
export function pushExponentialBuckets(columns: MetricColumns, point: OtlpPoint): RefusalReason | undefined {
  const { counts, offset, scale } = point
  if (scale < COARSEST_SCALE || scale > 20) return 'histogram-schema'
  if (counts.length > MAX_BUCKETS) return 'histogram-too-large'
  // Merging down by n scales joins 2^n neighbours: index >> n (OpenTelemetry data model, "Exponential scale").
  const shift = Math.max(0, scale - FINEST_SCALE)
  let total = point.zeroCount + point.negative
  let index = Number.NaN
  let merged = 0
  for (let i = 0; i < counts.length; i++) {
    const count = counts[i] as number
    total += count
    if (count === 0) continue
    const to = (offset + i) >> shift
    if (to !== index) {
      if (merged > 0) pushBucket(columns, index, merged)
      index = to
      merged = 0
    }
    merged += count
  }
  if (merged > 0) pushBucket(columns, index, merged)
  return total === point.count ? undefined : 'histogram-count'
}
