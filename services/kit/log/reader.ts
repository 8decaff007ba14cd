import type { StreamName } from '@plimsoll/contracts/streams.ts'
import { type AppError, appError } from '../errors.ts'
import type { LaneReader, ReadOptions, StoredMessage } from './log.ts'
import type { Wire, WireMessage } from './wire.ts'

/** Bounds of one pull. */
export const pullDefaults = { maxMessages: 100, maxBytes: 4 * 1024 * 1024, maxWaitMs: 250 } as const

/**
 * What all pulls of a connection may have asked for at once. The server drops a client, and with it what was on its way,
 * when more than `max_pending` (64 MiB) waits to be written to it; and what a reader holds is memory of this process.
 */
const connectionBytes = 16 * 1024 * 1024

/** A request waits this long at the server; messages arrive at once whatever this is, so idle lanes cost little. */
const requestExpiresMs = 5_000
/** Past this without any word of the server a request counts as lost. */
const requestGraceMs = 5_000
/** The server forgets a consumer nobody pulls from after this; the lane then makes a new one from its checkpoint. */
const inactiveThresholdMs = 60_000

/** Most bytes of one read of the socket: what is larger was put together for one message alone. */
const socketReadBytes = 64 * 1024

/** Where a consumer starts, and whether it carries payloads. */
export type ConsumerStart =
  | { readonly kind: 'sequence'; readonly seq: number }
  | { readonly kind: 'time'; readonly sinceMs: number; readonly headersOnly: true }

/**
 * Reads one filter of a stream in order through an ephemeral pull consumer without acks. The checkpoint lives in the
 * database, so all the consumer does is stream: one request is always under way while the caller handles a batch.
 */
export async function openReader(
  wire: Wire,
  options: ReadOptions,
  start: ConsumerStart = { kind: 'sequence', seq: options.startSeq },
): Promise<LaneReader & { readonly pendingAtStart: number }> {
  const maxMessages = options.maxMessages ?? pullDefaults.maxMessages
  /** This reader's part of the connection; but a message that does not fit into a pull would never be delivered. */
  const maxBytes = () => {
    const part = Math.floor(connectionBytes / Math.max(1, wire.openReaders.size))
    return Math.max(Math.min(options.maxBytes ?? pullDefaults.maxBytes, part), wire.maxPayloadBytes + 4096)
  }
  const maxWaitMs = options.maxWaitMs ?? pullDefaults.maxWaitMs
  const pendingAtStart = await createConsumer(wire, options, start)

  wire.openReaders.add(options.name)

  const inbox = wire.inbox()
  const next = `$JS.API.CONSUMER.MSG.NEXT.${options.stream}.${options.name}`
  let queue: StoredMessage[] = []
  let queuedBytes = 0
  let consumerSeq = 0
  let failure: AppError | undefined
  let wake: (() => void) | undefined
  let request = { number: 0, messagesLeft: 0, timer: undefined as NodeJS.Timeout | undefined }

  const full = () => queue.length >= maxMessages || queuedBytes >= maxBytes()
  /** More is on its way right now: worth waiting a moment for a full batch. */
  const flowing = () => !full() && (queue.at(-1)?.pending ?? 1) > 0

  function fail(error: AppError): void {
    failure ??= error
    endRequest()
    wake?.()
  }

  function endRequest(): void {
    clearTimeout(request.timer)
    request.messagesLeft = 0
  }

  function requestMore(): void {
    if (request.messagesLeft > 0 || full() || failure) return
    request = {
      number: request.number + 1,
      messagesLeft: maxMessages,
      timer: setTimeout(
        () => fail(readerLost(options, 'the broker did not answer a pull')),
        requestExpiresMs + requestGraceMs,
      ),
    }
    const body = { batch: maxMessages, max_bytes: maxBytes(), expires: requestExpiresMs * 1e6 }
    wire.publish(next, new TextEncoder().encode(JSON.stringify(body)), { reply: `${inbox}.${request.number}` })
  }

  function receive(message: WireMessage): void {
    if (message.status !== 0) {
      receiveStatus(message)
      return
    }
    const { stored, consumer } = storedMessage(message, options.stream)
    if (consumer !== consumerSeq + 1) {
      fail(
        appError(
          'log-gap',
          `Reader ${options.name} got message ${consumer} of ${options.stream} after ${consumerSeq}: ` +
            'deliveries were lost. Read again from the checkpoint.',
        ),
      )
      return
    }
    consumerSeq = consumer
    queue.push(stored)
    queuedBytes += stored.data.length
    request.messagesLeft -= 1
    if (request.messagesLeft === 0) {
      clearTimeout(request.timer)
      requestMore()
    }
    if (!flowing()) wake?.()
  }

  function receiveStatus({ subject, status, description }: WireMessage): void {
    if (subject !== `${inbox}.${request.number}`) return // of a request that is over
    if (!endsRequestOnly(status, description)) fail(readerLost(options, `${status} ${description}`.trim()))
    endRequest()
    requestMore()
    // What was promised did not come in this request (it ended on bytes): hand over what there is.
    if (queue.length > 0) wake?.()
  }

  async function ready(): Promise<boolean> {
    requestMore()
    if (!failure && (queue.length === 0 || flowing())) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, maxWaitMs)
        wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      wake = undefined
    }
    if (failure) throw failure
    return queue.length > 0
  }

  const unsubscribe = wire.subscribe(`${inbox}.*`, receive)
  const stopListening = wire.onDisconnect(() => fail(readerLost(options, 'the connection to the broker was lost')))
  requestMore()

  return {
    pendingAtStart,
    ready,
    async pull() {
      await ready()
      const batch = queue
      queue = []
      queuedBytes = 0
      requestMore()
      return batch
    },
    giveBack,
    async caughtUp() {
      // Silence is no proof, the broker may just be slow: its own count of what is left is.
      const answer = await wire.request(`$JS.API.CONSUMER.INFO.${options.stream}.${options.name}`)
      const { num_pending, delivered } = answer as {
        readonly num_pending: number
        readonly delivered: { readonly consumer_seq: number }
      }
      return num_pending === 0 && queue.length === 0 && delivered.consumer_seq === consumerSeq
    },
    async close() {
      failure ??= readerLost(options, 'it was closed')
      endRequest()
      wire.openReaders.delete(options.name)
      unsubscribe()
      stopListening()
      wake?.()
      // Politeness only: the server removes an abandoned consumer by itself.
      await wire.request(`$JS.API.CONSUMER.DELETE.${options.stream}.${options.name}`).catch(() => undefined)
    },
  }
}

/** Returns how many messages were waiting for the consumer when it was made. */
async function createConsumer(wire: Wire, options: ReadOptions, start: ConsumerStart): Promise<number> {
  const { stream, name, filter } = options
  const created = await wire.request(`$JS.API.CONSUMER.CREATE.${stream}.${name}.${filter}`, {
    stream_name: stream,
    action: 'create', // refuses a name that exists with another start
    config: {
      name,
      filter_subject: filter,
      ack_policy: 'none',
      replay_policy: 'instant',
      mem_storage: true,
      num_replicas: 1,
      inactive_threshold: inactiveThresholdMs * 1e6,
      ...(start.kind === 'sequence'
        ? { deliver_policy: 'by_start_sequence', opt_start_seq: start.seq }
        : {
            deliver_policy: 'by_start_time',
            opt_start_time: new Date(start.sinceMs).toISOString(),
            headers_only: start.headersOnly,
          }),
    },
  })
  const { num_pending, delivered } = created as {
    readonly num_pending: number
    readonly delivered: { readonly consumer_seq: number }
  }
  // The server answers a second creation of the same consumer with the first one, wherever that has got to.
  if (delivered.consumer_seq === 0) return num_pending
  throw appError('unprocessable', `The reader name ${name} was used before; names are never reused.`)
}

/** Statuses that end one request and say nothing about the consumer. */
function endsRequestOnly(status: number, description: string): boolean {
  if (status === 404 || status === 408) return true
  return status === 409 && /maxbytes|batch completed/i.test(description)
}

/**
 * A delivery's reply subject carries its place:
 * `$JS.ACK.[<domain>.<account>.]<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<time ns>.<pending>[.<token>]`.
 */
function storedMessage(message: WireMessage, stream: StreamName): { stored: StoredMessage; consumer: number } {
  const tokens = message.reply.split('.')
  const at = tokens.length > 9 ? 7 : 5
  const { headers } = message
  return {
    consumer: Number(tokens[at + 1]),
    stored: {
      stream,
      seq: Number(tokens[at]),
      subject: message.subject,
      time: Number(tokens[at + 2]?.slice(0, -6)), // ns as text: a number could not hold them
      id: headers['Nats-Msg-Id'] ?? '',
      headers,
      data: message.data,
      pending: Number(tokens[at + 3]),
    },
  }
}

const readerLost = ({ stream, name }: ReadOptions, reason: string) =>
  appError('broker-unavailable', `Reader ${name} of ${stream} ended: ${reason}. Read again from the checkpoint.`)

/** Left to the collector, large messages would be the larger part of a process's memory. */
function giveBack(messages: readonly StoredMessage[]): void {
  for (const { data } of messages) {
    const { buffer } = data
    if (buffer instanceof ArrayBuffer && buffer.byteLength > socketReadBytes) buffer.transfer(0)
  }
}
