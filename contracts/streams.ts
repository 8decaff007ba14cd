import { defaultLaneCount } from './lane.ts'

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

/** Metadata key of the lane count: what a stream was made with, and keeps. */
export const laneCountKey = 'plimsoll.lanes'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** What one stream chooses; the rest is the same for all. */
type Choice = Pick<StreamDefinition, 'name' | 'description' | 'laneKey' | 'maxAgeMs' | 'duplicateWindowMs'>

function stream(choice: Choice, lanes: number): StreamDefinition {
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
    metadata: choice.laneKey === undefined ? {} : { [laneCountKey]: String(lanes) },
  }
}

const choices: Readonly<Record<StreamName, Choice>> = {
  METRIC: {
    name: 'METRIC',
    description: 'Telemetry as batches: samples, histograms, spans.',
    laneKey: 'service + source',
    maxAgeMs: 72 * HOUR,
    duplicateWindowMs: 2 * MINUTE,
  },
  INCIDENT: {
    name: 'INCIDENT',
    description: 'Alerts, incidents, deployments and changes.',
    laneKey: 'environment + service',
    maxAgeMs: 400 * DAY,
    duplicateWindowMs: 10 * MINUTE,
  },
  USAGE: {
    name: 'USAGE',
    description: 'Product usage, resource usage, bills, tickets and payments.',
    laneKey: 'account',
    maxAgeMs: 90 * DAY,
    duplicateWindowMs: 2 * MINUTE,
  },
  DERIVED: {
    name: 'DERIVED',
    description: 'Facts that the services decided.',
    laneKey: 'the entity the fact is about',
    maxAgeMs: 400 * DAY,
    duplicateWindowMs: 30 * MINUTE,
  },
  DEADLETTER: {
    name: 'DEADLETTER',
    description: 'Messages a processor refused, with the reason.',
    laneKey: undefined,
    maxAgeMs: 30 * DAY,
    duplicateWindowMs: 10 * MINUTE,
  },
  AUDIT: {
    name: 'AUDIT',
    description: 'Who changed what.',
    laneKey: undefined,
    maxAgeMs: 400 * DAY,
    duplicateWindowMs: 10 * MINUTE,
  },
}

/** The streams of an installation with so many lanes. */
export function streamsOf(lanes: number): Readonly<Record<StreamName, StreamDefinition>> {
  return Object.fromEntries(Object.entries(choices).map(([name, choice]) => [name, stream(choice, lanes)])) as Record<
    StreamName,
    StreamDefinition
  >
}

/** The streams as they are made unless an installation asks for another number of lanes. */
export const streamDefinitions = streamsOf(defaultLaneCount)
