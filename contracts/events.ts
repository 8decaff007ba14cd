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
export type ServiceName = 'gateway' | 'performance' | 'customer-success' | 'reporting'

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

/** Every event there is; its example is in examples/ and its schema in avro/. */
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
    laneKey: 'account, else user, else anonymous id',
  }),
  'plimsoll.usage.v1.TicketRecorded': entry('plimsoll.usage.v1.TicketRecorded', {
    stream: 'USAGE',
    owner: 'gateway',
    laneKey: 'account',
  }),
  'plimsoll.usage.v1.InvoiceRecorded': entry('plimsoll.usage.v1.InvoiceRecorded', {
    stream: 'USAGE',
    owner: 'gateway',
    laneKey: 'account',
  }),
  'plimsoll.usage.v1.NpsRecorded': entry('plimsoll.usage.v1.NpsRecorded', {
    stream: 'USAGE',
    owner: 'gateway',
    laneKey: 'account',
  }),
  'plimsoll.usage.v1.SubscriptionRecorded': entry('plimsoll.usage.v1.SubscriptionRecorded', {
    stream: 'USAGE',
    owner: 'gateway',
    laneKey: 'account',
  }),
  'plimsoll.usage.v1.ContactRecorded': entry('plimsoll.usage.v1.ContactRecorded', {
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
  'plimsoll.customer_success.v1.HealthScoreChanged': entry('plimsoll.customer_success.v1.HealthScoreChanged', {
    stream: 'DERIVED',
    owner: 'customer-success',
    laneKey: 'account',
  }),
  'plimsoll.customer_success.v1.ChurnRiskRaised': entry('plimsoll.customer_success.v1.ChurnRiskRaised', {
    stream: 'DERIVED',
    owner: 'customer-success',
    laneKey: 'account',
  }),
  'plimsoll.customer_success.v1.ChurnRiskCleared': entry('plimsoll.customer_success.v1.ChurnRiskCleared', {
    stream: 'DERIVED',
    owner: 'customer-success',
    laneKey: 'account',
  }),
  'plimsoll.customer_success.v1.FeatureAdopted': entry('plimsoll.customer_success.v1.FeatureAdopted', {
    stream: 'DERIVED',
    owner: 'customer-success',
    laneKey: 'account',
  }),
  'plimsoll.customer_success.v1.AdoptionLagDetected': entry('plimsoll.customer_success.v1.AdoptionLagDetected', {
    stream: 'DERIVED',
    owner: 'customer-success',
    laneKey: 'account',
  }),
  'plimsoll.customer_success.v1.ActionTriggered': entry('plimsoll.customer_success.v1.ActionTriggered', {
    stream: 'DERIVED',
    owner: 'customer-success',
    laneKey: 'account',
  }),
  'plimsoll.customer_success.v1.ActionOutcomeRecorded': entry('plimsoll.customer_success.v1.ActionOutcomeRecorded', {
    stream: 'DERIVED',
    owner: 'customer-success',
    laneKey: 'account',
  }),
  'plimsoll.customer_success.v1.PersonErased': entry('plimsoll.customer_success.v1.PersonErased', {
    stream: 'DERIVED',
    owner: 'customer-success',
    laneKey: 'account, else hash of the person',
  }),
  'plimsoll.customer_success.v1.AccountErased': entry('plimsoll.customer_success.v1.AccountErased', {
    stream: 'DERIVED',
    owner: 'customer-success',
    laneKey: 'account',
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
