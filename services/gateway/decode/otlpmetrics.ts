import { EXPLICIT_BOUNDS, SERIES_KIND, type SeriesKind } from '@plimsoll/contracts/metric-batch.ts'
import { dropBuckets, pushHistogram, pushSample, pushValue } from '../batch/metriccolumns.ts'
import type { SeriesHandle } from '../batch/registry.ts'
import { FINEST_SCALE, pushExplicitBuckets, pushExponentialBuckets } from './otlpbuckets.ts'
import { createPointReader, isMetricData, type MetricData, metricData } from './otlppoint.ts'
import { eachMessage, internCut, readAttributes } from './otlpvalue.ts'
import { createOutcome, type Outcome, type RefusalReason, refuse } from './outcome.ts'
import { cursorOf, LENGTH, malformedAt, readLength, readTag, readVarint32, skipField } from './protobuf.ts'
import type { DecodeTarget } from './remotewrite1.ts'

const CUMULATIVE = 2
const DELTA = 1
const NO_RECORDED_VALUE = 1
/** The two halves of the stale marker: a point that says "no value" ends its series. */
const STALE_LOW = 2
const STALE_HIGH = 0x7ff00000

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
  const outcome = createOutcome()
  const nameLabel = texts.internString('__name__')
  const scopeNameLabel = texts.internString('otel.scope.name')
  const quantileLabel = texts.internString('quantile')
  const points = createPointReader(cursor, texts)
  const { point } = points
  const resource: number[] = []
  const scope: number[] = []
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
    let data: MetricData | undefined
    while (cursor.at < end) {
      const tag = readTag(cursor)
      const number = tag >>> 3
      if ((tag & 7) === LENGTH && (number === 1 || number === 3)) {
        const length = readLength(cursor, end)
        const text = internCut(texts, cursor, cursor.at, cursor.at + length)
        cursor.at += length
        if (number === 1) name = text
        else unit = text
      } else if ((tag & 7) === LENGTH && isMetricData(number)) {
        data = number
        readTemporality(readLength(cursor, end) + cursor.at)
      } else skipField(cursor, tag & 7, end)
    }
    if (cursor.at !== end) throw malformedAt(cursor.at, 'a metric runs past its end')
    if (data === undefined) {
      refuse(outcome, 'no-data', 1, () => texts.text(name) ?? '')
      return
    }
    const kind = data
    cursor.at = start
    eachMessage(cursor, end, kind, (dataEnd) =>
      eachMessage(cursor, dataEnd, 1, (pointEnd) => takePoint(kind, pointEnd)),
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

  function takePoint(data: MetricData, end: number): void {
    points.read(data, end)
    const refusal = store(data)
    if (refusal === undefined) outcome.exemplars += point.exemplars
    else refuse(outcome, refusal, 1, () => texts.text(name) ?? '')
  }

  function store(data: MetricData): RefusalReason | undefined {
    if (point.timeMs === 0) return 'no-data'
    if (point.timeMs > target.latestMs) return 'too-far-ahead'
    switch (data) {
      case metricData.gauge:
        return storeNumber(SERIES_KIND.gauge)
      case metricData.sum:
        if (temporality === DELTA) return storeNumber(SERIES_KIND.deltaCounter)
        if (temporality !== CUMULATIVE) return 'temporality-unspecified'
        return storeNumber(monotonic ? SERIES_KIND.cumulativeCounter : SERIES_KIND.gauge)
      case metricData.summary:
        return storeSummary()
      default:
        if (temporality !== CUMULATIVE && temporality !== DELTA) return 'temporality-unspecified'
        return storeHistogram(
          data,
          temporality === DELTA ? SERIES_KIND.deltaHistogram : SERIES_KIND.cumulativeHistogram,
        )
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
    const counter = SERIES_KIND.cumulativeCounter
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
      const series = resolve(name, SERIES_KIND.gauge, [quantileLabel, quantile])
      if (typeof series === 'string') return series
      pushValue(columns, series, point.timeMs, 0, point.quantiles[i + 1] as number)
      outcome.samples++
    }
    return undefined
  }

  function storeHistogram(data: MetricData, kind: SeriesKind): RefusalReason | undefined {
    const refusal =
      data === metricData.exponential ? pushExponentialBuckets(columns, point) : pushExplicitBuckets(columns, point)
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
      scale: data === metricData.exponential ? Math.min(point.scale, FINEST_SCALE) : EXPLICIT_BOUNDS,
      zeroCount: point.zeroCount,
      zeroThreshold: point.zeroThreshold,
    })
    outcome.histograms++
    return undefined
  }

  /** The series of a metric name with the attributes of the point and `extra` label refs. */
  function resolve(metric: number, kind: SeriesKind, extra: readonly number[]): SeriesHandle | RefusalReason {
    const length = 3 + extra.length + point.attributes.length + scope.length + resource.length
    if (length > key.length) key = new Uint32Array(Math.max(key.length * 2, length))
    key[0] = metric
    key[1] = unit
    key[2] = kind
    let at = 3
    for (const refs of [extra, point.attributes, scope, resource]) for (const ref of refs) key[at++] = ref
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
