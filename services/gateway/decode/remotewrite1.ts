import { SERIES_KIND } from '@plimsoll/contracts/metric-batch.ts'
import { type MetricColumns, pushSample } from '../batch/metriccolumns.ts'
import type { SeriesHandle, SeriesKeys, SeriesRefusal, SeriesRegistry } from '../batch/registry.ts'
import { kindBySuffix } from '../domain/series.ts'
import {
  createNativeHistogram,
  type NativeHistogram,
  pushNativeHistogram,
  readNativeHistogram,
} from './nativehistogram.ts'
import { createOutcome, type Outcome, refuse } from './outcome.ts'
import {
  type Cursor,
  cursorOf,
  malformedAt,
  readInt64,
  readLength,
  readTag,
  skipField,
  skipLength,
} from './protobuf.ts'

/** Everything a decoder needs: where series are known, where points go, which times are believable. */
export type DecodeTarget = {
  readonly registry: SeriesRegistry
  readonly columns: MetricColumns
  /** Points later than this are refused, ms since the epoch. There is no earliest time: backfill is welcome. */
  readonly latestMs: number
}

const LABEL = 0x0a
const SAMPLE = 0x12
const EXEMPLAR = 0x1a
const HISTOGRAM = 0x22

/**
 * `prometheus.WriteRequest` (remote write 1.0) straight from the bytes into columns. Throws DecodeError when the
 * message does not parse; then nothing of it counts. Series that are wrong are refused one by one.
 */
export function decodeRemoteWrite1(bytes: Uint8Array, target: DecodeTarget): Outcome {
  const cursor = cursorOf(bytes)
  const series = createSeriesReader(cursor, target)
  while (cursor.at < cursor.end) {
    const tag = readTag(cursor)
    if (tag === 0x0a) {
      const length = readLength(cursor, cursor.end)
      series.read(cursor.at + length)
    } else if (tag === 0x1a) {
      // Metadata states help and type per metric family. Kinds come from the name alone, so that the identity of a
      // series does not change when its metadata arrives a minute after its first sample.
      skipLength(cursor, cursor.end)
      series.outcome.metadata++
    } else skipField(cursor, tag & 7, cursor.end)
  }
  return series.outcome
}

type SeriesReader = { read(end: number): void; readonly outcome: Outcome }

function createSeriesReader(cursor: Cursor, target: DecodeTarget): SeriesReader {
  const { registry, columns } = target
  const { bytes, view } = cursor
  const outcome = createOutcome()
  const histogram = createNativeHistogram()
  const floats = registry.keyspace('labels')
  const histograms = registry.keyspace('labels-histogram')
  const labels: number[] = []

  /** One TimeSeries message. Labels come first from every known sender, so the key is one range of the body. */
  function read(end: number): void {
    const start = cursor.at
    skipLabels(end)
    const labelsEnd = cursor.at
    if (hasLateLabel(end)) {
      const gathered = gatherLabels(start, end)
      cursor.at = start
      readPoints(end, gathered, cursorOf(gathered).view, 0, gathered.length)
    } else {
      cursor.at = labelsEnd
      readPoints(end, bytes, view, start, labelsEnd)
    }
  }

  function skipLabels(end: number): void {
    while (cursor.at < end && bytes[cursor.at] === LABEL) {
      cursor.at++
      skipLength(cursor, end)
    }
  }

  function hasLateLabel(end: number): boolean {
    while (cursor.at < end) {
      const tag = readTag(cursor)
      if (tag === LABEL) return true
      skipField(cursor, tag & 7, end)
    }
    if (cursor.at !== end) throw malformedAt(cursor.at, 'a series runs past its end')
    return false
  }

  /** The label fields of a series that scatters them, put together. */
  function gatherLabels(start: number, end: number): Uint8Array {
    const parts: Uint8Array[] = []
    cursor.at = start
    while (cursor.at < end) {
      const at = cursor.at
      const tag = readTag(cursor)
      skipField(cursor, tag & 7, end)
      if (tag === LABEL) parts.push(bytes.subarray(at, cursor.at))
    }
    return Buffer.concat(parts)
  }

  function readPoints(end: number, source: Uint8Array, sourceView: DataView, from: number, to: number): void {
    let float: SeriesHandle | SeriesRefusal | undefined
    let native: SeriesHandle | SeriesRefusal | undefined
    let exemplars = 0
    while (cursor.at < end) {
      const tag = readTag(cursor)
      if (tag === SAMPLE) {
        float ??= resolve(floats, source, sourceView, from, to, undefined)
        readSample(readLength(cursor, end) + cursor.at, float)
      } else if (tag === HISTOGRAM) {
        readNativeHistogram(cursor, readLength(cursor, end) + cursor.at, histogram)
        native ??= resolve(histograms, source, sourceView, from, to, histogram)
        addHistogram(native)
      } else if (tag === EXEMPLAR) {
        skipLength(cursor, end)
        exemplars++
      } else skipField(cursor, tag & 7, end)
    }
    if (cursor.at !== end) throw malformedAt(cursor.at, 'a series runs past its end')
    // Exemplars come between samples and histograms, so the series may only be known now.
    const pointless = float === undefined && native === undefined
    const series = float ?? native ?? resolve(floats, source, sourceView, from, to, undefined)
    if (typeof series === 'number') outcome.exemplars += exemplars
    else if (exemplars > 0) refuse(outcome, series, exemplars, () => 'an exemplar')
    else if (pointless) refuse(outcome, series, 1, () => 'a series without samples')
  }

  function readSample(end: number, series: SeriesHandle | SeriesRefusal): void {
    let low = 0
    let high = 0
    let timeMs = 0
    while (cursor.at < end) {
      const tag = readTag(cursor)
      if (tag === 0x09 && cursor.at + 8 <= end) {
        low = view.getUint32(cursor.at, true)
        high = view.getUint32(cursor.at + 4, true)
        cursor.at += 8
      } else if (tag === 0x10) timeMs = readInt64(cursor)
      else skipField(cursor, tag & 7, end)
    }
    if (cursor.at !== end) throw malformedAt(cursor.at, 'a sample runs past its end')
    if (typeof series === 'string') refuse(outcome, series, 1, () => 'a sample')
    else if (timeMs > target.latestMs) refuse(outcome, 'too-far-ahead', 1, () => aheadExample(registry, series, timeMs))
    else {
      pushSample(columns, series, timeMs, 0, low, high)
      outcome.samples++
    }
  }

  function addHistogram(series: SeriesHandle | SeriesRefusal): void {
    if (typeof series === 'string') {
      refuse(outcome, series, 1, () => 'a histogram')
      return
    }
    if (histogram.timeMs > target.latestMs) {
      refuse(outcome, 'too-far-ahead', 1, () => aheadExample(registry, series, histogram.timeMs))
      return
    }
    const refusal = pushNativeHistogram(columns, series, histogram)
    if (refusal === undefined) outcome.histograms++
    else refuse(outcome, refusal, 1, () => metricName(registry, series))
  }

  function resolve(
    keys: SeriesKeys,
    source: Uint8Array,
    sourceView: DataView,
    from: number,
    to: number,
    asHistogram: NativeHistogram | undefined,
  ): SeriesHandle | SeriesRefusal {
    const known = keys.find(source, sourceView, from, to)
    if (known >= 0) return known
    labels.length = 0
    const at = { bytes: source, view: sourceView, at: from, end: to }
    while (at.at < to) {
      readTag(at)
      readLabel(at, readLength(at, to) + at.at)
    }
    const defined = registry.define({
      labels,
      labelCount: labels.length / 2,
      kind:
        asHistogram === undefined
          ? kindBySuffix
          : () => (asHistogram.gauge ? SERIES_KIND.unknown : SERIES_KIND.cumulativeHistogram),
      unit: 0,
    })
    if (typeof defined === 'number') keys.remember(source, sourceView, from, to, defined)
    return defined
  }

  function readLabel(at: Cursor, end: number): void {
    let name = 0
    let value = 0
    while (at.at < end) {
      const tag = readTag(at)
      if (tag === 0x0a || tag === 0x12) {
        const length = readLength(at, end)
        const text = registry.texts.intern(at.bytes, at.view, at.at, at.at + length)
        if (tag === 0x0a) name = text
        else value = text
        at.at += length
      } else skipField(at, tag & 7, end)
    }
    if (at.at !== end) throw malformedAt(at.at, 'a label runs past its end')
    labels.push(name, value)
  }

  return { read, outcome }
}

export function metricName(registry: SeriesRegistry, series: SeriesHandle): string {
  return registry.texts.text(registry.columns.name[series] as number) ?? ''
}

export function aheadExample(registry: SeriesRegistry, series: SeriesHandle, timeMs: number): string {
  const time = Math.abs(timeMs) <= 8.64e15 ? new Date(timeMs).toISOString() : `${timeMs} ms`
  return `${metricName(registry, series)} at ${time}`
}
