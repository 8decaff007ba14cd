/**
 * Samples and histograms side by side in typed arrays: what the decoders fill and what a batch is made of. `series`
 * holds handles of a registry while a request is decoded, and rows of the batch's dictionary once it is in a batch.
 */
export type MetricColumns = {
  samples: number
  sampleSeries: Int32Array
  sampleTime: Float64Array
  sampleStart: Float64Array
  sampleValue: Float64Array
  /** The same memory as `sampleValue`: values are moved as bits, so that the stale marker stays the NaN it is. */
  sampleWords: Uint32Array
  /** Whether any sample states its start. */
  started: boolean

  histograms: number
  histogramSeries: Int32Array
  /** One row of `HISTOGRAM_FIELDS` doubles per histogram. */
  histogramFields: Float64Array
  /** End of each histogram's rows in the bucket columns, and in `bounds`. */
  bucketEnd: Uint32Array
  boundEnd: Uint32Array
  buckets: number
  bucketIndex: Int32Array
  bucketCount: Float64Array
  boundCount: number
  bounds: Float64Array
}

export const HISTOGRAM_FIELDS = 9
/** Offsets within a row of `histogramFields`. */
export const field = {
  time: 0,
  start: 1,
  count: 2,
  sum: 3,
  min: 4,
  max: 5,
  scale: 6,
  zeroCount: 7,
  zeroThreshold: 8,
} as const

export type HistogramPoint = {
  readonly timeMs: number
  /** 0 = unknown. */
  readonly startMs: number
  readonly count: number
  readonly sum: number
  /** NaN = unknown. */
  readonly min: number
  readonly max: number
  /** Exponential scale, -53 for explicit bounds. */
  readonly scale: number
  readonly zeroCount: number
  readonly zeroThreshold: number
}

export function createMetricColumns(): MetricColumns {
  const values = new Float64Array(1024)
  return {
    samples: 0,
    sampleSeries: new Int32Array(1024),
    sampleTime: new Float64Array(1024),
    sampleStart: new Float64Array(1024),
    sampleValue: values,
    sampleWords: new Uint32Array(values.buffer),
    started: false,
    histograms: 0,
    histogramSeries: new Int32Array(16),
    histogramFields: new Float64Array(16 * HISTOGRAM_FIELDS),
    bucketEnd: new Uint32Array(16),
    boundEnd: new Uint32Array(16),
    buckets: 0,
    bucketIndex: new Int32Array(256),
    bucketCount: new Float64Array(256),
    boundCount: 0,
    bounds: new Float64Array(64),
  }
}

export function clearMetricColumns(columns: MetricColumns): void {
  columns.samples = 0
  columns.started = false
  columns.histograms = 0
  columns.buckets = 0
  columns.boundCount = 0
}

/** `low` and `high` are the halves of the value's 64 bits. */
export function pushSample(
  columns: MetricColumns,
  series: number,
  timeMs: number,
  startMs: number,
  low: number,
  high: number,
): void {
  const at = columns.samples
  if (at === columns.sampleSeries.length) growSamples(columns)
  columns.sampleSeries[at] = series
  columns.sampleTime[at] = timeMs
  columns.sampleStart[at] = startMs
  columns.sampleWords[2 * at] = low
  columns.sampleWords[2 * at + 1] = high
  if (startMs !== 0) columns.started = true
  columns.samples = at + 1
}

const oneValue = new Float64Array(1)
const oneValueWords = new Uint32Array(oneValue.buffer)

/** For producers that hold ordinary numbers. */
export function pushValue(
  columns: MetricColumns,
  series: number,
  timeMs: number,
  startMs: number,
  value: number,
): void {
  oneValue[0] = value
  pushSample(columns, series, timeMs, startMs, oneValueWords[0] as number, oneValueWords[1] as number)
}

/** Buckets and bounds are pushed before the histogram they belong to. */
export function pushBucket(columns: MetricColumns, index: number, count: number): void {
  if (columns.buckets === columns.bucketIndex.length) {
    const capacity = columns.buckets * 2
    columns.bucketIndex = copied(new Int32Array(capacity), columns.bucketIndex)
    columns.bucketCount = copied(new Float64Array(capacity), columns.bucketCount)
  }
  columns.bucketIndex[columns.buckets] = index
  columns.bucketCount[columns.buckets++] = count
}

export function pushBound(columns: MetricColumns, bound: number): void {
  if (columns.boundCount === columns.bounds.length) {
    columns.bounds = copied(new Float64Array(columns.boundCount * 2), columns.bounds)
  }
  columns.bounds[columns.boundCount++] = bound
}

export function pushHistogram(columns: MetricColumns, series: number, point: HistogramPoint): void {
  const at = openHistogram(columns, series)
  const fields = columns.histogramFields
  fields[at + field.time] = point.timeMs
  fields[at + field.start] = point.startMs
  fields[at + field.count] = point.count
  fields[at + field.sum] = point.sum
  fields[at + field.min] = point.min
  fields[at + field.max] = point.max
  fields[at + field.scale] = point.scale
  fields[at + field.zeroCount] = point.zeroCount
  fields[at + field.zeroThreshold] = point.zeroThreshold
}

/** Drops the buckets and bounds pushed since the last histogram: it was refused. */
export function dropBuckets(columns: MetricColumns): void {
  const last = columns.histograms - 1
  columns.buckets = last < 0 ? 0 : (columns.bucketEnd[last] as number)
  columns.boundCount = last < 0 ? 0 : (columns.boundEnd[last] as number)
}

/** Copies histogram `at` of `from` with its buckets and bounds, under another series number. */
export function copyHistogram(columns: MetricColumns, series: number, from: MetricColumns, at: number): void {
  for (let i = at === 0 ? 0 : (from.bucketEnd[at - 1] as number); i < (from.bucketEnd[at] as number); i++) {
    pushBucket(columns, from.bucketIndex[i] as number, from.bucketCount[i] as number)
  }
  for (let i = at === 0 ? 0 : (from.boundEnd[at - 1] as number); i < (from.boundEnd[at] as number); i++) {
    pushBound(columns, from.bounds[i] as number)
  }
  const to = openHistogram(columns, series)
  const row = at * HISTOGRAM_FIELDS
  columns.histogramFields.set(from.histogramFields.subarray(row, row + HISTOGRAM_FIELDS), to)
}

/** Bytes histogram `at` takes in a batch. */
export function histogramWeight(columns: MetricColumns, at: number): number {
  const buckets = (columns.bucketEnd[at] as number) - (at === 0 ? 0 : (columns.bucketEnd[at - 1] as number))
  const bounds = (columns.boundEnd[at] as number) - (at === 0 ? 0 : (columns.boundEnd[at - 1] as number))
  return 80 + buckets * 12 + bounds * 8
}

function openHistogram(columns: MetricColumns, series: number): number {
  const row = columns.histograms++
  if (row === columns.histogramSeries.length) {
    const capacity = row * 2
    columns.histogramSeries = copied(new Int32Array(capacity), columns.histogramSeries)
    columns.histogramFields = copied(new Float64Array(capacity * HISTOGRAM_FIELDS), columns.histogramFields)
    columns.bucketEnd = copied(new Uint32Array(capacity), columns.bucketEnd)
    columns.boundEnd = copied(new Uint32Array(capacity), columns.boundEnd)
  }
  columns.histogramSeries[row] = series
  columns.bucketEnd[row] = columns.buckets
  columns.boundEnd[row] = columns.boundCount
  return row * HISTOGRAM_FIELDS
}

function growSamples(columns: MetricColumns): void {
  const capacity = columns.sampleSeries.length * 2
  columns.sampleSeries = copied(new Int32Array(capacity), columns.sampleSeries)
  columns.sampleTime = copied(new Float64Array(capacity), columns.sampleTime)
  columns.sampleStart = copied(new Float64Array(capacity), columns.sampleStart)
  const words = copied(new Uint32Array(capacity * 2), columns.sampleWords)
  columns.sampleWords = words
  columns.sampleValue = new Float64Array(words.buffer as ArrayBuffer)
}

function copied<T extends Int32Array | Uint32Array | Float64Array>(to: T, from: T): T {
  to.set(from)
  return to
}
