import { SERIES_KIND } from '@plimsoll/contracts/metric-batch.ts'
import { pushSample } from '../batch/metriccolumns.ts'
import type { SeriesHandle, SeriesKeys, SeriesRefusal } from '../batch/registry.ts'
import { kindByMetadata } from '../domain/series.ts'
import { DecodeError } from './failure.ts'
import {
  createSymbols,
  findKnownSymbols,
  type KnownSymbols,
  keepSymbols,
  type SeriesForm,
  type Symbols,
} from './knownsymbols.ts'
import { createNativeHistogram, pushNativeHistogram, readNativeHistogram } from './nativehistogram.ts'
import { createOutcome, type Outcome, refuse } from './outcome.ts'
import {
  cursorOf,
  malformedAt,
  readInt64,
  readLength,
  readTag,
  readVarint32,
  skipField,
  skipLength,
} from './protobuf.ts'
import { aheadExample, type DecodeTarget, metricName } from './remotewrite1.ts'

const SYMBOL = 0x22
const TIMESERIES = 0x2a
const LABEL_REFS_PACKED = 0x0a
const LABEL_REFS = 0x08
const SAMPLE = 0x12
const HISTOGRAM = 0x1a
const EXEMPLAR = 0x22
const METADATA = 0x2a
/** Where senders up to 2.0-rc.3 put the start time of a whole series. */
const CREATED_TIMESTAMP = 0x30

/** Bytes of a sample with its tag and length: a double, and a time of six bytes, each behind its tag. */
const TIMED_SAMPLE = 2 + 9 + 7

type Resolution = SeriesHandle | SeriesRefusal | 'odd-label-refs' | 'invalid-symbol-ref'

const MIN_SYMBOLS = 4096
const MAX_KEPT_SYMBOLS = 1 << 20

function grownSymbols(symbols: Symbols): Symbols {
  const grown = createSymbols(symbols.start.length * 2)
  grown.start.set(symbols.start)
  grown.end.set(symbols.end)
  return Object.assign(grown, { count: symbols.count })
}

/** One request is decoded at a time, so its symbols are kept in the same arrays as the last one's. */
let scratch = createSymbols(MIN_SYMBOLS)

/**
 * `io.prometheus.write.v2.Request` (remote write 2.0) straight from the bytes into columns. Throws DecodeError when the
 * message does not parse or is a 1.0 message in disguise (its fields 1 to 3 are reserved here for that purpose).
 */
export function decodeRemoteWrite2(bytes: Uint8Array, target: DecodeTarget): Outcome {
  const { registry, columns } = target
  const cursor = cursorOf(bytes)
  const { view } = cursor
  const outcome = createOutcome()
  const histogram = createNativeHistogram()
  const floats = registry.keyspace('refs')
  const histograms = registry.keyspace('refs-histogram')
  let known: KnownSymbols | undefined
  const symbols = readSymbols()

  // Key of a series: metadata type, unit and label texts, as numbers of this registry.
  let key = new Uint32Array(64)
  let keyBytes = new Uint8Array(key.buffer)
  let keyView = new DataView(key.buffer)
  let keyLength = 0
  let metadataType = 0
  let seriesStartMs = 0
  /** Where the series' first sample, histogram or exemplar stands; its end when it has none. */
  let pointsAt = 0
  const form: SeriesForm = { refsStart: 0, refsEnd: 0, restStart: 0, end: 0 }

  cursor.at = known?.head.length ?? 0
  while (cursor.at < cursor.end) {
    const tag = readTag(cursor)
    if (tag === TIMESERIES) {
      const end = readLength(cursor, cursor.end) + cursor.at
      if (known === undefined || !isPlain(end)) readSeries(end)
      else readPlainSeries(known)
    } else skipField(cursor, tag & 7, cursor.end)
  }
  return outcome

  /** Symbols may come after the series that use them, so they are found first. Texts are looked up on first use. */
  function readSymbols(): Symbols {
    known = findKnownSymbols(registry, bytes)
    if (known !== undefined) {
      collectSymbols(known.head.length)
      if (scratch.count === 0) return known.symbols
      known = undefined
    }
    const headEnd = collectSymbols(0)
    const last = scratch.count - 1
    if (last >= 0 && scratch.start[0] !== scratch.end[0]) {
      throw new DecodeError('the first symbol of a 2.0 message must be the empty string')
    }
    if (last >= 0 && scratch.end[last] === headEnd) {
      known = keepSymbols(registry, bytes.subarray(0, headEnd), scratch)
      if (known !== undefined) return known.symbols
    }
    scratch.text.fill(-1, 0, scratch.count)
    return scratch
  }

  /** Finds the symbols from a byte on. Gives where the first other field stands. */
  function collectSymbols(from: number): number {
    // A single huge request must not keep its scratch for ever.
    if (scratch.start.length > MAX_KEPT_SYMBOLS) scratch = createSymbols(MIN_SYMBOLS)
    scratch.count = 0
    cursor.at = from
    let headEnd = -1
    while (cursor.at < cursor.end) {
      const at = cursor.at
      const tag = readTag(cursor)
      if (tag === SYMBOL) {
        const length = readLength(cursor, cursor.end)
        if (scratch.count === scratch.start.length) scratch = grownSymbols(scratch)
        scratch.start[scratch.count] = cursor.at
        cursor.at += length
        scratch.end[scratch.count++] = cursor.at
        continue
      }
      if (headEnd < 0) headEnd = at
      const number = tag >>> 3
      if (number >= 1 && number <= 3) {
        throw malformedAt(
          at,
          `field ${number}, which 2.0 reserves; a 1.0 message needs the content type application/x-protobuf`,
        )
      }
      skipField(cursor, tag & 7, cursor.end)
    }
    return headEnd
  }

  function textOf(symbol: number): number {
    const known = symbols.text[symbol] as number
    if (known >= 0) return known
    const text = registry.texts.intern(bytes, view, symbols.start[symbol] as number, symbols.end[symbol] as number)
    symbols.text[symbol] = text
    return text
  }

  /** Whether a series is of the form that most senders write: refs, samples, and metadata or nothing. Notes its `form`. */
  function isPlain(end: number): boolean {
    const { at } = cursor
    const refsLength = bytes[at + 1] as number
    if (bytes[at] !== LABEL_REFS_PACKED || refsLength >= 128) return false
    form.refsStart = at + 2
    form.refsEnd = at + 2 + refsLength
    form.end = end
    let rest = form.refsEnd
    while (rest < end && bytes[rest] === SAMPLE) {
      const length = bytes[rest + 1] as number
      if (length >= 128) return false
      rest += 2 + length
    }
    form.restStart = rest
    if (rest === form.refsEnd || rest > end) return false
    const restLength = bytes[rest + 1] as number
    return rest === end || (bytes[rest] === METADATA && restLength < 128 && rest + 2 + restLength === end)
  }

  /** Under known symbols the same refs and metadata mean the same series: neither has to be read. */
  function readPlainSeries(known: KnownSymbols): void {
    const series = known.find(bytes, view, form)
    if (series < 0) {
      const read = readSeries(form.end)
      if (typeof read === 'number') known.remember(bytes, view, form, read)
      return
    }
    seriesStartMs = 0
    let at = form.refsEnd
    while (at < form.restStart) {
      const end = at + 2 + (bytes[at + 1] as number)
      if (end - at !== TIMED_SAMPLE || !addTimedSample(at, series)) {
        cursor.at = at + 2
        readSample(end, series)
      }
      at = end
    }
    if (form.restStart < form.end) outcome.metadata++
    cursor.at = form.end
  }

  /**
   * Adds a sample that states its value and then a time of six bytes, which is every time from 1971 to 2109. False when
   * it is another one, or has to be refused: nothing is done then.
   */
  function addTimedSample(at: number, series: SeriesHandle): boolean {
    const low = view.getInt32(at + 12, true)
    const fifth = bytes[at + 16] as number
    const sixth = bytes[at + 17] as number
    const sixBytes = (low & ~0x7f7f7f7f) === ~0x7f7f7f7f && fifth >= 128 && sixth < 128
    if (bytes[at + 2] !== 0x09 || bytes[at + 11] !== 0x10 || !sixBytes) return false
    const bits28 = (low & 0x7f) | ((low >> 1) & 0x3f80) | ((low >> 2) & 0x1fc000) | ((low >> 3) & 0xfe00000)
    const timeMs = bits28 + ((fifth & 127) | (sixth << 7)) * 2 ** 28
    if (timeMs > target.latestMs) return false
    pushSample(columns, series, timeMs, 0, view.getUint32(at + 3, true), view.getUint32(at + 7, true))
    outcome.samples++
    return true
  }

  function readSeries(end: number): Resolution {
    const keyRefusal = readKey(end)
    cursor.at = pointsAt
    let float: Resolution | undefined
    let native: Resolution | undefined
    let exemplars = 0
    while (cursor.at < end) {
      const tag = readTag(cursor)
      if (tag === SAMPLE) {
        float ??= keyRefusal ?? resolve(floats, false)
        readSample(readLength(cursor, end) + cursor.at, float)
      } else if (tag === HISTOGRAM) {
        readNativeHistogram(cursor, readLength(cursor, end) + cursor.at, histogram)
        native ??= keyRefusal ?? resolve(histograms, true)
        addHistogram(native)
      } else if (tag === EXEMPLAR) {
        skipLength(cursor, end)
        exemplars++
      } else skipField(cursor, tag & 7, end)
    }
    if (cursor.at !== end) throw malformedAt(cursor.at, 'a series runs past its end')
    const pointless = float === undefined && native === undefined
    const series = float ?? native ?? keyRefusal ?? resolve(floats, false)
    if (typeof series === 'number') outcome.exemplars += exemplars
    else if (exemplars > 0) refuse(outcome, series, exemplars, () => 'an exemplar')
    else if (pointless) refuse(outcome, series, 1, () => 'a series without samples')
    return series
  }

  /** Labels, metadata and start time of a series into `key`, whatever order its fields come in. */
  function readKey(end: number): 'odd-label-refs' | 'invalid-symbol-ref' | undefined {
    let refusal: 'odd-label-refs' | 'invalid-symbol-ref' | undefined
    keyLength = 2
    key[0] = 0
    key[1] = 0
    seriesStartMs = 0
    metadataType = 0
    pointsAt = -1
    while (cursor.at < end) {
      const { at } = cursor
      const tag = readTag(cursor)
      if (tag === SAMPLE || tag === HISTOGRAM || tag === EXEMPLAR) {
        if (pointsAt < 0) pointsAt = at
        skipLength(cursor, end)
      } else if (tag === LABEL_REFS_PACKED) refusal = readRefs(readLength(cursor, end) + cursor.at) ?? refusal
      else if (tag === LABEL_REFS) {
        const symbol = readVarint32(cursor)
        if (keyLength === key.length) growKey(keyLength + 1)
        if (symbol >= symbols.count) refusal = 'invalid-symbol-ref'
        else key[keyLength++] = textOf(symbol)
      } else if (tag === METADATA) refusal = readMetadata(readLength(cursor, end) + cursor.at) ?? refusal
      else if (tag === CREATED_TIMESTAMP) seriesStartMs = readInt64(cursor)
      else skipField(cursor, tag & 7, end)
    }
    if (cursor.at !== end) throw malformedAt(cursor.at, 'a series runs past its end')
    if (pointsAt < 0) pointsAt = end
    return refusal ?? (keyLength % 2 === 0 ? undefined : 'odd-label-refs')
  }

  /** Twenty refs to a sample: the loop works on locals, and reads refs of one and two bytes itself. */
  function readRefs(end: number): 'invalid-symbol-ref' | undefined {
    let refusal: 'invalid-symbol-ref' | undefined
    let { at } = cursor
    if (keyLength + end - at > key.length) growKey(keyLength + end - at)
    const { count, text } = symbols
    const refs = key
    let length = keyLength
    while (at < end) {
      const first = bytes[at] as number
      const second = bytes[at + 1] as number
      let symbol = first
      if (first < 128) at++
      else if (second < 128) {
        symbol = (first & 127) | (second << 7)
        at += 2
      } else {
        cursor.at = at
        symbol = readVarint32(cursor)
        at = cursor.at
      }
      if (symbol >= count) refusal = 'invalid-symbol-ref'
      else {
        const known = text[symbol] as number
        refs[length++] = known < 0 ? textOf(symbol) : known
      }
    }
    if (at !== end) throw malformedAt(at, 'label refs run past their end')
    cursor.at = at
    keyLength = length
    return refusal
  }

  function readMetadata(end: number): 'invalid-symbol-ref' | undefined {
    let refusal: 'invalid-symbol-ref' | undefined
    outcome.metadata++
    while (cursor.at < end) {
      const tag = readTag(cursor)
      if (tag === 0x08) metadataType = readVarint32(cursor)
      else if (tag === 0x18 || tag === 0x20) {
        const symbol = readVarint32(cursor)
        if (symbol >= symbols.count) refusal = 'invalid-symbol-ref'
        else if (tag === 0x20) key[1] = textOf(symbol)
      } else skipField(cursor, tag & 7, end)
    }
    if (cursor.at !== end) throw malformedAt(cursor.at, 'metadata runs past its end')
    key[0] = metadataType
    return refusal
  }

  function growKey(length: number): void {
    const grown = new Uint32Array(Math.max(key.length * 2, length))
    grown.set(key)
    key = grown
    keyBytes = new Uint8Array(key.buffer)
    keyView = new DataView(key.buffer)
  }

  function resolve(keys: SeriesKeys, native: boolean): Resolution {
    const met = keys.find(keyBytes, keyView, 0, keyLength * 4)
    if (met >= 0) return met
    const type = metadataType
    const gauge = histogram.gauge
    const defined = registry.define({
      labels: key.subarray(2, keyLength),
      labelCount: (keyLength - 2) / 2,
      kind: (name) =>
        native ? (gauge ? SERIES_KIND.unknown : SERIES_KIND.cumulativeHistogram) : kindByMetadata(type, name),
      unit: key[1] as number,
    })
    if (typeof defined === 'number') keys.remember(keyBytes, keyView, 0, keyLength * 4, defined)
    return defined
  }

  function readSample(end: number, series: Resolution): void {
    let low = 0
    let high = 0
    let timeMs = 0
    let startMs = seriesStartMs
    while (cursor.at < end) {
      const tag = readTag(cursor)
      if (tag === 0x09 && cursor.at + 8 <= end) {
        low = view.getUint32(cursor.at, true)
        high = view.getUint32(cursor.at + 4, true)
        cursor.at += 8
      } else if (tag === 0x10) timeMs = readInt64(cursor)
      else if (tag === 0x18) startMs = readInt64(cursor)
      else skipField(cursor, tag & 7, end)
    }
    if (cursor.at !== end) throw malformedAt(cursor.at, 'a sample runs past its end')
    if (typeof series === 'string') refuse(outcome, series, 1, () => 'a sample')
    else if (timeMs > target.latestMs) refuse(outcome, 'too-far-ahead', 1, () => aheadExample(registry, series, timeMs))
    else {
      pushSample(columns, series, timeMs, startMs, low, high)
      outcome.samples++
    }
  }

  function addHistogram(series: Resolution): void {
    if (typeof series === 'string') {
      refuse(outcome, series, 1, () => 'a histogram')
      return
    }
    if (histogram.timeMs > target.latestMs) {
      refuse(outcome, 'too-far-ahead', 1, () => aheadExample(registry, series, histogram.timeMs))
      return
    }
    if (histogram.startMs === 0) histogram.startMs = seriesStartMs
    const refusal = pushNativeHistogram(columns, series, histogram)
    if (refusal === undefined) outcome.histograms++
    else refuse(outcome, refusal, 1, () => metricName(registry, series))
  }
}
