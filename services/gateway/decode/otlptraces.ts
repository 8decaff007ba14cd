import { laneOf, metricLaneKey } from '@plimsoll/contracts/lane.ts'
import { createByteTable } from '../batch/bytetable.ts'
import type { SeriesRegistry } from '../batch/registry.ts'
import {
  openSpan,
  SPAN_ID_BYTES,
  SPAN_TEXTS,
  type SpanColumns,
  spanText,
  TRACE_ID_BYTES,
} from '../batch/spancolumns.ts'
import { unknownService } from '../domain/service.ts'
import { eachMessage, internCut, readAttributes, readValueText } from './otlpvalue.ts'
import { createOutcome, type Outcome, type RefusalReason, refuse } from './outcome.ts'
import {
  cursorOf,
  malformedAt,
  nanosToMs,
  readInt64,
  readLength,
  readTag,
  readVarint32,
  skipField,
} from './protobuf.ts'

export type TraceTarget = {
  readonly registry: SeriesRegistry
  readonly spans: SpanColumns
  /** Spans that start later than this are refused, ms since the epoch. */
  readonly latestMs: number
}

/** Where an attribute goes: a text column, the parts of an RPC route, or the HTTP status. */
type Slot = keyof typeof spanText | 'rpcService' | 'rpcMethod' | 'httpStatus'

/**
 * Attributes read, by slot, the most telling first. Both generations of the semantic conventions: the stable names and
 * the ones instrumentation libraries sent before.
 */
const spanAttributes: Readonly<Partial<Record<Slot, readonly string[]>>> = {
  route: ['http.route'],
  rpcService: ['rpc.service'],
  rpcMethod: ['rpc.method'],
  method: ['http.request.method', 'http.method'],
  httpStatus: ['http.response.status_code', 'http.status_code'],
  system: ['db.system.name', 'db.system', 'messaging.system', 'gen_ai.provider.name', 'gen_ai.system'],
  operation: [
    'db.query.summary',
    'db.operation.name',
    'db.operation',
    'messaging.operation.name',
    'messaging.operation.type',
    'messaging.operation',
    'gen_ai.operation.name',
  ],
  statement: ['db.query.text', 'db.statement'],
  peer: ['server.address', 'peer.service', 'net.peer.name', 'net.sock.peer.addr'],
}

const resourceAttributes: Readonly<Record<string, keyof typeof spanText>> = {
  'service.name': 'service',
  'service.version': 'release',
  'service.instance.id': 'instance',
  'deployment.environment.name': 'environment',
  'deployment.environment': 'environment',
}

/** Slots that are no text column of their own. */
const RPC_SERVICE = SPAN_TEXTS
const RPC_METHOD = SPAN_TEXTS + 1
const HTTP_STATUS = SPAN_TEXTS + 2
const SLOTS = SPAN_TEXTS + 3
const slotNumbers = { ...spanText, rpcService: RPC_SERVICE, rpcMethod: RPC_METHOD, httpStatus: HTTP_STATUS }

const known = createByteTable(64)
/** By number in `known`: the slot, and the rank of the name within it. */
const knownSlots: number[] = []
const knownRanks: number[] = []
for (const [slot, names] of Object.entries(spanAttributes)) {
  names.forEach((name, rank) => {
    const bytes = new TextEncoder().encode(name)
    known.intern(bytes, new DataView(bytes.buffer), 0, bytes.length)
    knownSlots.push(slotNumbers[slot as Slot])
    knownRanks.push(rank)
  })
}
/** The columns before it are a resource's: checked once, not for each span. */
const FIRST_OF_SPAN = spanText.name
const NOTHING = 99

/**
 * `ExportTraceServiceRequest` straight from the bytes into columns. Throws DecodeError when the message does not parse;
 * spans that are wrong are refused one by one.
 */
export function decodeOtlpTraces(bytes: Uint8Array, target: TraceTarget): Outcome {
  const { registry, spans } = target
  const { texts } = registry
  const cursor = cursorOf(bytes)
  const { view } = cursor
  const outcome = createOutcome()
  const resource = new Uint32Array(SPAN_TEXTS)
  const attributes: number[] = []
  /** Rank of what each slot holds for the span being read. */
  const ranks = new Uint8Array(SLOTS)
  let resourceValid = true
  let lane = 0
  let rpcService = 0
  let rpcMethod = 0

  eachMessage(cursor, cursor.end, 1, readResourceSpans)
  return outcome

  function readResourceSpans(end: number): void {
    const start = cursor.at
    attributes.length = 0
    eachMessage(cursor, end, 1, (resourceEnd) => readAttributes(cursor, resourceEnd, 1, texts, attributes))
    resource.fill(0)
    for (let i = 0; i < attributes.length; i += 2) {
      const slot = resourceAttributes[texts.text(attributes[i] as number) ?? '']
      if (slot !== undefined) resource[spanText[slot]] = attributes[i + 1] as number
    }
    const service = texts.text(resource[spanText.service] as number) || unknownService
    resource[spanText.service] = texts.internString(service)
    lane = laneOf(metricLaneKey(service, registry.source), registry.lanes)
    resourceValid = resource.every((text) => text === 0 || texts.valid(text))
    cursor.at = start
    eachMessage(cursor, end, 2, (scopeEnd) => eachMessage(cursor, scopeEnd, 2, readSpan))
  }

  function readSpan(end: number): void {
    const row = openSpan(spans)
    const refs = spans.texts
    const firstRef = row * SPAN_TEXTS
    for (let i = 0; i < SPAN_TEXTS; i++) refs[firstRef + i] = resource[i] as number
    spans.lane[row] = lane
    for (let i = 0; i < SLOTS; i++) ranks[i] = NOTHING
    rpcService = 0
    rpcMethod = 0
    /** 1 when the trace is stated, 2 when the span is. */
    let identified = 0
    let startHigh = 0
    let startLow = 0
    let endHigh = 0
    let endLow = 0
    while (cursor.at < end) {
      const tag = readTag(cursor)
      switch (tag) {
        case 0x0a:
          if (readId(end, spans.traceId, row * TRACE_ID_BYTES, TRACE_ID_BYTES)) identified |= 1
          break
        case 0x12:
          if (readId(end, spans.spanId, row * SPAN_ID_BYTES, SPAN_ID_BYTES)) identified |= 2
          break
        case 0x22:
          readId(end, spans.parentSpanId, row * SPAN_ID_BYTES, SPAN_ID_BYTES)
          break
        case 0x2a: {
          const length = readLength(cursor, end)
          refs[firstRef + spanText.name] = internCut(texts, cursor, cursor.at, cursor.at + length)
          cursor.at += length
          break
        }
        case 0x30:
          spans.kind[row] = readVarint32(cursor)
          break
        case 0x39:
          if (cursor.at + 8 > end) throw malformedAt(cursor.at, 'a span ends inside its start time')
          startLow = view.getUint32(cursor.at, true)
          startHigh = view.getUint32(cursor.at + 4, true)
          cursor.at += 8
          break
        case 0x41:
          if (cursor.at + 8 > end) throw malformedAt(cursor.at, 'a span ends inside its end time')
          endLow = view.getUint32(cursor.at, true)
          endHigh = view.getUint32(cursor.at + 4, true)
          cursor.at += 8
          break
        case 0x4a:
          readSpanAttribute(readLength(cursor, end) + cursor.at, row)
          break
        case 0x7a:
          readStatus(readLength(cursor, end) + cursor.at, row)
          break
        default:
          skipField(cursor, tag & 7, end)
      }
    }
    if (cursor.at !== end) throw malformedAt(cursor.at, 'a span runs past its end')
    spans.startTime[row] = nanosToMs(startHigh, startLow)
    // The difference of two times is small where the times themselves are not exact in a double.
    spans.durationMs[row] = (endHigh - startHigh) * 4294.967296 + (endLow - startLow) / 1e6
    if (rpcMethod !== 0 && refs[firstRef + spanText.route] === 0) {
      const route = `${texts.text(rpcService) ?? ''}/${texts.text(rpcMethod) ?? ''}`
      refs[firstRef + spanText.route] = texts.internString(route)
    }
    const refusal = wrong(row, identified)
    if (refusal === undefined) outcome.spans++
    else {
      const name = refs[firstRef + spanText.name] as number
      spans.spans--
      refuse(outcome, refusal, 1, () => texts.text(name) ?? '')
    }
  }

  /** Copies an id of the right length; tells whether it is one that is not all zeros. */
  function readId(end: number, into: Uint8Array, at: number, length: number): boolean {
    const given = readLength(cursor, end)
    let bits = 0
    if (given === length) {
      for (let i = 0; i < length; i++) {
        const byte = bytes[cursor.at + i] as number
        into[at + i] = byte
        bits |= byte
      }
    }
    cursor.at += given
    return bits !== 0
  }

  function readSpanAttribute(end: number, row: number): void {
    // Nearly all are a short key and then a short value: both are found without a step for each tag and length.
    const keyStart = cursor.at + 2
    const keyLength = bytes[cursor.at + 1] as number
    const keyEnd = keyStart + keyLength
    const valueLength = bytes[keyEnd + 1] as number
    const short = keyLength < 128 && valueLength < 128 && keyEnd + 2 + valueLength === end
    if (short && bytes[cursor.at] === 0x0a && bytes[keyEnd] === 0x12) {
      cursor.at = keyEnd + 2
      const index = known.findNext(bytes, view, keyStart, keyEnd)
      if (index >= 0) setSlot(index, end, row)
      cursor.at = end
      return
    }
    let index = -1
    while (cursor.at < end) {
      const tag = readTag(cursor)
      if (tag === 0x0a) {
        const length = readLength(cursor, end)
        index = known.findNext(bytes, view, cursor.at, cursor.at + length)
        cursor.at += length
      } else if (tag === 0x12 && index >= 0) {
        const valueEnd = readLength(cursor, end) + cursor.at
        setSlot(index, valueEnd, row)
        cursor.at = valueEnd
      } else skipField(cursor, tag & 7, end)
    }
    if (cursor.at !== end) throw malformedAt(cursor.at, 'an attribute runs past its end')
  }

  function setSlot(index: number, end: number, row: number): void {
    const slot = knownSlots[index] as number
    const rank = knownRanks[index] as number
    if ((ranks[slot] as number) <= rank) return
    ranks[slot] = rank
    if (slot === HTTP_STATUS) spans.httpStatus[row] = readStatusCode(end)
    else {
      const text = readValueText(cursor, end, texts)
      if (slot === RPC_SERVICE) rpcService = text
      else if (slot === RPC_METHOD) rpcMethod = text
      else spans.texts[row * SPAN_TEXTS + slot] = text
    }
  }

  function readStatusCode(end: number): number {
    const tag = readTag(cursor)
    const code = tag === 0x18 ? readInt64(cursor) : Number(shortText(tag, end))
    return code >= 100 && code <= 599 ? code : 0
  }

  function shortText(tag: number, end: number): string {
    if (tag !== 0x0a) return ''
    const length = readLength(cursor, end)
    return length > 3 ? '' : String.fromCharCode(...bytes.subarray(cursor.at, cursor.at + length))
  }

  function readStatus(end: number, row: number): void {
    while (cursor.at < end) {
      const tag = readTag(cursor)
      if (tag === 0x18) spans.status[row] = readVarint32(cursor)
      else skipField(cursor, tag & 7, end)
    }
    if (cursor.at !== end) throw malformedAt(cursor.at, 'a status runs past its end')
  }

  function wrong(row: number, identified: number): RefusalReason | undefined {
    const startMs = spans.startTime[row] as number
    if (identified !== 3 || !((spans.durationMs[row] as number) >= 0) || startMs === 0) return 'invalid-span'
    if (startMs > target.latestMs) return 'too-far-ahead'
    if (!resourceValid) return 'invalid-utf8'
    for (let i = FIRST_OF_SPAN; i < SPAN_TEXTS; i++) {
      const text = spans.texts[row * SPAN_TEXTS + i] as number
      if (text !== 0 && !texts.valid(text)) return 'invalid-utf8'
    }
    if ((spans.kind[row] as number) > 5) spans.kind[row] = 0
    if ((spans.status[row] as number) > 2) spans.status[row] = 0
    return undefined
  }
}
