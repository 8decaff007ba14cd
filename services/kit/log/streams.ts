import { defaultLaneCount } from '@plimsoll/contracts/lane.ts'
import { type ActualStream, lanesOf } from '@plimsoll/contracts/stream-diff.ts'
import { laneCountKey, type StreamDefinition, streamsOf } from '@plimsoll/contracts/streams.ts'
import { appError, isTransient } from '../errors.ts'
import { brokerConfig, listStreams } from './brokerstreams.ts'
import { connectWire, type JetStreamOptions } from './jetstream.ts'

/** Streams as things to manage, for `tools/streams` and for start-up. */
export type StreamAdmin = {
  list(): Promise<ActualStream[]>
  create(definition: StreamDefinition, replicas: number): Promise<void>
  /** Makes an existing stream what the definition says; the broker refuses what it cannot change in place. */
  update(definition: StreamDefinition, replicas: number): Promise<void>
  readonly serverVersion: string
  close(): Promise<void>
}

/** @example const admin = await openStreamAdmin({ url: 'nats://127.0.0.1:4222' }) */
export async function openStreamAdmin(options: JetStreamOptions): Promise<StreamAdmin> {
  const wire = await connectWire(options)
  return {
    serverVersion: wire.serverVersion,
    list: () => listStreams(wire),
    async create(definition, replicas) {
      await wire.request(`$JS.API.STREAM.CREATE.${definition.name}`, brokerConfig(definition, replicas))
    },
    async update(definition, replicas) {
      await wire.request(`$JS.API.STREAM.UPDATE.${definition.name}`, brokerConfig(definition, replicas))
    },
    close: () => wire.close(),
  }
}

/** How streams are made that are not there yet. */
export type NewStreams = {
  readonly replicas?: 1 | 3
  /** Of an installation without a stream: the first one decides for all that follow. */
  readonly lanes?: number
}

/**
 * Creates the streams that are missing and leaves those that are there as they are (`tools/streams` compares and updates).
 * To be called before the first reader or publisher meets a new broker. Returns the names of those it made.
 * @throws AppError `configuration` when two streams were made with different numbers of lanes.
 */
export async function ensureStreams(options: JetStreamOptions, made: NewStreams = {}): Promise<string[]> {
  const admin = await openStreamAdmin(options)
  try {
    const actual = await admin.list()
    const existing = new Map(actual.map((stream) => [stream.name, stream]))
    const definitions = Object.values(streamsOf(lanesOf(actual) ?? made.lanes ?? defaultLaneCount))
    for (const definition of definitions) checkLaneCount(definition, existing.get(definition.name))
    const missing = definitions.filter(({ name }) => !existing.has(name))
    for (const definition of missing) await createUnlessThere(admin, definition, made.replicas ?? 1)
    return missing.map(({ name }) => name)
  } finally {
    await admin.close()
  }
}

function checkLaneCount(definition: StreamDefinition, actual: ActualStream | undefined): void {
  const [wanted, found] = [definition.metadata[laneCountKey], actual?.metadata[laneCountKey]]
  if (wanted === undefined || found === undefined || found === wanted) return
  throw appError(
    'configuration',
    `Stream ${definition.name} was made with ${found} lanes where others of this broker have ${wanted}: a fact and what it ` +
      'is about would part. Make it again with their number and replay into it.',
  )
}

/** A process that starts at the same moment may come first: that is no error. */
async function createUnlessThere(admin: StreamAdmin, definition: StreamDefinition, replicas: number): Promise<void> {
  await admin.create(definition, replicas).catch(async (cause: unknown) => {
    if (isTransient(cause)) throw cause
    if ((await admin.list()).some(({ name }) => name === definition.name)) return
    throw appError('configuration', `The broker refused to create stream ${definition.name}; see its reason.`, {
      cause,
    })
  })
}
