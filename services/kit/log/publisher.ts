import { appError } from '../errors.ts'
import type { OutgoingMessage, PublishAck } from './log.ts'
import type { Wire, WireMessage } from './wire.ts'

export type PublisherOptions = {
  /** Most messages without an answer. */
  readonly window?: number
  /** Most bytes without an answer. */
  readonly windowBytes?: number
  readonly ackTimeoutMs?: number
}

export type Publisher = {
  publish(message: OutgoingMessage): Promise<PublishAck>
  /** Resolves when every message published so far is answered. */
  settled(): Promise<void>
  close(): void
}

type Waiting = {
  readonly message: OutgoingMessage
  readonly resolve: (ack: PublishAck) => void
  readonly reject: (error: Error) => void
}

type InFlight = Waiting & { readonly deadline: number }

/**
 * Publishes in a window, with one ack inbox for all messages: an ack then costs one map lookup instead of the client
 * library's timer, promise and reply subject per message, and is counted all the same.
 */
export function windowedPublisher(wire: Wire, options: PublisherOptions = {}): Publisher {
  const { window = 1024, windowBytes = 32 * 1024 * 1024, ackTimeoutMs = 5_000 } = options
  const inbox = wire.inbox()
  // Insertion order is deadline order: the sweep stops at the first that still has time.
  const inFlight = new Map<string, InFlight>()
  const waiting: Waiting[] = []
  const idle: (() => void)[] = []
  let bytes = 0
  let token = 0

  const hasRoom = (size: number) => inFlight.size < window && (bytes + size <= windowBytes || inFlight.size === 0)

  function take(key: string): InFlight | undefined {
    const entry = inFlight.get(key)
    if (!entry) return undefined
    inFlight.delete(key)
    bytes -= entry.message.data.length
    return entry
  }

  /** Sends what the window has room for, in the order it was given. */
  function pump(): void {
    for (let next = waiting[0]; next && hasRoom(next.message.data.length); next = waiting[0]) {
      waiting.shift()
      send(next)
    }
    if (inFlight.size === 0) for (const resolve of idle.splice(0)) resolve()
  }

  function send({ message, resolve, reject }: Waiting): void {
    // The client would keep the message and send it on reconnecting, unseen and unbounded: refuse instead.
    if (!wire.connected()) {
      reject(notAcknowledged(message, 'there is no connection to the broker'))
      return
    }
    const key = (token++).toString(36)
    try {
      wire.publish(message.subject, message.data, { reply: `${inbox}.${key}`, headers: headersOf(message) })
    } catch (error) {
      reject(error as Error)
      return
    }
    inFlight.set(key, { message, resolve, reject, deadline: performance.now() + ackTimeoutMs })
    bytes += message.data.length
  }

  function failAll(reason: string): void {
    for (const [key, { message }] of [...inFlight]) take(key)?.reject(notAcknowledged(message, reason))
    for (const { message, reject } of waiting.splice(0)) reject(notAcknowledged(message, reason))
    pump()
  }

  const unsubscribe = wire.subscribe(`${inbox}.*`, (reply) => {
    const entry = take(reply.subject.slice(inbox.length + 1))
    if (!entry) return // answered after its timeout: the caller has been told to try again
    const answer = parseAck(entry.message, reply)
    if (answer instanceof Error) entry.reject(answer)
    else entry.resolve(answer)
    pump()
  })
  const stopListening = wire.onDisconnect(() => failAll('the connection to the broker was lost'))
  const sweep = setInterval(() => {
    const now = performance.now()
    for (const [key, { deadline, message }] of inFlight) {
      if (deadline > now) break
      take(key)?.reject(notAcknowledged(message, `no ack came within ${ackTimeoutMs} ms`))
    }
    pump()
  }, 100)
  sweep.unref()

  return {
    publish: (message) =>
      new Promise((resolve, reject) => {
        waiting.push({ message, resolve, reject })
        pump()
      }),
    async settled() {
      if (inFlight.size + waiting.length > 0) await new Promise<void>((resolve) => idle.push(resolve))
    },
    close() {
      clearInterval(sweep)
      stopListening()
      unsubscribe()
      failAll('the log is closing')
    },
  }
}

/** `metric.07.MetricBatch` -> `METRIC`: a stream takes the subjects below its own name. */
export const streamOfSubject = (subject: string): string => {
  const dot = subject.indexOf('.')
  return (dot < 0 ? subject : subject.slice(0, dot)).toUpperCase()
}

function headersOf(message: OutgoingMessage): Record<string, string> {
  // Without the expectation any stream that happens to listen on the subject would answer.
  const headers = { ...message.headers, 'Nats-Expected-Stream': streamOfSubject(message.subject) }
  return message.id === undefined ? headers : { ...headers, 'Nats-Msg-Id': message.id }
}

function parseAck(message: OutgoingMessage, reply: WireMessage): PublishAck | Error {
  if (reply.status === 503) return refused(message, 'no stream takes the subject at the moment')
  const answer = JSON.parse(new TextDecoder().decode(reply.data)) as {
    readonly stream: PublishAck['stream']
    readonly seq: number
    readonly duplicate?: boolean
    readonly error?: { readonly code: number; readonly description: string }
  }
  if (!answer.error) return { stream: answer.stream, seq: answer.seq, duplicate: answer.duplicate === true }
  if (answer.error.code >= 500) return refused(message, answer.error.description)
  return appError('unprocessable', `The broker refused a message on ${message.subject}: ${answer.error.description}.`)
}

/** What a client should wait before it sends again what was not stored. */
const RETRY_AFTER_MS = 5_000

const notAcknowledged = (message: OutgoingMessage, reason: string) =>
  appError(
    'broker-unavailable',
    `A message on ${message.subject} was not acknowledged: ${reason}. Publish it again with the same id.`,
    { retryAfterMs: RETRY_AFTER_MS },
  )

const refused = (message: OutgoingMessage, reason: string) =>
  appError(
    'broker-refused',
    `A message on ${message.subject} was not stored: ${reason}. Publish it again with the same id.`,
    { retryAfterMs: RETRY_AFTER_MS },
  )
