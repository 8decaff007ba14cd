import { setTimeout as delay } from 'node:timers/promises'
import { type StreamName, streamDefinitions } from '@plimsoll/contracts/streams.ts'
import type { Clock } from '@plimsoll/kit/clock.ts'
import { AppError, describeError, isTransient } from '@plimsoll/kit/errors.ts'
import type { EventLog, OutgoingMessage } from '@plimsoll/kit/log/log.ts'
import { streamOfSubject } from '@plimsoll/kit/log/publisher.ts'
import { release } from './release.ts'

/** A message whose id is stated, so that publishing it twice stores it once. */
export type BatchMessage = OutgoingMessage & { readonly id: string }

export type BatchPublisher = {
  /** Of the log it publishes to. */
  readonly lanes: number
  /**
   * Resolves once the broker has acknowledged the message, whose data is then given back; tries until then. Rejects when
   * `stop` was called, or when trying again cannot help.
   */
  publish(message: BatchMessage): Promise<void>
  /**
   * The value of what is being stored; undefined once it takes longer than `withinMs`, or the broker has kept saying that
   * it cannot store. Messages are tried again all the same.
   */
  awaitStored<T>(storing: T | Promise<T>, withinMs: number): Promise<T | undefined>
  /** What keeps the broker from acknowledging, in words for senders. */
  obstacle(): string
  stop(): void
}

const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 2_000
/** Past half the duplicate window a second try is only safe after looking whether the first one was stored. */
const SAFE_RETRY_MS = streamDefinitions.METRIC.duplicateWindowMs / 2
/** A stream that is choosing a leader refuses too, but for less than this. */
const REFUSES_AFTER_MS = 2_000

/** The system's words for a full disk and JetStream's for a limit that is reached (its server/errors.json: 10023, 10047, 10077). */
const outOfSpace = /no space left on device|insufficient (storage )?resources|maximum bytes exceeded/

/**
 * Publishes until acknowledged. A lost ack does not tell whether the message was stored; the broker drops a second one
 * with the same id within its duplicate window, and beyond that the stream itself is asked.
 */
export function createBatchPublisher(log: EventLog, clock: Clock, onRetry: (error: unknown) => void): BatchPublisher {
  const stopped = new AbortController()
  let refusal: { readonly sinceMs: number; readonly isFull: boolean } | undefined
  /** Of those who wait: each stops one from waiting. */
  const giveUps = new Set<() => void>()

  function noteFailure(error: unknown): void {
    if (!(error instanceof AppError && error.code === 'broker-refused')) {
      refusal = undefined
      return
    }
    const nowMs = clock.now()
    refusal = { sinceMs: refusal?.sinceMs ?? nowMs, isFull: outOfSpace.test(describeError(error)) }
    if (nowMs - refusal.sinceMs >= REFUSES_AFTER_MS) for (const giveUp of giveUps) giveUp()
  }

  async function stored(message: BatchMessage, sinceMs: number): Promise<boolean> {
    const stream = streamOfSubject(message.subject) as StreamName
    for await (const known of log.readHeaders({ stream, filter: message.subject, sinceMs })) {
      if (known.id === message.id) return true
    }
    return false
  }

  return {
    lanes: log.lanes,
    async publish(message) {
      const startedAt = clock.now()
      for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
        try {
          if (clock.now() - startedAt > SAFE_RETRY_MS && (await stored(message, startedAt - SAFE_RETRY_MS))) return
          await log.publish(message)
          refusal = undefined
          release(message.data)
          return
        } catch (error) {
          if (stopped.signal.aborted || !isTransient(error)) throw error
          noteFailure(error)
          onRetry(error)
          await delay(pause * (0.5 + Math.random()), undefined, { signal: stopped.signal }).catch(() => {})
          if (stopped.signal.aborted) throw error
        }
      }
    },
    async awaitStored(storing, withinMs) {
      if (!(storing instanceof Promise)) return storing
      const { promise: tooLate, resolve } = Promise.withResolvers<undefined>()
      const giveUp = () => resolve(undefined)
      const timer = setTimeout(giveUp, withinMs)
      giveUps.add(giveUp)
      try {
        return await Promise.race([storing, tooLate])
      } finally {
        clearTimeout(timer)
        giveUps.delete(giveUp)
      }
    },
    obstacle() {
      if (refusal === undefined) return 'the broker does not answer'
      return refusal.isFull
        ? 'the broker has no space left, and whoever runs it has to make some'
        : 'the broker answers that it cannot store at the moment'
    },
    stop: () => stopped.abort(),
  }
}
