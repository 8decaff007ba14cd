import { laneCountKey, type StreamDefinition, streamDefinitions } from './streams.ts'

/** A stream as the broker has it, in this project's words and units. */
export type ActualStream = {
  readonly name: string
  readonly description: string
  readonly subjects: readonly string[]
  readonly maxAgeMs: number
  readonly duplicateWindowMs: number
  /** -1: no limit, as the broker says it. */
  readonly maxBytes: number
  /** -1: no limit. */
  readonly maxMessages: number
  readonly retention: string
  readonly discard: string
  readonly storage: string
  readonly compression: string
  readonly denyDelete: boolean
  readonly allowDirect: boolean
  readonly replicas: number
  readonly metadata: Readonly<Record<string, string>>
}

/**
 * Lanes that the first stream of an installation was made with, undefined where none says: what all others must have.
 * @example lanesOf([]) // undefined
 */
export function lanesOf(streams: readonly ActualStream[]): number | undefined {
  const own = Object.keys(streamDefinitions).map((name) => streams.find((stream) => stream.name === name))
  const stated = own.map((stream) => stream?.metadata[laneCountKey]).find((lanes) => lanes !== undefined)
  return stated === undefined ? undefined : Number(stated)
}

export type Change = {
  readonly stream: string
  readonly field: string
  /** What the broker has, undefined when the stream is not there. */
  readonly from: string | undefined
  readonly to: string
  /**
   * - `create`, `update`: applied.
   * - `shrink`: makes the broker drop messages or forget ids sooner; only applied when asked for.
   * - `refuse`: cannot or must not be changed in place; `why` says what to do.
   */
  readonly kind: 'create' | 'update' | 'shrink' | 'refuse'
  readonly why?: string
}

/**
 * What it takes to make a stream what its definition says; nothing when it already is.
 * @example diffStream(streamDefinitions.METRIC, undefined, 1)[0]?.kind // 'create'
 */
export function diffStream(definition: StreamDefinition, actual: ActualStream | undefined, replicas: number): Change[] {
  if (actual === undefined) {
    const summary = `${definition.subjects.join(', ')}, kept ${duration(definition.maxAgeMs)}, R${replicas}`
    return [{ stream: definition.name, field: 'stream', from: undefined, to: summary, kind: 'create' }]
  }
  const changes: Change[] = []
  const compare = (field: string, from: string, to: string, kind: Change['kind'], why?: string): void => {
    if (from !== to)
      changes.push({ stream: definition.name, field, from, to, kind, ...(why === undefined ? {} : { why }) })
  }

  const lanes = actual.metadata[laneCountKey]
  compare(
    'lanes',
    lanes ?? 'none',
    definition.metadata[laneCountKey] ?? 'none',
    // A stream made by hand says nothing of lanes; one that says another number was filled by another mapping.
    lanes === undefined ? 'update' : 'refuse',
    lanes === undefined
      ? undefined
      : 'each entity would change lanes between two of its messages: make a new stream and replay into it',
  )
  compare('subjects', actual.subjects.join(', '), definition.subjects.join(', '), subjectsKind(definition, actual))
  compare(
    'max age',
    duration(actual.maxAgeMs),
    duration(definition.maxAgeMs),
    limitKind(actual.maxAgeMs, definition.maxAgeMs),
  )
  compare(
    'duplicate window',
    duration(actual.duplicateWindowMs),
    duration(definition.duplicateWindowMs),
    definition.duplicateWindowMs < actual.duplicateWindowMs ? 'shrink' : 'update',
  )
  // A definition sets no size limits: one set by hand is a limit to lift.
  compare('max bytes', limit(actual.maxBytes), 'unlimited', 'update')
  compare('max messages', limit(actual.maxMessages), 'unlimited', 'update')
  const newStream = 'the broker cannot change it in place: make a new stream and replay into it'
  compare('retention', actual.retention, definition.retention, 'refuse', newStream)
  compare('storage', actual.storage, definition.storage, 'refuse', newStream)
  compare(
    'deny delete',
    String(actual.denyDelete),
    String(definition.denyDelete),
    actual.denyDelete ? 'refuse' : 'update',
    actual.denyDelete ? newStream : undefined,
  )
  compare('discard', actual.discard, definition.discard, 'update')
  compare('compression', actual.compression, definition.compression, 'update')
  compare('allow direct', String(actual.allowDirect), String(definition.allowDirect), 'update')
  compare('replicas', String(actual.replicas), String(replicas), replicas < actual.replicas ? 'shrink' : 'update')
  compare('description', actual.description, definition.description, 'update')
  return changes
}

/** A subject that is no longer taken would be refused to its publishers. */
function subjectsKind(definition: StreamDefinition, actual: ActualStream): 'shrink' | 'update' {
  return actual.subjects.some((subject) => !definition.subjects.includes(subject)) ? 'shrink' : 'update'
}

/** Zero is the broker's word for no limit. */
function limitKind(from: number, to: number): 'shrink' | 'update' {
  const greater = (value: number) => (value <= 0 ? Number.POSITIVE_INFINITY : value)
  return greater(to) < greater(from) ? 'shrink' : 'update'
}

function limit(value: number): string {
  return value < 0 ? 'unlimited' : String(value)
}

function duration(ms: number): string {
  if (ms <= 0) return 'unlimited'
  for (const [unit, size] of [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1_000],
  ] as const) {
    if (ms % size === 0) return `${ms / size} ${unit}`
  }
  return `${ms} ms`
}
