import { defaultLaneCount } from '@plimsoll/contracts/lane.ts'
import { lanesOf } from '@plimsoll/contracts/stream-diff.ts'
import type { StreamName } from '@plimsoll/contracts/streams.ts'
import { connect, ErrorCode, Events, type Msg, type NatsConnection, NatsError, headers as natsHeaders } from 'nats'
import type { Logger } from 'pino'
import { AppError, appError } from '../errors.ts'
import { listStreams } from './brokerstreams.ts'
import { readHeaders } from './headers.ts'
import type { EventLog, StoredMessage, StreamInfo } from './log.ts'
import { type PublisherOptions, windowedPublisher } from './publisher.ts'
import { openReader } from './reader.ts'
import type { Wire, WireMessage } from './wire.ts'

export type JetStreamOptions = {
  /** `nats://host:port`, several separated by commas. */
  readonly url: string
  readonly user?: string
  readonly password?: string
  readonly token?: string
  /** Shown in the broker's connection list. */
  readonly clientName?: string
  readonly publisher?: PublisherOptions
  readonly logger?: Logger
}

/** Consumer names, stream metadata, S2 compression and `sync_interval: always` came with 2.10; older servers ignore them. */
const oldestServer = [2, 10] as const
const requestTimeoutMs = 5_000

/**
 * The log on NATS JetStream. Its lanes are those its streams have at this moment: `ensureStreams` comes first.
 * @throws AppError `broker-unavailable` when nothing answers at `url`, `configuration` when the server is too old or
 *   runs without JetStream.
 * @example
 * const log = await connectJetStream({ url: 'nats://127.0.0.1:4222' })
 * await log.publish({ subject: subjectOf('plimsoll.usage.v1.UsageBatch', lane), data, id })
 */
export async function connectJetStream(options: JetStreamOptions): Promise<EventLog> {
  const connection = await open(options)
  const serverVersion = connection.info?.version ?? '0'
  const wire = wireOf(connection, options.logger)
  const streams = await listStreams(wire).catch(async (error: unknown) => {
    await connection.close()
    throw error
  })
  const publisher = windowedPublisher(wire, options.publisher)

  return {
    lanes: lanesOf(streams) ?? defaultLaneCount,
    serverVersion,
    publish: (message) => publisher.publish(message),
    reader: (read) => openReader(wire, read),
    readHeaders: (read) => readHeaders(wire, read),
    info: (stream) => streamInfo(wire, stream),
    get: (stream, seq) => getMessage(wire, stream, seq),
    connected: wire.connected,
    flush: () => publisher.settled(),
    async close() {
      await publisher.settled()
      publisher.close()
      await connection.close()
    },
  }
}

/** A connection of its own, for what the log does not offer: managing streams, measuring. */
export type WireConnection = Wire & { readonly serverVersion: string; close(): Promise<void> }

/** Rejects like `connectJetStream`. */
export async function connectWire(options: JetStreamOptions): Promise<WireConnection> {
  const connection = await open(options)
  const wire = wireOf(connection, options.logger)
  return { ...wire, serverVersion: connection.info?.version ?? '0', close: () => connection.close() }
}

async function open(options: JetStreamOptions): Promise<NatsConnection> {
  const { url, user, password, token, clientName = 'plimsoll' } = options
  const connection = await connect({
    servers: url.split(','),
    name: clientName,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    // A broker that hangs is noticed after 2 pings of 10 s.
    pingInterval: 10_000,
    maxPingOut: 2,
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { pass: password }),
    ...(token === undefined ? {} : { token }),
  }).catch((cause: unknown) => {
    throw appError('broker-unavailable', `No broker answers at ${url}; start one or correct NATS_URL.`, { cause })
  })
  const problem = serverProblem(connection.info?.version ?? '0', connection.info?.jetstream === true)
  if (problem === undefined) return connection
  await connection.close()
  throw appError('configuration', `The broker at ${url} ${problem}`)
}

/** Why a server cannot be used, undefined when it can. Old servers ignore what they do not know, so it is asked here. */
export function serverProblem(version: string, jetstream: boolean): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major < oldestServer[0] || (major === oldestServer[0] && minor < oldestServer[1])) {
    return `is nats-server ${version}; install ${oldestServer.join('.')} or newer, or set NATS_URL to one.`
  }
  return jetstream
    ? undefined
    : 'runs without JetStream; start it with `-js` or a `jetstream` block in its configuration.'
}

function wireOf(connection: NatsConnection, logger?: Logger): Wire {
  let connected = true
  const disconnectListeners = new Set<() => void>()
  const tellDisconnected = () => {
    connected = false
    for (const listener of [...disconnectListeners]) listener()
  }
  void connection.closed().then(tellDisconnected)
  void (async () => {
    for await (const { type, data } of connection.status()) {
      if (type === Events.Disconnect) {
        logger?.warn({ server: data }, 'lost the broker')
        tellDisconnected()
      } else if (type === Events.Reconnect) {
        connected = true
        logger?.info({ server: data }, 'reconnected to the broker')
      } else if (type === Events.Error) {
        logger?.error({ code: data }, 'the broker reported an error')
      }
    }
  })()
  let inboxes = 0
  const inboxPrefix = `_INBOX.${crypto.randomUUID().replaceAll('-', '')}`

  const isConnected = () => connected && !connection.isClosed()
  const onDisconnect = (listener: () => void) => {
    disconnectListeners.add(listener)
    return () => disconnectListeners.delete(listener)
  }

  return {
    openReaders: new Set(),
    maxPayloadBytes: connection.info?.max_payload ?? 1024 * 1024,
    connected: isConnected,
    inbox: () => `${inboxPrefix}.${++inboxes}`,
    onDisconnect,
    publish(subject, data, { reply, headers }) {
      try {
        connection.publish(subject, data, {
          ...(reply === undefined ? {} : { reply }),
          ...(headers === undefined ? {} : { headers: encodeHeaders(headers) }),
        })
      } catch (error) {
        throw asAppError(error, subject)
      }
    },
    subscribe(subject, onMessage) {
      const subscription = connection.subscribe(subject, {
        callback(error, message) {
          if (error === null) onMessage(wireMessage(message))
          else logger?.error({ err: error, subject }, 'a subscription failed')
        },
      })
      return () => {
        if (!connection.isClosed()) subscription.unsubscribe()
      }
    },
    async request(subject, body) {
      const payload = body === undefined ? new Uint8Array() : new TextEncoder().encode(JSON.stringify(body))
      // The client would keep the request for the next connection, and forget it in between: fail now instead.
      if (!isConnected()) throw asAppError(undefined, subject)
      const lost = Promise.withResolvers<never>()
      const stopListening = onDisconnect(() => lost.reject(asAppError(undefined, subject)))
      const reply = await Promise.race([
        lost.promise,
        connection.request(subject, payload, { timeout: requestTimeoutMs }),
      ])
        .catch((error: unknown) => Promise.reject(asAppError(error, subject)))
        .finally(stopListening)
      const answer = reply.json<{ readonly error?: ApiError }>()
      if (answer.error) throw apiError(subject, answer.error)
      return answer
    },
  }
}

type ApiError = { readonly code: number; readonly err_code?: number; readonly description: string }

/** Answers of the JetStream API, https://docs.nats.io/reference/reference-protocols/nats_api_reference. */
function apiError(subject: string, { code, description }: ApiError): AppError {
  if (code === 404) return appError('not-found', `${subject}: ${description}.`)
  if (code >= 500) return appError('broker-refused', `${subject}: ${description}. Trying again may help.`)
  return appError('unprocessable', `The broker refused ${subject}: ${description}.`)
}

function asAppError(error: unknown, subject: string): AppError {
  if (error instanceof AppError) return error
  if (error instanceof NatsError && error.code === ErrorCode.MaxPayloadExceeded) {
    return appError('too-large', `A message on ${subject} is larger than the broker takes; split it.`, { cause: error })
  }
  if (error instanceof NatsError && error.code === ErrorCode.NoResponders) {
    return appError('broker-refused', `The broker has nobody who answers ${subject}.`, { cause: error })
  }
  return appError('broker-unavailable', `The broker did not answer ${subject}.`, { cause: error })
}

function encodeHeaders(record: Readonly<Record<string, string>>) {
  const headers = natsHeaders()
  for (const name in record) headers.append(name, record[name] ?? '')
  return headers
}

function wireMessage(message: Msg): WireMessage {
  const { headers: parsed } = message
  const headers: Record<string, string> = {}
  if (parsed) for (const [name, values] of parsed) headers[name] = values[0] ?? ''
  return {
    subject: message.subject,
    reply: message.reply ?? '',
    data: message.data,
    status: parsed?.code ?? 0,
    description: parsed?.description ?? '',
    headers,
  }
}

async function streamInfo(wire: Wire, stream: StreamName): Promise<StreamInfo> {
  const { created, state, config } = (await wire.request(`$JS.API.STREAM.INFO.${stream}`)) as {
    readonly created: string
    readonly state: { first_seq: number; last_seq: number; messages: number; bytes: number }
    readonly config: { readonly metadata?: Record<string, string> }
  }
  return {
    stream,
    createdAt: created,
    firstSeq: state.first_seq,
    lastSeq: state.last_seq,
    messages: state.messages,
    bytes: state.bytes,
    metadata: config.metadata ?? {},
  }
}

async function getMessage(wire: Wire, stream: StreamName, seq: number): Promise<StoredMessage | undefined> {
  const answer = await wire.request(`$JS.API.STREAM.MSG.GET.${stream}`, { seq }).catch((error: AppError) => {
    if (error.code === 'not-found') return undefined
    throw error
  })
  if (answer === undefined) return undefined
  const { message } = answer as {
    readonly message: { subject: string; seq: number; data?: string; hdrs?: string; time: string }
  }
  const headers = message.hdrs === undefined ? {} : parseHeaders(Buffer.from(message.hdrs, 'base64').toString())
  return {
    stream,
    seq: message.seq,
    subject: message.subject,
    time: Date.parse(message.time),
    id: headers['Nats-Msg-Id'] ?? '',
    headers,
    data: Buffer.from(message.data ?? '', 'base64'),
    pending: 0,
  }
}

/** `NATS/1.0\r\nName: value\r\n...` as the API returns it. */
function parseHeaders(block: string): Record<string, string> {
  const lines = block.split('\r\n').slice(1)
  return Object.fromEntries(
    lines.flatMap((line) => {
      const colon = line.indexOf(':')
      return colon < 0 ? [] : [[line.slice(0, colon), line.slice(colon + 1).trim()] as const]
    }),
  )
}
