import type { ActualStream } from '@plimsoll/contracts/stream-diff.ts'
import type { StreamDefinition } from '@plimsoll/contracts/streams.ts'
import type { Wire } from './wire.ts'

const nsPerMs = 1e6

/** A definition as the broker's API takes it. */
export function brokerConfig(definition: StreamDefinition, replicas: number): Record<string, unknown> {
  return {
    name: definition.name,
    description: definition.description,
    subjects: definition.subjects,
    retention: definition.retention,
    discard: definition.discard,
    storage: definition.storage,
    compression: definition.compression,
    max_age: definition.maxAgeMs * nsPerMs,
    duplicate_window: definition.duplicateWindowMs * nsPerMs,
    max_bytes: -1,
    max_msgs: -1,
    deny_delete: definition.denyDelete,
    allow_direct: definition.allowDirect,
    num_replicas: replicas,
    metadata: definition.metadata,
  }
}

type BrokerStream = {
  readonly config: {
    readonly name: string
    readonly description?: string
    readonly subjects?: readonly string[]
    readonly retention: string
    readonly discard: string
    readonly storage: string
    readonly compression?: string
    readonly max_age: number
    readonly duplicate_window?: number
    readonly max_bytes: number
    readonly max_msgs: number
    readonly deny_delete?: boolean
    readonly allow_direct?: boolean
    readonly num_replicas: number
    readonly metadata?: Readonly<Record<string, string>>
  }
}

/** Every stream of the broker, in this project's words. */
export async function listStreams(wire: Wire): Promise<ActualStream[]> {
  const found: ActualStream[] = []
  for (;;) {
    const answer = await wire.request('$JS.API.STREAM.LIST', { offset: found.length })
    const { streams, total } = answer as { readonly streams: readonly BrokerStream[] | null; readonly total: number }
    found.push(...(streams ?? []).map(actualStream))
    if (found.length >= total || !streams?.length) return found
  }
}

function actualStream({ config }: BrokerStream): ActualStream {
  return {
    name: config.name,
    description: config.description ?? '',
    subjects: config.subjects ?? [],
    maxAgeMs: config.max_age / nsPerMs,
    duplicateWindowMs: (config.duplicate_window ?? 0) / nsPerMs,
    maxBytes: config.max_bytes,
    maxMessages: config.max_msgs,
    retention: config.retention,
    discard: config.discard,
    storage: config.storage,
    compression: config.compression ?? 'none',
    denyDelete: config.deny_delete === true,
    allowDirect: config.allow_direct === true,
    replicas: config.num_replicas,
    metadata: withoutServerKeys(config.metadata ?? {}),
  }
}

/** From 2.11 on the broker adds keys of its own. */
const withoutServerKeys = (metadata: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(metadata).filter(([key]) => !key.startsWith('_nats.')))
