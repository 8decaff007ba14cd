import { EXPLICIT_BOUNDS } from '@plimsoll/contracts/metric-batch.ts'
import { dropBuckets, type MetricColumns, pushBound, pushBucket, pushHistogram } from '../batch/metriccolumns.ts'
import type { RefusalReason } from './outcome.ts'
import {
  type Cursor,
  LENGTH,
  malformedAt,
  readDouble,
  readInt64,
  readLength,
  readSint32,
  readSint64,
  readTag,
  readUint64,
  readVarint32,
  skipField,
  VARINT,
} from './protobuf.ts'

/**
 * A Prometheus native histogram; the message is the same in remote write 1.0 (prompb.Histogram) and 2.0
 * (io.prometheus.write.v2.Histogram), start time apart. One instance is filled again and again.
 */
export type NativeHistogram = {
  /** Whether counts came as integers: only then must they add up exactly. */
  integer: boolean
  count: number
  sum: number
  schema: number
  zeroThreshold: number
  zeroCount: number
  timeMs: number
  startMs: number
  /** Prometheus' hint 3: a histogram of a gauge, which does not accumulate. */
  gauge: boolean
  readonly positive: BucketRuns
  readonly negative: BucketRuns
  readonly bounds: number[]
}

/** Spans as (gap, length) pairs; integer buckets are differences from their predecessor. */
type BucketRuns = { readonly spans: number[]; readonly deltas: number[]; readonly counts: number[] }

/** Prometheus' schema of custom bounds; METRIC has the same number for them. */
const CUSTOM_BOUNDS = EXPLICIT_BOUNDS
const LEAST_SCHEMA = -4
const GREATEST_SCHEMA = 8
const MAX_BUCKETS = 20_000
const GAUGE_HINT = 3

export function createNativeHistogram(): NativeHistogram {
  const runs = (): BucketRuns => ({ spans: [], deltas: [], counts: [] })
  return {
    integer: true,
    count: 0,
    sum: 0,
    schema: 0,
    zeroThreshold: 0,
    zeroCount: 0,
    timeMs: 0,
    startMs: 0,
    gauge: false,
    positive: runs(),
    negative: runs(),
    bounds: [],
  }
}

function clear(histogram: NativeHistogram): void {
  histogram.integer = true
  histogram.count = 0
  histogram.sum = 0
  histogram.schema = 0
  histogram.zeroThreshold = 0
  histogram.zeroCount = 0
  histogram.timeMs = 0
  histogram.startMs = 0
  histogram.gauge = false
  for (const runs of [histogram.positive, histogram.negative]) {
    runs.spans.length = 0
    runs.deltas.length = 0
    runs.counts.length = 0
  }
  histogram.bounds.length = 0
}

/** Reads the message between the cursor and `end`. */
export function readNativeHistogram(cursor: Cursor, end: number, into: NativeHistogram): void {
  clear(into)
  while (cursor.at < end) {
    const tag = readTag(cursor)
    const wireType = tag & 7
    switch (tag >>> 3) {
      case 1:
        into.count = readUint64(cursor)
        break
      case 2:
        into.count = readDouble(cursor)
        into.integer = false
        break
      case 3:
        into.sum = readDouble(cursor)
        break
      case 4:
        into.schema = readSint32(cursor)
        break
      case 5:
        into.zeroThreshold = readDouble(cursor)
        break
      case 6:
        into.zeroCount = readUint64(cursor)
        break
      case 7:
        into.zeroCount = readDouble(cursor)
        into.integer = false
        break
      case 8:
        readSpan(cursor, end, into.negative.spans)
        break
      case 9:
        readMany(cursor, wireType, VARINT, end, into.negative.deltas, readSint64)
        break
      case 10:
        readMany(cursor, wireType, 1, end, into.negative.counts, readDouble)
        break
      case 11:
        readSpan(cursor, end, into.positive.spans)
        break
      case 12:
        readMany(cursor, wireType, VARINT, end, into.positive.deltas, readSint64)
        break
      case 13:
        readMany(cursor, wireType, 1, end, into.positive.counts, readDouble)
        break
      case 14:
        into.gauge = readVarint32(cursor) === GAUGE_HINT
        break
      case 15:
        into.timeMs = readInt64(cursor)
        break
      case 16:
        readMany(cursor, wireType, 1, end, into.bounds, readDouble)
        break
      case 17:
        into.startMs = readInt64(cursor)
        break
      default:
        skipField(cursor, wireType, end)
    }
  }
  if (cursor.at !== end) throw malformedAt(cursor.at, 'a histogram runs past its end')
}

function readSpan(cursor: Cursor, limit: number, spans: number[]): void {
  const end = readLength(cursor, limit) + cursor.at
  let gap = 0
  let length = 0
  while (cursor.at < end) {
    const tag = readTag(cursor)
    if (tag === 0x08) gap = readSint32(cursor)
    else if (tag === 0x10) length = readVarint32(cursor)
    else skipField(cursor, tag & 7, end)
  }
  if (cursor.at !== end) throw malformedAt(cursor.at, 'a span runs past its end')
  spans.push(gap, length)
}

/** A repeated number, packed or one field each. */
function readMany(
  cursor: Cursor,
  wireType: number,
  single: number,
  limit: number,
  into: number[],
  read: (cursor: Cursor) => number,
): void {
  if (wireType === single) {
    into.push(read(cursor))
    return
  }
  if (wireType !== LENGTH) throw malformedAt(cursor.at, `wire type ${wireType}`)
  const end = readLength(cursor, limit) + cursor.at
  while (cursor.at < end) into.push(read(cursor))
  if (cursor.at !== end) throw malformedAt(cursor.at, 'a packed field runs past its end')
}

/**
 * Checks it as the specification of native histograms asks and appends it. Returns why not, in which case nothing was
 * appended. Buckets of negative observations are counted in `count` only: MetricBatch describes positive ones.
 */
export function pushNativeHistogram(
  columns: MetricColumns,
  series: number,
  histogram: NativeHistogram,
): RefusalReason | undefined {
  const { schema, positive, negative, bounds } = histogram
  const custom = schema === CUSTOM_BOUNDS
  if (!custom && (schema < LEAST_SCHEMA || schema > GREATEST_SCHEMA)) return 'histogram-schema'
  if (custom && (negative.spans.length > 0 || histogram.zeroCount !== 0)) return 'histogram-schema'
  if (!ascendingAndFinite(bounds) || (!custom && bounds.length > 0)) return 'histogram-bounds'
  if (histogram.zeroThreshold < 0 || histogram.zeroCount < 0) return 'histogram-buckets'
  // Prometheus numbers a bucket by its upper edge, MetricBatch by its lower one; custom bounds count alike in both.
  const total = { sum: histogram.zeroCount }
  const refusal =
    walk(
      histogram,
      positive,
      total,
      (index, count) => pushBucket(columns, custom ? index : index - 1, count),
      custom ? bounds.length : Infinity,
    ) ??
    walk(histogram, negative, total, () => {}, Infinity) ??
    checkCount(histogram, total.sum)
  if (refusal !== undefined) {
    dropBuckets(columns)
    return refusal
  }
  for (const bound of bounds) pushBound(columns, bound)
  pushHistogram(columns, series, {
    timeMs: histogram.timeMs,
    startMs: histogram.startMs,
    count: histogram.count,
    sum: histogram.sum,
    min: Number.NaN,
    max: Number.NaN,
    scale: schema,
    zeroCount: histogram.zeroCount,
    zeroThreshold: histogram.zeroThreshold,
  })
  return undefined
}

function walk(
  histogram: NativeHistogram,
  { spans, deltas, counts }: BucketRuns,
  total: { sum: number },
  push: (index: number, count: number) => void,
  greatestIndex: number,
): RefusalReason | undefined {
  const given = histogram.integer ? deltas : counts
  let lengths = 0
  for (let i = 1; i < spans.length; i += 2) lengths += spans[i] as number
  if (lengths !== given.length) return 'histogram-spans'
  if (lengths > MAX_BUCKETS) return 'histogram-too-large'
  let index = 0
  let at = 0
  let count = 0
  for (let i = 0; i < spans.length; i += 2) {
    const gap = spans[i] as number
    if (gap < 0 && i > 0) return 'histogram-spans'
    index += gap
    for (const end = at + (spans[i + 1] as number); at < end; at++) {
      count = histogram.integer ? count + (given[at] as number) : (given[at] as number)
      if (!(count >= 0)) return 'histogram-buckets'
      if (index > greatestIndex || index < -2147483647) return 'histogram-bounds'
      if (count > 0) push(index, count)
      total.sum += count
      index++
    }
  }
  return undefined
}

function checkCount(histogram: NativeHistogram, sum: number): RefusalReason | undefined {
  // Float counts are products of rates and carry rounding, so only integer ones must add up (Prometheus does the same).
  if (!histogram.integer) return histogram.count < 0 ? 'histogram-count' : undefined
  // A NaN sum says that NaN was observed; such observations are counted but lie in no bucket.
  if (Number.isNaN(histogram.sum)) return histogram.count < sum ? 'histogram-count' : undefined
  return histogram.count === sum ? undefined : 'histogram-count'
}

export function ascendingAndFinite(bounds: ArrayLike<number>): boolean {
  for (let i = 0; i < bounds.length; i++) {
    const bound = bounds[i] as number
    if (!Number.isFinite(bound)) return false
    if (i > 0 && bound <= (bounds[i - 1] as number)) return false
  }
  return true
}
