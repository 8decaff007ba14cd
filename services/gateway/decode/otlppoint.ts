import type { TextTable } from '../batch/registry.ts'
import { readAttribute } from './otlpvalue.ts'
import {
  type Cursor,
  FIXED64,
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

/** Which data a metric carries, and so the kind of its points: its field number in `Metric`. */
export const metricData = { gauge: 5, sum: 7, histogram: 9, exponential: 10, summary: 11 } as const
export type MetricData = (typeof metricData)[keyof typeof metricData]
const dataFields: ReadonlySet<number> = new Set(Object.values(metricData))

export function isMetricData(field: number): field is MetricData {
  return dataFields.has(field)
}

/** A data point of any kind. */
export type OtlpPoint = {
  /** Refs of keys and values by turns. */
  readonly attributes: number[]
  timeMs: number
  startMs: number
  flags: number
  count: number
  /** NaN when not stated, as are `min` and `max`. */
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
  /** Index of the first of `counts` in an exponential histogram. */
  offset: number
  readonly counts: number[]
  /** Observations in negative buckets: counted, not kept apart. */
  negative: number
  readonly bounds: number[]
  /** Quantiles of a summary and their values by turns. */
  readonly quantiles: number[]
  exemplars: number
}

export type OtlpPointReader = {
  /** What was read last. */
  readonly point: OtlpPoint
  /** Reads the point that ends at `end`. Throws DecodeError when it does not parse. */
  read(data: MetricData, end: number): void
}

export function createPointReader(cursor: Cursor, texts: TextTable): OtlpPointReader {
  const { view } = cursor
  const point: OtlpPoint = {
    attributes: [],
    timeMs: 0,
    startMs: 0,
    flags: 0,
    count: 0,
    sum: Number.NaN,
    min: Number.NaN,
    max: Number.NaN,
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

  function read(data: MetricData, end: number): void {
    clear()
    switch (data) {
      case metricData.gauge:
      case metricData.sum:
        readNumber(end)
        break
      case metricData.summary:
        readSummary(end)
        break
      case metricData.histogram:
        readHistogram(end)
        break
      case metricData.exponential:
        readExponentialHistogram(end)
    }
    if (cursor.at !== end) throw malformedAt(cursor.at, 'a data point runs past its end')
  }

  function clear(): void {
    point.attributes.length = 0
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

  /** NumberDataPoint. */
  function readNumber(end: number): void {
    while (cursor.at < end) {
      const tag = readTag(cursor)
      if (readCommon(tag, 0x3a, end)) continue
      if (tag === 0x21 || tag === 0x31) {
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

  /** SummaryDataPoint. */
  function readSummary(end: number): void {
    while (cursor.at < end) {
      const tag = readTag(cursor)
      if (readCommon(tag, 0x3a, end)) continue
      if (tag === 0x21) point.count = readFixed64(cursor)
      else if (tag === 0x29) point.sum = readDouble(cursor)
      else if (tag === 0x32) readQuantile(readLength(cursor, end) + cursor.at)
      else if (tag === 0x40) point.flags = readVarint32(cursor)
      else skipField(cursor, tag & 7, end)
    }
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

  /** HistogramDataPoint: buckets between explicit bounds. */
  function readHistogram(end: number): void {
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

  function readPacked(tag: number, end: number, into: number[], read: (from: Cursor) => number): void {
    if ((tag & 7) === FIXED64) {
      into.push(read(cursor))
      return
    }
    const packedEnd = readLength(cursor, end) + cursor.at
    while (cursor.at < packedEnd) into.push(read(cursor))
    if (cursor.at !== packedEnd) throw malformedAt(cursor.at, 'a packed field runs past its end')
  }

  /** ExponentialHistogramDataPoint. */
  function readExponentialHistogram(end: number): void {
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

  /** Attributes and the two times, which every kind of point has; the field of the attributes differs. */
  function readCommon(tag: number, attributesTag: number, end: number): boolean {
    if (tag === attributesTag) readAttribute(cursor, readLength(cursor, end) + cursor.at, texts, point.attributes)
    else if (tag === 0x11) point.startMs = readNanosAsMs(cursor)
    else if (tag === 0x19) point.timeMs = readNanosAsMs(cursor)
    else return false
    return true
  }

  function countExemplar(tag: number, end: number): void {
    skipField(cursor, tag & 7, end)
    point.exemplars++
  }

  return { point, read }
}

const integer = new Float64Array(1)
const integerWords = new Uint32Array(integer.buffer)
