import { DecodeError } from './failure.ts'
import { type ProtobufWriter, protobuf } from './protobufwriter.ts'

/**
 * OTLP/JSON -> the same request in protobuf, so that both forms meet one decoder and cannot differ. The mapping is
 * proto3 JSON with OTLP's exceptions: ids in hexadecimal, enums as integers (names are understood too), unknown fields
 * ignored (opentelemetry-proto, "OTLP/HTTP, JSON Protobuf Encoding").
 */
export type OtlpSignal = 'metrics' | 'traces' | 'logs'

type Scalar =
  | 'text'
  | 'bool'
  | 'int'
  | 'uint'
  | 'sint'
  | 'double'
  | 'fixed64'
  | 'sfixed64'
  | 'fixed32'
  | 'hex'
  | 'base64'
type Field = {
  readonly number: number
  readonly type: Scalar | (() => Message) | { readonly prefix: string; readonly names: readonly string[] }
}
type Message = Readonly<Record<string, Field>>

const field = (number: number, type: Field['type']): Field => ({ number, type })
const enumOf = (prefix: string, ...names: string[]) => ({ prefix, names })

const anyValue: Message = {
  stringValue: field(1, 'text'),
  boolValue: field(2, 'bool'),
  intValue: field(3, 'int'),
  doubleValue: field(4, 'double'),
  arrayValue: field(5, () => ({ values: field(1, () => anyValue) })),
  kvlistValue: field(6, () => ({ values: field(1, () => keyValue) })),
  bytesValue: field(7, 'base64'),
}
const keyValue: Message = { key: field(1, 'text'), value: field(2, () => anyValue) }
const attributes = (number: number): Field => field(number, () => keyValue)
const resource: Message = { attributes: attributes(1) }
const scope: Message = { name: field(1, 'text'), version: field(2, 'text'), attributes: attributes(3) }

const span: Message = {
  traceId: field(1, 'hex'),
  spanId: field(2, 'hex'),
  traceState: field(3, 'text'),
  parentSpanId: field(4, 'hex'),
  name: field(5, 'text'),
  kind: field(6, enumOf('SPAN_KIND_', 'UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER')),
  startTimeUnixNano: field(7, 'fixed64'),
  endTimeUnixNano: field(8, 'fixed64'),
  attributes: attributes(9),
  status: field(15, () => ({
    message: field(2, 'text'),
    code: field(3, enumOf('STATUS_CODE_', 'UNSET', 'OK', 'ERROR')),
  })),
}

const temporality = field(2, enumOf('AGGREGATION_TEMPORALITY_', 'UNSPECIFIED', 'DELTA', 'CUMULATIVE'))
const times: Message = { startTimeUnixNano: field(2, 'fixed64'), timeUnixNano: field(3, 'fixed64') }
/** Exemplars are counted, not kept. */
const exemplar: Message = { timeUnixNano: field(2, 'fixed64'), asDouble: field(3, 'double') }
const buckets: Message = { offset: field(1, 'sint'), bucketCounts: field(2, 'uint') }

const numberPoint: Message = {
  ...times,
  attributes: attributes(7),
  asDouble: field(4, 'double'),
  asInt: field(6, 'sfixed64'),
  exemplars: field(5, () => exemplar),
  flags: field(8, 'uint'),
}
const histogramPoint: Message = {
  ...times,
  attributes: attributes(9),
  count: field(4, 'fixed64'),
  sum: field(5, 'double'),
  bucketCounts: field(6, 'fixed64'),
  explicitBounds: field(7, 'double'),
  exemplars: field(8, () => exemplar),
  flags: field(10, 'uint'),
  min: field(11, 'double'),
  max: field(12, 'double'),
}
const exponentialPoint: Message = {
  ...times,
  attributes: attributes(1),
  count: field(4, 'fixed64'),
  sum: field(5, 'double'),
  scale: field(6, 'sint'),
  zeroCount: field(7, 'fixed64'),
  positive: field(8, () => buckets),
  negative: field(9, () => buckets),
  flags: field(10, 'uint'),
  exemplars: field(11, () => exemplar),
  min: field(12, 'double'),
  max: field(13, 'double'),
  zeroThreshold: field(14, 'double'),
}
const summaryPoint: Message = {
  ...times,
  attributes: attributes(7),
  count: field(4, 'fixed64'),
  sum: field(5, 'double'),
  quantileValues: field(6, () => ({ quantile: field(1, 'double'), value: field(2, 'double') })),
  flags: field(8, 'uint'),
}
const metric: Message = {
  name: field(1, 'text'),
  unit: field(3, 'text'),
  gauge: field(5, () => ({ dataPoints: field(1, () => numberPoint) })),
  sum: field(7, () => ({
    dataPoints: field(1, () => numberPoint),
    aggregationTemporality: temporality,
    isMonotonic: field(3, 'bool'),
  })),
  histogram: field(9, () => ({ dataPoints: field(1, () => histogramPoint), aggregationTemporality: temporality })),
  exponentialHistogram: field(10, () => ({
    dataPoints: field(1, () => exponentialPoint),
    aggregationTemporality: temporality,
  })),
  summary: field(11, () => ({ dataPoints: field(1, () => summaryPoint) })),
}

const requests: Readonly<Record<OtlpSignal, Message>> = {
  metrics: {
    resourceMetrics: field(1, () => ({
      resource: field(1, () => resource),
      scopeMetrics: field(2, () => ({ scope: field(1, () => scope), metrics: field(2, () => metric) })),
    })),
  },
  traces: {
    resourceSpans: field(1, () => ({
      resource: field(1, () => resource),
      scopeSpans: field(2, () => ({ scope: field(1, () => scope), spans: field(2, () => span) })),
    })),
  },
  logs: {
    resourceLogs: field(1, () => ({ scopeLogs: field(2, () => ({ logRecords: field(2, () => ({})) })) })),
  },
}

const MAX_DEPTH = 64

/** Throws DecodeError that names the place when the JSON is not a request of this signal. */
export function otlpJsonToProtobuf(signal: OtlpSignal, body: Uint8Array): Uint8Array {
  let parsed: unknown
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch (error) {
    throw new DecodeError(`the body is not JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
  const writer = protobuf()
  writeMessage(writer, requests[signal], parsed, '', 0)
  return writer.finish()
}

function writeMessage(writer: ProtobufWriter, message: Message, value: unknown, path: string, depth: number): void {
  if (depth > MAX_DEPTH) throw new DecodeError(`${path || 'the body'} is nested deeper than ${MAX_DEPTH}`)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(path, 'an object')
  for (const [name, content] of Object.entries(value)) {
    const known = Object.hasOwn(message, name) ? message[name] : undefined
    // proto3 JSON: null stands for a field that is not set.
    if (known === undefined || content === null) continue
    const at = path === '' ? name : `${path}.${name}`
    if (Array.isArray(content)) {
      for (const [i, item] of content.entries()) writeField(writer, known, item, `${at}[${i}]`, depth)
    } else writeField(writer, known, content, at, depth)
  }
}

function writeField(
  writer: ProtobufWriter,
  { number, type }: Field,
  value: unknown,
  path: string,
  depth: number,
): void {
  if (typeof type === 'function') {
    writer.message(number, (inner) => writeMessage(inner, type(), value, path, depth + 1))
    return
  }
  if (typeof type === 'object') {
    writer.varint(number, enumNumber(type.prefix, type.names, value, path))
    return
  }
  switch (type) {
    case 'text':
      if (typeof value !== 'string') throw wrong(path, 'a string')
      writer.text(number, value)
      return
    case 'bool':
      if (typeof value !== 'boolean') throw wrong(path, 'true or false')
      writer.varint(number, value ? 1 : 0)
      return
    case 'int':
    case 'uint':
      writer.varint(number, integerOf(value, path))
      return
    case 'sint':
      writer.sint(number, Number(integerOf(value, path)))
      return
    case 'fixed64':
    case 'sfixed64':
      writer.fixed64(number, integerOf(value, path))
      return
    case 'fixed32':
      writer.fixed32(number, Number(integerOf(value, path)))
      return
    case 'double':
      writer.double(number, doubleOf(value, path))
      return
    case 'hex':
    case 'base64':
      writer.bytes(number, bytesOf(type, value, path))
  }
}

function enumNumber(prefix: string, names: readonly string[], value: unknown, path: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 31) return value
  const index =
    typeof value === 'string' ? names.indexOf(value.startsWith(prefix) ? value.slice(prefix.length) : value) : -1
  if (index < 0) throw wrong(path, `one of ${names.map((name, i) => `${i} (${prefix}${name})`).join(', ')}`)
  return index
}

/** 64-bit integers come as strings, and from lenient senders as numbers. */
function integerOf(value: unknown, path: string): bigint {
  if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value)
  if (typeof value === 'string' && /^-?\d{1,20}$/.test(value)) return BigInt(value)
  throw wrong(path, 'an integer, as a string or a number')
}

function doubleOf(value: unknown, path: string): number {
  if (typeof value === 'number') return value
  if (value === 'NaN' || value === 'Infinity' || value === '-Infinity') return Number(value)
  if (typeof value === 'string' && value.trim() !== '' && !Number.isNaN(Number(value))) return Number(value)
  throw wrong(path, 'a number')
}

function bytesOf(type: 'hex' | 'base64', value: unknown, path: string): Uint8Array {
  if (typeof value !== 'string') throw wrong(path, type === 'hex' ? 'hexadecimal digits' : 'base64')
  if (type === 'hex' && !/^(?:[0-9a-fA-F]{2})*$/.test(value)) throw wrong(path, 'hexadecimal digits')
  return Buffer.from(value, type)
}

function wrong(path: string, expected: string): DecodeError {
  return new DecodeError(`${path || 'the body'} must be ${expected}`)
}
