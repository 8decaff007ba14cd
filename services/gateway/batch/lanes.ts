import { randomUUID } from 'node:crypto'
import type { EventType } from '@plimsoll/contracts/events.ts'
import { laneToken } from '@plimsoll/contracts/lane.ts'
import { subjectOf } from '@plimsoll/contracts/subjects.ts'
import type { BatchMessage } from './publisher.ts'

/** One request's content on its way into batches. */
export type Intake = {
  /** 128 bits of the request's body and sender, as 32 hex digits. */
  readonly requestId: string
  /** Parts of this very request that the log already holds, as `partKey` names them: they are not published again. */
  readonly stored: ReadonlySet<string>
  /** Upper bound of what it adds to the batches of each lane, bytes. */
  readonly weight: LaneWeights
}

/** Bytes by lane. */
export type LaneWeights = Float64Array

/** `lane.part` of a request: a request that fills several messages of a lane has several parts. */
export function partKey(lane: number, part: number): string {
  return `${lane}.${part}`
}

/** Id of a message that holds one part of one big request. */
export function partMessageId(requestId: string, lane: number, part: number): string {
  return part === 0 ? `${requestId}.${laneToken(lane)}` : `${requestId}.${laneToken(lane)}.${part}`
}

/** Part of a big request that a message id names; undefined for coalesced messages. */
export function partOfMessageId(id: string): { lane: number; part: number } | undefined {
  const match = /^[0-9a-f]{32}\.(\d\d)(?:\.(\d+))?$/.exec(id)
  return match === null ? undefined : { lane: Number(match[1]), part: Number(match[2] ?? 0) }
}

/** A batch being filled. `encode` may be called once, and `stored` when the log has acknowledged what it gave. */
export type OpenBatch = {
  /** Upper bound of the encoded size, bytes. */
  weight: number
  latestMs: number
  readonly encode: () => Uint8Array
  readonly stored: () => void
}

type Pending<B extends OpenBatch> = {
  batch: B
  readonly requests: string[]
  readonly done: PromiseWithResolvers<void>
}

export type LaneBatcherOptions<B extends OpenBatch> = {
  readonly type: EventType
  readonly source: string
  /** Of the log that `publish` writes to. */
  readonly lanes: number
  readonly open: (lane: number) => B
  readonly publish: (message: BatchMessage) => Promise<void>
  readonly headers: () => Record<string, string>
  /** A coalesced batch waits at most this long for company, ms. */
  readonly lingerMs: number
  /** A batch is closed before it would exceed this, bytes: the broker refuses messages above 1 MiB. */
  readonly maxBytes: number
}

/** Appends a request's rows; `batchFor` gives the batch of a lane that has room for `weight` more bytes. */
export type Fill<B> = (batchFor: (lane: number, weight: number) => B | undefined) => void

/** Batches of one source and event type, one being filled per lane. */
export type LaneBatcher<B extends OpenBatch> = {
  /** Takes in one request: `fill` appends through `batchFor`. Resolves when every part is acknowledged. */
  take(intake: Intake, fill: Fill<B>): Promise<void>
  flush(): void
}

const MAX_REQUESTS_IN_BATCH = 128

/** A request that fills more than this share of a message in one lane gets messages of its own there. */
const ALONE_SHARE = 0.25

/**
 * Requests share batches, one being filled per lane: it is sent when it is full, or when none is on its way in the lane
 * and `lingerMs` have passed. So a busy gateway sends few, large messages: each costs the broker a sync to disk, as much
 * CPU as decoding hundreds of samples. What is big in a lane closes the batch it finds there and fills its own, with ids
 * made from the request's: a repeat makes the very same messages.
 */
export function createLaneBatcher<B extends OpenBatch>(options: LaneBatcherOptions<B>): LaneBatcher<B> {
  const { lanes } = options
  const pending = new Array<Pending<B> | undefined>(lanes)
  let timer: NodeJS.Timeout | undefined

  function send(pendingBatch: Pending<B>, lane: number, id: string): Promise<void> {
    const { batch, requests, done } = pendingBatch
    const message: BatchMessage = {
      subject: subjectOf(options.type, lane),
      data: batch.encode(),
      id,
      headers: {
        'Plimsoll-Type': options.type,
        'Plimsoll-Source': options.source,
        'Plimsoll-Time': new Date(batch.latestMs).toISOString(),
        'Plimsoll-Requests': requests.join(','),
        ...options.headers(),
      },
    }
    options.publish(message).then(() => {
      batch.stored()
      done.resolve()
    }, done.reject)
    return done.promise
  }

  /** Shared batches of a lane that wait for their acknowledgement. */
  const onTheirWay = new Array<number>(lanes).fill(0)

  function flushLane(lane: number): void {
    const filled = pending[lane]
    if (filled === undefined) return
    pending[lane] = undefined
    onTheirWay[lane] = (onTheirWay[lane] as number) + 1
    const arrived = () => {
      onTheirWay[lane] = (onTheirWay[lane] as number) - 1
      if (pending[lane] !== undefined) flushSoon()
    }
    send(filled, lane, randomUUID()).then(arrived, arrived)
  }

  function flush(): void {
    clearTimeout(timer)
    timer = undefined
    for (let lane = 0; lane < lanes; lane++) flushLane(lane)
  }

  /** A timer that is late runs before the requests that arrived meanwhile are read: they are let in first. */
  function flushSoon(): void {
    timer ??= setTimeout(setImmediate, options.lingerMs, flushIdle)
  }

  function flushIdle(): void {
    timer = undefined
    for (let lane = 0; lane < lanes; lane++) if (onTheirWay[lane] === 0) flushLane(lane)
  }

  function openPending(lane: number): Pending<B> {
    const made: Pending<B> = { batch: options.open(lane), requests: [], done: Promise.withResolvers<void>() }
    pending[lane] = made
    // Whoever waits on it sees a rejection; a request that gave up waiting must not turn it into an unhandled one.
    made.done.promise.catch(() => {})
    return made
  }

  function take({ requestId, stored, weight: laneWeights }: Intake, fill: Fill<B>): Promise<void>[] {
    const alone = laneWeights.map((bytes) => (bytes > options.maxBytes * ALONE_SHARE ? 1 : 0))
    const parts = new Uint32Array(lanes)
    /** Lanes whose batch the request is in already. */
    const joined = new Uint8Array(lanes)
    const waitedFor: Promise<void>[] = []

    for (let lane = 0; lane < lanes; lane++) {
      const bytes = laneWeights[lane] as number
      // All of a request's share of a lane has to fit: it is never split over two shared batches.
      if (bytes > 0 && (alone[lane] === 1 || (pending[lane]?.batch.weight ?? 0) + bytes > options.maxBytes))
        flushLane(lane)
    }

    /** Sends what the request alone has filled in a lane, unless an earlier life of this process did. */
    function closeOwn(lane: number): void {
      const filled = pending[lane]
      if (filled === undefined) return
      pending[lane] = undefined
      const part = parts[lane] as number
      parts[lane] = part + 1
      if (!stored.has(partKey(lane, part))) waitedFor.push(send(filled, lane, partMessageId(requestId, lane, part)))
    }

    /** Opens a batch in a lane, or joins the one that others have opened. */
    function join(lane: number): Pending<B> {
      const into = pending[lane] ?? openPending(lane)
      into.requests.push(requestId)
      joined[lane] = 1
      if (alone[lane] === 0) waitedFor.push(into.done.promise)
      return into
    }

    fill((lane, weight) => {
      let into = joined[lane] === 1 ? pending[lane] : undefined
      if (into !== undefined && alone[lane] === 1 && into.batch.weight + weight > options.maxBytes) {
        closeOwn(lane)
        into = undefined
      }
      if (into === undefined) {
        if (alone[lane] === 0 && stored.has(partKey(lane, 0))) return undefined
        into = join(lane)
      }
      into.batch.weight += weight
      return into.batch
    })

    for (let lane = 0; lane < lanes; lane++) {
      if (alone[lane] === 1) closeOwn(lane)
      else if ((pending[lane]?.requests.length ?? 0) >= MAX_REQUESTS_IN_BATCH) flushLane(lane)
    }
    flushSoon()
    return waitedFor
  }

  return {
    async take(intake, fill) {
      await Promise.all(take(intake, fill))
    },
    flush,
  }
}
