import { type StreamDefinition, type StreamName, streamDefinitions } from '@plimsoll/contracts/streams.ts'
import { appError, isTransient } from '../errors.ts'
import { connectApi, type JetStreamApi, type JetStreamOptions } from './jetstream.ts'

/**
 * Creates the streams that are missing, and leaves those that are there as they are (`tools/streams` compares and
 * updates). Needs to be called before the first reader or publisher of a new broker.
 */
export async function ensureStreams(options: JetStreamOptions, replicas: 1 | 3 = 1): Promise<StreamName[]> {
  const api = await connectApi(options)
  try {
    const names = await listStreamNames(api)
    const missing = Object.values(streamDefinitions).filter(({ name }) => !names.has(name))
    for (const definition of missing) await createStream(api, definition, replicas)
    return missing.map(({ name }) => name)
  } finally {
    await api.close()
  }
}

async function listStreamNames(api: JetStreamApi): Promise<Set<string>> {
  const names = new Set<string>()
  for (;;) {
    const answer = await api.request('$JS.API.STREAM.NAMES', { offset: names.size })
    const { streams, total } = answer as { readonly streams: string[] | null; readonly total: number }
    for (const name of streams ?? []) names.add(name)
    if (names.size >= total || !streams?.length) return names
  }
}

/** A process that starts at the same moment may come first: that is no error. */
async function createStream(api: JetStreamApi, definition: StreamDefinition, replicas: number): Promise<void> {
  await api
    .request(`$JS.API.STREAM.CREATE.${definition.name}`, brokerConfig(definition, replicas))
    .catch(async (error) => {
      if (isTransient(error)) throw error
      if ((await listStreamNames(api)).has(definition.name)) return
      throw appError('configuration', `Stream ${definition.name} cannot be created; see the broker's reason.`, {
        cause: error,
      })
    })
}

const nanoseconds = (ms: number) => ms * 1e6

/** A definition as the broker's API takes it. */
function brokerConfig(definition: StreamDefinition, replicas: number): Record<string, unknown> {
  return {
    name: definition.name,
    description: definition.description,
    subjects: definition.subjects,
    retention: definition.retention,
    discard: definition.discard,
    storage: definition.storage,
    compression: definition.compression,
    max_age: nanoseconds(definition.maxAgeMs),
    duplicate_window: nanoseconds(definition.duplicateWindowMs),
    deny_delete: definition.denyDelete,
    allow_direct: definition.allowDirect,
    num_replicas: replicas,
    metadata: definition.metadata,
  }
}
