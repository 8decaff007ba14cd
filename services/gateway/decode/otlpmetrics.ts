import { dropBuckets, pushBound, pushBucket, pushHistogram, pushSample, pushValue } from '../batch/metriccolumns.ts'
import type { SeriesHandle } from '../batch/registry.ts'
import { type SeriesKind, seriesKind } from '../domain/series.ts'
import { ascendingAndFinite, CUSTOM_BOUNDS } from './nativehistogram.ts'
import { eachMessage, internCut, readAttribute, readAttributes } from './otlpvalue.ts'
import { createOutcome, type Outcome, type RefusalReason, refuse } from './outcome.ts'
import {
  cursorOf,
  FIXED64,
  LENGTH,
  malformedAt,
  readDouble,
  readFixed64,
  readLength,
  readNanosAsMs,
  readSint32,
  readTag,
  readUint64,
  readVarint32,
  skipField,
} from './protobuf.ts'
import type { DecodeTarget } from './remotewrite1.ts'

/** Finest scale kept: that of native histograms. Finer ones are merged down, which is exact. */
const FINEST_SCALE = 8
const COARSEST_SCALE = -4
const MAX_BUCKETS = 20_000
const CUMULATIVE = 2
const DELTA = 1
const NO_RECORDED_VALUE = 1
/** The two halves of the stale marker: a point that says "no value" ends its series. */
const STALE_LOW = 2
const STALE_HIGH = 0x7ff00000

/** Which data a metric carries: its field number in `Metric`. */
const metricData = { gauge: 5, sum: 7, histogram: 9, exponential: 10, summary: 11 } as const

type Point = {
  timeMs: number
  startMs: number
  flags: number
  count: number
  sum: number
  min: number
  max: number
  scale: number
  zeroCount: number
  zeroThreshold: number
  /** Halves of a number's bits. */
  low: number
  high: number
  hasValue: boolean
  offset: number
  readonly counts: number[]
  /** Observations in negative buckets: counted, not kept apart. */
  negative: number
  readonly bounds: number[]
  readonly quantiles: number[]
  exemplars: number
}

/**
 * `ExportMetricsServiceRequest` straight from the bytes into columns. Labels are the attributes of the point, then of
 * the scope, then of the resource, under OpenTelemetry's own names. Throws DecodeError when the message does not parse;
 * points that are wrong are refused one by one.
 */
export function decodeOtlpMetrics(bytes: Uint8Array, target: DecodeTarget): Outcome {
  const { registry, columns } = target
  const { texts } = registry
  const keys = registry.keyspace('otlp')
  const cursor = cursorOf(bytes)
  const { view } = cursor
  const outcome = createOutcome()
  const nameLabel = texts.internString('__name__')
  const scopeNameLabel = texts.internString('otel.scope.name')
  const quantileLabel = texts.internString('quantile')
  const point: Point = {
    timeMs: 0,
    startMs: 0,
    flags: 0,
    count: 0,
    sum: 0,
    min: 0,
    max: 0,
    scale: 0,
    zeroCount: 0,
    zeroThreshold: 0,
    low: 0,
    high: 0,
    hasValue: false,
    offset: 0,
    counts: [],
    negative: 0,
    bounds: [],
    quantiles: [],
    exemplars: 0,
  }
  const resource: number[] = []
  const scope: number[] = []
  const attributes: number[] = []
  let key = new Uint32Array(64)
  let name = 0
  let unit = 0
  let temporality = 0
  let monotonic = false

  eachMessage(cursor, cursor.end, 1, (end) => {
    const start = cursor.at
    resource.length = 0
    eachMessage(cursor, end, 1, (resourceEnd) => readAttributes(cursor, resourceEnd, 1, texts, resource))
    cursor.at = start
    eachMessage(cursor, end, 2, readScopeMetrics)
  })
  return outcome

  function readScopeMetrics(end: number): void {
    const start = cursor.at
    scope.length = 0
    eachMessage(cursor, end, 1, (scopeEnd) => {
      const scopeStart = cursor.at
      readAttributes(cursor, scopeEnd, 3, texts, scope)
      cursor.at = scopeStart
      eachMessage(cursor, scopeEnd, 1, (nameEnd) => {
        if (nameEnd > cursor.at) scope.push(scopeNameLabel, internCut(texts, cursor, cursor.at, nameEnd))
        cursor.at = nameEnd
      })
    })
    cursor.at = start
    eachMessage(cursor, end, 2, readMetric)
  }

  /** Name, unit and temporality may stand behind the points they belong to, so they are read first. */
  function readMetric(end: number): void {
    const start = cursor.at
    name = 0
    unit = 0
    temporality = 0
    monotonic = false
    let data: number | undefined
    while (cursor.at < end) {
      const tag = readTag(cursor)
      const number = tag >>> 3
      if ((tag & 7) === LENGTH && (number === 1 || number === 3)) {
        const length = readLength(cursor, end)
        const text = internCut(texts, cursor, cursor.at, cursor.at + length)
        cursor.at += length
        if (number === 1) name = text
        else unit = text
      } else if ((tag & 7) === LENGTH && Object.values(metricData).includes(number as 5)) {
        data = number
        readTemporality(readLength(cursor, end) + cursor.at)
      } else skipField(cursor, tag & 7, end)
    }
    if (cursor.at !== end) throw malformedAt(cursor.at, 'a metric runs past its end')
    if (data === undefined) {
      refuse(outcome, 'no-data', 1, () => texts.text(name) ?? '')
      return
    }
    cursor.at = start
    const kind = data
    eachMessage(cursor, end, kind, (dataEnd) =>
      eachMessage(cursor, dataEnd, 1, (pointEnd) => readPoint(kind, pointEnd)),
    )
  }

  function readTemporality(end: number): void {
    while (cursor.at < end) {
      const tag = readTag(cursor)
      if (tag === 0x10) temporality = readVarint32(cursor)
      else if (tag === 0x18) monotonic = readVarint32(cursor) !== 0
      else skipField(cursor, tag & 7, end)
    }
    if (cursor.at !== end) throw malformedAt(cursor.at, 'data points run past their end')
  }

  function readPoint(data: number, end: number): void {
    clearPoint()
    if (data === metricData.exponential) readExponential(end)
    else if (data === metricData.histogram) readExplicit(end)
    else readNumber(data, end)
    if (cursor.at !== end) throw malformedAt(cursor.at, 'a data point runs past its end')
    const refusal = store(data)
    if (refusal === undefined) outcome.exemplars += point.exemplars
    else refuse(outcome, refusal, 1, () => texts.text(name) ?? '')
  }

  function clearPoint(): void {
    attributes.length = 0
    point.timeMs = 0
    point.startMs = 0
    point.flags = 0
    point.count = 0
    point.sum = Number.NaN
    point.min = Number.NaN
    point.max = Number.NaN
    point.scale = 0
    point.zeroCount = 0
    point.zeroThreshold = 0
    point.hasValue = false
    point.offset = 0
    point.counts.length = 0
    point.negative = 0
    point.bounds.length = 0
    point.quantiles.length = 0
    point.exemplars = 0
  }

  /** NumberDataPoint and SummaryDataPoint share the numbers of the fields they share. */
  function readNumber(data: number, end: number): void {
    while (cursor.at < end) {
      const tag = readTag(cursor)
      if (readCommon(tag, 0x3a, end)) continue
      if (data === metricData.summary) {
        if (tag === 0x21) point.count = readFixed64(cursor)
        else if (tag === 0x29) point.sum = readDouble(cursor)
        else if (tag === 0x32) readQuantile(readLength(cursor, end) + cursor.at)
        else if (tag === 0x40) point.flags = readVarint32(cursor)
        else skipField(cursor, tag & 7, end)
      } else if (tag === 0x21 || tag === 0x31) {
        if (cursor.at + 8 > end) throw malformedAt(cursor.at, 'a data point ends inside its value')
        point.low = view.getUint32(cursor.at, true)
        point.high = view.getUint32(cursor.at + 4, true)
        if (tag === 0x31) useInteger()
        cursor.at += 8
        point.hasValue = true
      } else if (tag === 0x40) point.flags = readVarint32(cursor)
      else if (tag === 0x2a) countExemplar(tag, end)
      else skipField(cursor, tag & 7, end)
    }
  }

  /** A signed 64-bit integer as a double; beyond 2^53 it loses what a double cannot hold. */
  function useInteger(): void {
    integer[0] = (point.high | 0) * 2 ** 32 + point.low
    point.low = integerWords[0] as number
    point.high = integerWords[1] as number
  }

  function readExplicit(end: number): void {
    while (cursor.at < end) {
      const tag = readTag(cursor)
      if (readCommon(tag, 0x4a, end)) continue
      if (tag === 0x21) point.count = readFixed64(cursor)
      else if (tag === 0x29) point.sum = readDouble(cursor)
      else if (tag === 0x32 || tag === 0x31) readPacked(tag, end, point.counts, readFixed64)
      else if (tag === 0x3a || tag === 0x39) readPacked(tag, end, point.bounds, readDouble)
      else if (tag === 0x42) countExemplar(tag, end)
      else if (tag === 0x50) point.flags = readVarint32(cursor)
      else if (tag === 0x59) point.min = readDouble(cursor)
      else if (tag === 0x61) point.max = readDouble(cursor)
      else skipField(cursor, tag & 7, end)
    }
  }

  function readExponential(end: number): void {
    while (cursor.at < end) {
      const tag = readTag(cursor)
      if (readCommon(tag, 0x0a, end)) continue
      if (tag === 0x21) point.count = readFixed64(cursor)
      else if (tag === 0x29) point.sum = readDouble(cursor)
      else if (tag === 0x30) point.scale = readSint32(cursor)
      else if (tag === 0x39) point.zeroCount = readFixed64(cursor)
      else if (tag === 0x42) readBuckets(readLength(cursor, end) + cursor.at, true)
      else if (tag === 0x4a) readBuckets(readLength(cursor, end) + cursor.at, false)
      else if (tag === 0x50) point.flags = readVarint32(cursor)
      else if (tag === 0x5a) countExemplar(tag, end)
      else if (tag === 0x61) point.min = readDouble(cursor)
      else if (tag === 0x69) point.max = readDouble(cursor)
      else if (tag === 0x71) point.zeroThreshold = readDouble(cursor)
      else skipField(cursor, tag & 7, end)
    }
  }

  /** Attributes and the two times, which every kind of point has. */
  function readCommon(tag: number, attributesTag: number, end: number): boolean {
    if (tag === attributesTag) readAttribute(cursor, readLength(cursor, end) + cursor.at, texts, attributes)
    else if (tag === 0x11) point.startMs = readNanosAsMs(cursor)
    else if (tag === 0x19) point.timeMs = readNanosAsMs(cursor)
    else return false
    return true
  }

  function readBuckets(end: number, positive: boolean): void {
    while (cursor.at < end) {
      const tag = readTag(cursor)
      if (tag === 0x08) {
        const offset = readSint32(cursor)
        if (positive) point.offset = offset
      } else if (tag === 0x12) {
        const countsEnd = readLength(cursor, end) + cursor.at
        while (cursor.at < countsEnd) addCount(readUint64(cursor), positive)
        if (cursor.at !== countsEnd) throw malformedAt(cursor.at, 'bucket counts run past their end')
      } else if (tag === 0x10) addCount(readUint64(cursor), positive)
      else skipField(cursor, tag & 7, end)
    }
    if (cursor.at !== end) throw malformedAt(cursor.at, 'buckets run past their end')
  }

  function addCount(count: number, positive: boolean): void {
    if (positive) point.counts.push(count)
    else point.negative += count
  }

  function readPacked(tag: number, end: number, into: number[], read: (from: typeof cursor) => number): void {
    if ((tag & 7) === FIXED64) {
      into.push(read(cursor))
      return
    }
    const packedEnd = readLength(cursor, end) + cursor.at
    while (cursor.at < packedEnd) into.push(read(cursor))
    if (cursor.at !== packedEnd) throw malformedAt(cursor.at, 'a packed field runs past its end')
  }

  function readQuantile(end: number): void {
    let quantile = 0
    let value = 0
    while (cursor.at < end) {
      const tag = readTag(cursor)
      if (tag === 0x09) quantile = readDouble(cursor)
      else if (tag === 0x11) value = readDouble(cursor)
      else skipField(cursor, tag & 7, end)
    }
    if (cursor.at !== end) throw malformedAt(cursor.at, 'a quantile runs past its end')
    point.quantiles.push(quantile, value)
  }

  function countExemplar(tag: number, end: number): void {
    skipField(cursor, tag & 7, end)
    point.exemplars++
  }

  function store(data: number): RefusalReason | undefined {
    if (point.timeMs === 0) return 'no-data'
    if (point.timeMs > target.latestMs) return 'too-far-ahead'
    switch (data) {
      case metricData.gauge:
        return storeNumber(seriesKind.gauge)
      case metricData.sum:
        if (temporality === DELTA) return storeNumber(seriesKind.deltaCounter)
        if (temporality !== CUMULATIVE) return 'temporality-unspecified'
        return storeNumber(monotonic ? seriesKind.cumulativeCounter : seriesKind.gauge)
      case metricData.summary:
        return storeSummary()
      default:
        if (temporality !== CUMULATIVE && temporality !== DELTA) return 'temporality-unspecified'
        return storeHistogram(data, temporality === DELTA ? seriesKind.deltaHistogram : seriesKind.cumulativeHistogram)
    }
  }

  function storeNumber(kind: SeriesKind): RefusalReason | undefined {
    const stale = (point.flags & NO_RECORDED_VALUE) !== 0
    if (!point.hasValue && !stale) return 'no-data'
    const series = resolve(name, kind, [])
    if (typeof series === 'string') return series
    const low = stale ? STALE_LOW : point.low
    const high = stale ? STALE_HIGH : point.high
    pushSample(columns, series, point.timeMs, point.startMs, low, high)
    outcome.samples++
    return undefined
  }

  /** A summary becomes what Prometheus makes of one: a gauge per quantile, and two counters. */
  function storeSummary(): RefusalReason | undefined {
    const counter = seriesKind.cumulativeCounter
    const named = (suffix: string) => texts.internString(`${texts.text(name) ?? ''}${suffix}`)
    const count = resolve(named('_count'), counter, [])
    if (typeof count === 'string') return count
    const sum = resolve(named('_sum'), counter, [])
    if (typeof sum === 'string') return sum
    pushValue(columns, count, point.timeMs, point.startMs, point.count)
    pushValue(columns, sum, point.timeMs, point.startMs, point.sum)
    outcome.samples += 2
    for (let i = 0; i < point.quantiles.length; i += 2) {
      const quantile = texts.internString(String(point.quantiles[i]))
      const series = resolve(name, seriesKind.gauge, [quantileLabel, quantile])
      if (typeof series === 'string') return series
      pushValue(columns, series, point.timeMs, 0, point.quantiles[i + 1] as number)
      outcome.samples++
    }
    return undefined
  }

  function storeHistogram(data: number, kind: SeriesKind): RefusalReason | undefined {
    const refusal = data === metricData.exponential ? pushExponentialBuckets() : pushExplicitBuckets()
    const series = refusal ?? resolve(name, kind, [])
    if (typeof series === 'string') {
      dropBuckets(columns)
      return series
    }
    pushHistogram(columns, series, {
      timeMs: point.timeMs,
      startMs: point.startMs,
      count: point.count,
      sum: point.sum,
      min: point.min,
      max: point.max,
      scale: data === metricData.exponential ? Math.min(point.scale, FINEST_SCALE) : CUSTOM_BOUNDS,
      zeroCount: point.zeroCount,
      zeroThreshold: point.zeroThreshold,
    })
    outcome.histograms++
    return undefined
  }

  function pushExplicitBuckets(): RefusalReason | undefined {
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

  function pushExponentialBuckets(): RefusalReason | undefined {
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

  /** The series of a metric name with the attributes read last and `extra` label refs. */
  function resolve(metric: number, kind: SeriesKind, extra: readonly number[]): SeriesHandle | RefusalReason {
    const length = 3 + extra.length + attributes.length + scope.length + resource.length
    if (length > key.length) key = new Uint32Array(Math.max(key.length * 2, length))
    key[0] = metric
    key[1] = unit
    key[2] = kind
    let at = 3
    for (const refs of [extra, attributes, scope, resource]) for (const ref of refs) key[at++] = ref
    const keyBytes = new Uint8Array(key.buffer)
    const keyView = new DataView(key.buffer)
    const knownSeries = keys.find(keyBytes, keyView, 0, length * 4)
    if (knownSeries >= 0) return knownSeries
    const labels = [nameLabel, metric]
    const taken = new Set([nameLabel])
    for (let i = 3; i < length; i += 2) {
      const label = key[i] as number
      // A point's own attribute wins over one of its resource; an attribute without a name says nothing.
      if (label === 0 || taken.has(label)) continue
      taken.add(label)
      labels.push(label, key[i + 1] as number)
    }
    const defined = registry.define({ labels, labelCount: labels.length / 2, kind: () => kind, unit })
    if (typeof defined === 'number') keys.remember(keyBytes, keyView, 0, length * 4, defined)
    return defined
  }
}

const integer = new Float64Array(1)
const integerWords = new Uint32Array(integer.buffer)
