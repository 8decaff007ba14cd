import type { StreamName } from '@plimsoll/contracts/streams.ts'

/** A message as the broker stored it. `data` is only valid until the handler returns: copy what you keep. */
export type StoredMessage = {
  readonly stream: StreamName
  /** Sequence in the stream, from 1. */
  readonly seq: number
  readonly subject: string
  /** Broker's time of storing, ms since the epoch. */
  readonly time: number
  /** The publisher's `Nats-Msg-Id`, empty when it gave none. */
  readonly id: string
  readonly headers: Readonly<Record<string, string>>
  readonly data: Uint8Array
  /** Messages on the reader's filter that were waiting behind this one. */
  readonly pending: number
}

export type OutgoingMessage = {
  readonly subject: string
  readonly data: Uint8Array
  /** Becomes `Nats-Msg-Id`: the broker drops a second one within the stream's duplicate window. */
  readonly id?: string
  readonly headers?: Readonly<Record<string, string>>
}

export type PublishAck = { readonly stream: StreamName; readonly seq: number; readonly duplicate: boolean }

/** What tells one life of a stream from another: a stream deleted and made again has a new `createdAt`. */
export type StreamInfo = {
  readonly stream: StreamName
  /** ISO time of creation as the broker states it, kept as text: it is compared, never computed with. */
  readonly createdAt: string
  readonly firstSeq: number
  readonly lastSeq: number
  readonly messages: number
  readonly bytes: number
  readonly metadata: Readonly<Record<string, string>>
}

export type ReadOptions = {
  readonly stream: StreamName
  /** Subject filter, e.g. `metric.07.>`. */
  readonly filter: string
  /** First sequence wanted; must be within or right behind the stream, see `worker.ts` invariant 2. */
  readonly startSeq: number
  /** Unique, never reused: reusing a consumer's name silently resumes its old position. */
  readonly name: string
  readonly maxMessages?: number
  readonly maxBytes?: number
  /** Longest wait for the first message of a pull, ms. */
  readonly maxWaitMs?: number
}

export type LaneReader = {
  /**
   * Waits for messages, `maxWaitMs` at most; true when `pull` has some to give. Until then they are the reader's, which
   * holds no more than one pull. Rejects as `pull` does.
   */
  ready(): Promise<boolean>
  /**
   * The next messages in order, an empty array after `maxWaitMs` of silence. The following pull is already under way
   * when this one returns. Rejects with `LogGapError` when the consumer's own sequence is not contiguous from 1, and
   * with a transient `AppError` when the broker is gone: make a new reader from the checkpoint then.
   */
  pull(): Promise<readonly StoredMessage[]>
  /** Gives the memory of messages back at once, where nobody reads their data any more. */
  giveBack(messages: readonly StoredMessage[]): void
  /** True when `pull` has returned every matching message that was in the stream at the time of the call. */
  caughtUp(): Promise<boolean>
  close(): Promise<void>
}

/** Which headers to read: all messages on `filter` stored at or after `sinceMs` (ms since the epoch). */
export type HeaderReadOptions = { readonly stream: StreamName; readonly filter: string; readonly sinceMs: number }

/**
 * The append-only log every service reads and writes. Two adapters (`jetstream.ts`, `memory.ts`) pass one conformance
 * suite (`conformance.ts`).
 */
export type EventLog = {
  /** Resolves after the broker's ack, in a window of in-flight messages; rejects (transient) when the ack did not come. */
  publish(message: OutgoingMessage): Promise<PublishAck>
  reader(options: ReadOptions): Promise<LaneReader>
  /** Messages without their payload (`data` is empty), oldest first, ending with the newest one there is at the call. */
  readHeaders(options: HeaderReadOptions): AsyncIterable<StoredMessage>
  info(stream: StreamName): Promise<StreamInfo>
  /** The message at `seq`, undefined when there is none (any more). */
  get(stream: StreamName, seq: number): Promise<StoredMessage | undefined>
  /** Lanes of this installation, as its streams were made; given to `laneOf`. */
  readonly lanes: number
  /** Version the broker states, e.g. `2.10.27`; features are gated on it. */
  readonly serverVersion: string
  connected(): boolean
  flush(): Promise<void>
  close(): Promise<void>
}
