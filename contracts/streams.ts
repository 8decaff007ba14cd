import { laneCount } from './lane.ts'

export { laneCount } from './lane.ts'

/** Streams (architecture.md section 4). */
export type StreamName = 'METRIC' | 'INCIDENT' | 'USAGE' | 'DERIVED' | 'DEADLETTER' | 'AUDIT'

export type StreamDefinition = {
  readonly name: StreamName
  /** What it holds, for people: becomes the stream's description at the broker. */
  readonly description: string
  readonly subjects: readonly string[]
  /** What its lane key is made of; undefined for streams that are not read by lane. */
  readonly laneKey: string | undefined
  readonly maxAgeMs: number
  /** How long the broker remembers a `Nats-Msg-Id`. */
  readonly duplicateWindowMs: number
  /** Limits retention, never dropping new messages in favour of old ones. */
  readonly retention: 'limits'
  readonly discard: 'old'
  readonly storage: 'file'
  /** Ignored by brokers before 2.10. */
  readonly compression: 's2'
  /** No message can be deleted by hand: consumers rely on sequences having no holes but those of age. */
  readonly denyDelete: true
  /** Any replica answers a get by sequence. */
  readonly allowDirect: true
  /** One replica for the embedded broker and a single node; three in production, given when applied. */
  readonly replicas: { readonly embedded: 1; readonly production: 3 }
  /** Kept by the broker from 2.10 on. */
  readonly metadata: Readonly<Record<string, string>>
}

/** Metadata key of the lane count; checked at boot, and refused when it differs. */
export const laneCountKey = 'plimsoll.lanes'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

type Choice = Pick<StreamDefinition, 'name' | 'description' | 'laneKey' | 'maxAgeMs' | 'duplicateWindowMs'>

function stream(choice: Choice): StreamDefinition {
  return {
    ...choice,
    subjects: [`${choice.name.toLowerCase()}.>`],
    retention: 'limits',
    discard: 'old',
    storage: 'file',
    compression: 's2',
    denyDelete: true,
    allowDirect: true,
    replicas: { embedded: 1, production: 3 },
    metadata: choice.laneKey === undefined ? {} : { [laneCountKey]: String(laneCount) },
  }
}

export const streamDefinitions: Readonly<Record<StreamName, StreamDefinition>> = {
  METRIC: stream({
    name: 'METRIC',
    description: 'Telemetry as batches: samples, histograms, spans.',
    laneKey: 'service + source',
    maxAgeMs: 72 * HOUR,
    duplicateWindowMs: 2 * MINUTE,
  }),
  INCIDENT: stream({
    name: 'INCIDENT',
    description: 'Alerts, incidents, deployments and changes.',
    laneKey: 'environment + service',
    maxAgeMs: 400 * DAY,
    duplicateWindowMs: 10 * MINUTE,
  }),
  USAGE: stream({
    name: 'USAGE',
    description: 'Product usage, resource usage, bills, tickets and payments.',
    laneKey: 'account',
    maxAgeMs: 90 * DAY,
    duplicateWindowMs: 2 * MINUTE,
  }),
  DERIVED: stream({
    name: 'DERIVED',
    description: 'Facts that the services decided.',
    laneKey: 'the entity the fact is about',
    maxAgeMs: 400 * DAY,
    duplicateWindowMs: 30 * MINUTE,
  }),
  DEADLETTER: stream({
    name: 'DEADLETTER',
    description: 'Messages a processor refused, with the reason.',
    laneKey: undefined,
    maxAgeMs: 30 * DAY,
    duplicateWindowMs: 10 * MINUTE,
  }),
  AUDIT: stream({
    name: 'AUDIT',
    description: 'Who changed what.',
    laneKey: undefined,
    maxAgeMs: 400 * DAY,
    duplicateWindowMs: 10 * MINUTE,
  }),
}
