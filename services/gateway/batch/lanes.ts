import { randomUUID } from 'node:crypto'
import type { EventType } from '@plimsoll/contracts/events.ts'
import { laneCount, laneToken } from '@plimsoll/contracts/lane.ts'
import { subjectOf } from '@plimsoll/contracts/subjects.ts'
import type { BatchMessage } from './publisher.ts'

/** One request's content on its way into batches. */
export type Intake = {
  /** 128 bits of the request's body and sender, as 32 hex digits. */
  readonly requestId: string
  /** Parts of this very request that the log already holds, as `partKey` names them: they are not published again. */
  readonly stored: ReadonlySet<string>
  /** Upper bound of what it adds to batches, bytes. */
  readonly weight: number
}

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

/** A batch being filled. `encode` may be called once. */
export type OpenBatch = {
  /** Upper bound of the encoded size, bytes. */
  weight: number
  latestMs: number
  readonly encode: () => Uint8Array
}

type Pending<B extends OpenBatch> = {
  batch: B
  readonly requests: string[]
  readonly done: PromiseWithResolvers<void>
}

export type LaneBatcherOptions<B extends OpenBatch> = {
  readonly type: EventType
  readonly source: string
  readonly open: (lane: number) => B
  readonly publish: (message: BatchMessage) => Promise<void>
  readonly headers: () => Record<string, string>
  /** A coalesced batch waits at most this long for company, ms. */
  readonly lingerMs: number
  /** A batch is closed before it would exceed this, bytes: the broker refuses messages above 1 MiB. */
  readonly maxBytes: number
}

/** Batches of one source and event type, one being filled per lane. */
export type LaneBatcher<B extends OpenBatch> = {
  /** Takes in one request: `fill` appends through `batchFor`. Resolves when every part is acknowledged. */
  take(intake: Intake, fill: (batchFor: (lane: number, weight: number) => B | undefined) => void): Promise<void>
  flush(): void
}

const MAX_REQUESTS_IN_BATCH = 128

/** Requests above this share of a full batch get messages of their own. */
const ALONE_SHARE = 0.25

/**
 * Small requests share batches: flushed when full or after `lingerMs`. A big request closes the batches it finds and
 * fills its own, with ids made from the request's: a repeat makes the very same messages, and the broker drops them.
 */
export function createLaneBatcher<B extends OpenBatch>(options: LaneBatcherOptions<B>): LaneBatcher<B> {
  const pending = new Array<Pending<B> | undefined>(laneCount)
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
    options.publish(message).then(done.resolve, done.reject)
    return done.promise
  }

  function flushLane(lane: number): void {
    const filled = pending[lane]
    if (filled === undefined) return
    pending[lane] = undefined
    void send(filled, lane, randomUUID()).catch(() => {})
  }

  function flush(): void {
    clearTimeout(timer)
    timer = undefined
    for (let lane = 0; lane < laneCount; lane++) flushLane(lane)
  }

  const openPending = (lane: number, requestId: string): Pending<B> => {
    const made = { batch: options.open(lane), requests: [requestId], done: Promise.withResolvers<void>() }
    // Whoever waits on it sees a rejection; a request that gave up waiting must not turn it into an unhandled one.
    made.done.promise.catch(() => {})
    return made
  }

  function takeAlone(
    { requestId, stored }: Intake,
    fill: (batchFor: (lane: number, weight: number) => B | undefined) => void,
  ): Promise<void>[] {
    const own = new Array<Pending<B> | undefined>(laneCount)
    const parts = new Array<number>(laneCount).fill(0)
    const sent: Promise<void>[] = []
    const close = (lane: number): void => {
      const filled = own[lane]
      if (filled === undefined) return
      own[lane] = undefined
      const part = parts[lane] as number
      parts[lane] = part + 1
      if (!stored.has(partKey(lane, part))) sent.push(send(filled, lane, partMessageId(requestId, lane, part)))
    }
    flush()
    fill((lane, weight) => {
      if ((own[lane]?.batch.weight ?? 0) + weight > options.maxBytes) close(lane)
      own[lane] ??= openPending(lane, requestId)
      const { batch } = own[lane]
      batch.weight += weight
      return batch
    })
    for (let lane = 0; lane < laneCount; lane++) close(lane)
    return sent
  }

  function takeTogether(
    { requestId, stored, weight: requestWeight }: Intake,
    fill: (batchFor: (lane: number, weight: number) => B | undefined) => void,
  ): Promise<void>[] {
    const joined = new Set<Promise<void>>()
    fill((lane, weight) => {
      if (stored.has(partKey(lane, 0))) return undefined
      let into = pending[lane]
      if (into !== undefined && into.requests.at(-1) !== requestId) {
        // All of the request has to fit: its part of a lane is never split over two shared batches.
        if (into.batch.weight + requestWeight > options.maxBytes) {
          flushLane(lane)
          into = undefined
        } else into.requests.push(requestId)
      }
      into ??= pending[lane] = openPending(lane, requestId)
      into.batch.weight += weight
      joined.add(into.done.promise)
      return into.batch
    })
    for (let lane = 0; lane < laneCount; lane++) {
      if ((pending[lane]?.requests.length ?? 0) >= MAX_REQUESTS_IN_BATCH) flushLane(lane)
    }
    timer ??= setTimeout(flush, options.lingerMs)
    return [...joined]
  }

  return {
    async take(intake, fill) {
      if (intake.weight === 0) return
      const alone = intake.weight > options.maxBytes * ALONE_SHARE
      await Promise.all(alone ? takeAlone(intake, fill) : takeTogether(intake, fill))
    },
    flush,
  }
}
