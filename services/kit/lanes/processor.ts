import type { EventType, EventValue } from '@plimsoll/contracts/events.ts'
import type { StreamName } from '@plimsoll/contracts/streams.ts'
import type { WorkerTransaction } from '../db/database.ts'
import type { StoredMessage } from '../log/log.ts'

/** A fact to publish. It is encoded, given its deterministic id and put in the outbox by the worker. */
export type OutgoingEvent<T extends EventType = EventType> = {
  readonly [K in T]: {
    readonly type: K
    /** Lane key: the entity the fact is about. */
    readonly key: string
    /** Event time, ms since the epoch. */
    readonly time: number
    readonly value: EventValue<K>
    /**
     * Sequence of the message that caused it, which becomes part of its id; the batch's last when left out. Name it where
     * you can: ids then do not depend on how messages were batched, and a rebuild publishes the same ones again.
     */
    readonly sourceSeq?: number
  }
}[T]

/** What one batch led to; written in the transaction that moves the checkpoint. */
export type Outcome = {
  readonly write?: (tx: WorkerTransaction) => Promise<void>
  readonly events?: readonly OutgoingEvent[]
}

export type LaneMessage = StoredMessage & {
  /** Avro full name from the header, e.g. `plimsoll.telemetry.v1.MetricBatch`. */
  readonly type: string
}

export type LaneContext = {
  readonly lane: number
  /** Wall clock, ms since the epoch. */
  readonly now: () => number
}

/**
 * Stream-driven work. One instance of `State` lives per lane while the lane is leased; it is loaded again after every
 * failed commit and after every change of owner, so `load` must rebuild exactly what `handle` had committed.
 * `handle` may mutate `state`. It throws `poison(...)` for a message that can never be handled; anything else it throws
 * is retried and becomes poison after five tries.
 */
export type Processor<State> = {
  readonly name: string
  /** Raised when the state's meaning changes: a new version starts from its own checkpoint. */
  readonly version: number
  readonly stream: StreamName
  /** Full names handled; other types only move the checkpoint. */
  readonly types: readonly EventType[]
  readonly onPoison: 'skip' | 'halt'
  load(tx: WorkerTransaction, context: LaneContext): Promise<State>
  handle(state: State, batch: readonly LaneMessage[], context: LaneContext): Outcome | Promise<Outcome>
}

/** Time-driven work under a lease: absence, deadlines, decisions over many lanes. `lanes` is 1 unless the work shards. */
export type Ticker<State> = {
  readonly name: string
  readonly version: number
  readonly lanes: number
  readonly everyMs: number
  load(tx: WorkerTransaction, context: LaneContext): Promise<State>
  tick(state: State, tx: WorkerTransaction, context: LaneContext): Promise<Outcome>
}

// The state's type is the processor's own affair; the worker only carries it.
export const processor = <State>(definition: Processor<State>): Processor<unknown> => definition as Processor<unknown>
export const ticker = <State>(definition: Ticker<State>): Ticker<unknown> => definition as Ticker<unknown>
