import { createCodec } from './codec.ts'
import { publishedSchemas } from './generated/schemas.ts'
import type { EventValues } from './generated/types.ts'
import type { StreamName } from './streams.ts'

/** Avro full name = CloudEvents type, e.g. `plimsoll.telemetry.v1.MetricBatch`. */
export type EventType = keyof EventValues

export type EventValue<T extends EventType> = EventValues[T]

/** An event as it came off the wire: narrow on `type`. */
export type DecodedEvent<T extends EventType = EventType> = {
  readonly [K in T]: { readonly type: K; readonly value: EventValues[K] }
}[T]

/** Services that may own an event: the only ones that publish it. */
export type ServiceName = 'gateway' | 'performance' | 'reporting'

export type EventEntry = {
  readonly stream: StreamName
  /** The one service that publishes it. */
  readonly owner: ServiceName
  /** What its lane key is, in words; lane.ts has the functions. */
  readonly laneKey: string
  /** `telemetry` of `plimsoll.telemetry.v1.MetricBatch`. */
  readonly domain: string
  /** `MetricBatch` of `plimsoll.telemetry.v1.MetricBatch`. */
  readonly name: string
}

function entry(type: EventType, choice: Pick<EventEntry, 'stream' | 'owner' | 'laneKey'>): EventEntry {
  const [, domain = '', , name = ''] = type.split('.')
  return { ...choice, domain, name }
}

/** Every event there is; its example is in examples.ts and its schema in avro/. */
export const eventCatalogue: Readonly<Record<EventType, EventEntry>> = {
  'plimsoll.telemetry.v1.MetricBatch': entry('plimsoll.telemetry.v1.MetricBatch', {
    stream: 'METRIC',
    owner: 'gateway',
    laneKey: 'service + source',
  }),
  'plimsoll.telemetry.v1.SpanBatch': entry('plimsoll.telemetry.v1.SpanBatch', {
    stream: 'METRIC',
    owner: 'gateway',
    laneKey: 'service + source',
  }),
  'plimsoll.incident.v1.AlertReceived': entry('plimsoll.incident.v1.AlertReceived', {
    stream: 'INCIDENT',
    owner: 'gateway',
    laneKey: 'environment + service',
  }),
  'plimsoll.incident.v1.DeploymentRecorded': entry('plimsoll.incident.v1.DeploymentRecorded', {
    stream: 'INCIDENT',
    owner: 'gateway',
    laneKey: 'environment + service',
  }),
  'plimsoll.usage.v1.UsageBatch': entry('plimsoll.usage.v1.UsageBatch', {
    stream: 'USAGE',
    owner: 'gateway',
    laneKey: 'account',
  }),
  'plimsoll.performance.v1.BaselineEstablished': entry('plimsoll.performance.v1.BaselineEstablished', {
    stream: 'DERIVED',
    owner: 'performance',
    laneKey: 'baselineId',
  }),
  'plimsoll.performance.v1.RegressionDetected': entry('plimsoll.performance.v1.RegressionDetected', {
    stream: 'DERIVED',
    owner: 'performance',
    laneKey: 'regressionId',
  }),
  'plimsoll.performance.v1.RegressionResolved': entry('plimsoll.performance.v1.RegressionResolved', {
    stream: 'DERIVED',
    owner: 'performance',
    laneKey: 'regressionId',
  }),
}

export function isEventType(name: string): name is EventType {
  return Object.hasOwn(eventCatalogue, name)
}

const codec = createCodec(publishedSchemas)

/**
 * Avro single-object encoding: C3 01, CRC-64-AVRO, record. Throws ContractError naming the field that does not fit.
 * @example encodeEvent('plimsoll.performance.v1.RegressionResolved', resolved)
 */
export function encodeEvent<T extends EventType>(type: T, value: EventValue<T>): Uint8Array {
  return codec.encode(type, value)
}

/**
 * Reads any published version, as the current one. `bytes` columns are views into the message: copy what you keep.
 * Throws ContractError: `contract.malformed`, `contract.unknown_schema`.
 * @example
 * const event = decodeEvent(message.data)
 * if (event.type === 'plimsoll.telemetry.v1.SpanBatch') event.value.traceId
 */
export function decodeEvent(bytes: Uint8Array): DecodedEvent {
  // The schema behind the fingerprint is what the value was read by, and the types are generated from the schemas.
  return codec.decode(bytes) as DecodedEvent
}
