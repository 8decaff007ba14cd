import { ContractError } from '@plimsoll/contracts/errors.ts'
import { laneToken } from '@plimsoll/contracts/lane.ts'
import { laneFilter } from '@plimsoll/contracts/subjects.ts'
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import type { WorkerDatabase, WorkerTransaction } from '../db/database.ts'
import { appError, describeError, isPoison, isTransient, poison } from '../errors.ts'
import type { EventLog, StoredMessage } from '../log/log.ts'
import { enqueue, type OutboxMessage, outboxMessages } from '../outbox/outbox.ts'
import { outboxRelay } from '../outbox/relay.ts'
import { backoffMs, pause } from './backoff.ts'
import { deadLetterMessage, keepDeadLetter } from './deadletter.ts'
import { checkpointProblem } from './incarnation.ts'
import { advance, type Checkpoint, type Lease, laneName } from './lease.ts'
import type { LaneMetrics } from './metrics.ts'
import type { LaneContext, LaneMessage, Outcome, Processor } from './processor.ts'
import { inBatchSpan } from './span.ts'
import type { Turns } from './turns.ts'

/** What all lanes of a service share. */
export type Shell = {
  readonly service: string
  readonly db: WorkerDatabase<unknown>
  readonly log: EventLog
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: LaneMetrics
  /** A batch is handled and committed when it is its lane's turn, see `lanesAtOnce`. */
  readonly turn: Turns
}

/** Tries of one message that fails for an unknown reason before it counts as poison. */
const unknownTries = 5
/** A lane that is behind commits several pulls at once; these bound what that takes, and how long a fact waits for it. */
const commitLimits = { bytes: 2 * 1024 * 1024, gatherMs: 200 }
/** Outbox rows a lane may run ahead of the broker. */
const outboxAhead = 1_000
/** How often a lane looks at its stream, see `watchStream`. */
const watchStreamMs = 15_000

/**
 * Works one lane from its checkpoint until `stop` aborts (architecture.md section 5). Every failure but a poisonous
 * message ends it: all it keeps in memory goes with it, and the next call starts from what is committed.
 * @throws transient errors; `lane-fenced` when another owner has the lane; `incarnation-changed` when the checkpoint and
 *   the stream do not belong together; `poison` when the processor halts on it.
 */
export async function workLane(
  shell: Shell,
  processor: Processor<unknown>,
  acquired: Lease,
  stop: AbortSignal,
  progress: () => void,
): Promise<void> {
  const { service, db, log, clock, metrics, turn } = shell
  const { stream } = processor
  const types = new Set<string>(processor.types)
  const context: LaneContext = { lane: acquired.lane, now: clock.now }
  let lease = acquired

  const incarnation = await verifyStream(log, stream, lease)
  const relay = outboxRelay(db, log, lease, stop)
  await relay.drain()
  let state = await load()
  const reader = await log.reader({
    stream,
    filter: laneFilter(stream, lease.lane),
    startSeq: lease.seq + 1,
    name: consumerName(service, lease),
  })

  try {
    let watchedAt = clock.now()
    while (!stop.aborted) {
      if (await reader.ready()) await handleOrSplit(gather)
      if (clock.now() - watchedAt >= watchStreamMs) {
        await watchStream()
        watchedAt = clock.now()
      }
      relay.check()
      if (relay.pending() > outboxAhead) await relay.drain()
      metrics.outboxPending(lease, relay.pending())
    }
    await watchStream()
    await relay.drain()
  } finally {
    await reader.close()
  }

  function load(): Promise<unknown> {
    return db.transaction().execute((tx) => processor.load(tx, context))
  }

  /** What is to be committed together: one pull, while the lane is behind as many as `commitLimits` allows. */
  async function gather(): Promise<readonly LaneMessage[]> {
    const startedAt = performance.now()
    const batch: LaneMessage[] = []
    let bytes = 0
    do {
      for (const message of await reader.pull()) {
        batch.push(asLaneMessage(message))
        bytes += message.data.length
      }
    } while (
      (batch.at(-1)?.pending ?? 0) > 0 &&
      bytes < commitLimits.bytes &&
      performance.now() - startedAt < commitLimits.gatherMs
    )
    return batch
  }

  /**
   * Handles and commits a batch; one that cannot be handled is halved until the message at fault stands alone. It is
   * taken when it is the lane's turn: batches that waited for theirs would be the larger part of a process's memory.
   */
  async function handleOrSplit(taken: () => Promise<readonly LaneMessage[]>): Promise<void> {
    let batch: readonly LaneMessage[] | undefined
    for (let tries = 1; ; tries++) {
      try {
        return await turn(async () => {
          batch ??= await taken()
          const messages = batch
          await inBatchSpan(processor, messages, () => handle(messages))
        })
      } catch (error) {
        if (batch === undefined || isTransient(error)) throw error
        state = await load()
        if (batch.length > 1) {
          const middle = batch.length >> 1
          const halves = [batch.slice(0, middle), batch.slice(middle)]
          for (const half of halves) await handleOrSplit(async () => half)
          return
        }
        const [message] = batch
        if (message && (isRefusal(error) || tries >= unknownTries)) return await refuse(message, error)
        shell.logger.warn(
          { err: error, lane: laneName(lease), seq: message?.seq, tries },
          'a message failed, trying again',
        )
        await pause(backoffMs(tries), stop)
        if (stop.aborted) throw error
      }
    }
  }

  async function handle(batch: readonly LaneMessage[]): Promise<void> {
    const startedAt = performance.now()
    if (batch.some(({ type }) => type === '')) throw poison('the message has no Plimsoll-Type header')
    const wanted = batch.filter(({ type }) => types.has(type))
    const outcome = wanted.length === 0 ? {} : await processor.handle(state, wanted, context)
    const last = batch[batch.length - 1] as LaneMessage
    await commit(checkpointAt(last), outcome, outboxMessages(log.lanes, service, lease, last.seq, outcome.events ?? []))
    reader.giveBack(batch)
    metrics.committed(lease, batch.length, (performance.now() - startedAt) / 1000)
    metrics.lag(lease, last.pending, last.pending === 0 ? 0 : (clock.now() - last.time) / 1000)
  }

  async function refuse(message: LaneMessage, error: unknown): Promise<void> {
    const reason = describeError(error)
    if (processor.onPoison === 'halt') throw poison(`message ${message.seq} of ${stream}: ${reason}`)
    const letter = deadLetterMessage(service, lease, message, reason)
    await commit(checkpointAt(message), { write: (tx) => keepDeadLetter(tx, lease, message, reason) }, [letter])
    shell.logger.error({ err: error, lane: laneName(lease), seq: message.seq }, 'refused a message')
    metrics.refused(lease)
  }

  /** One transaction: the checkpoint, which fences, then the rows, then the events. */
  async function commit(to: Checkpoint, outcome: Outcome, messages: readonly OutboxMessage[]): Promise<void> {
    await db.transaction().execute(async (tx: WorkerTransaction) => {
      await advance(tx, lease, to)
      await outcome.write?.(tx)
      if (messages.length > 0) await enqueue(tx, lease, messages)
    })
    lease = { ...lease, ...to }
    if (messages.length > 0) relay.nudge(messages.length)
    progress()
  }

  /**
   * Looks whether the stream is still the same, and moves the checkpoint of a lane that has caught up to the stream's end:
   * else an idle lane would fall behind the stream's beginning as messages of other lanes age away.
   */
  async function watchStream(): Promise<void> {
    const info = await log.info(stream)
    const problem = checkpointProblem({ ...lease, incarnation }, info, undefined)
    if (problem) throw appError('incarnation-changed', `${laneName(lease)}: ${problem}.`)
    if (info.lastSeq <= lease.seq || !(await reader.caughtUp())) return
    const last = await log.get(stream, info.lastSeq)
    if (last) await commit(checkpointAt(last), {}, [])
  }

  function checkpointAt({ seq, time }: StoredMessage): Checkpoint {
    return { seq, seqTimeMs: time, incarnation }
  }
}

/** Returns the stream's incarnation once the checkpoint is known to belong to it (invariant 2). */
async function verifyStream(log: EventLog, stream: Processor<unknown>['stream'], lease: Lease): Promise<string> {
  const info = await log.info(stream)
  const message = lease.seq === 0 ? undefined : await log.get(stream, lease.seq)
  const problem = checkpointProblem(lease, info, message?.time)
  if (problem === undefined) return info.createdAt
  throw appError('incarnation-changed', `${laneName(lease)}: ${problem}.`)
}

const asLaneMessage = (message: StoredMessage): LaneMessage => ({
  ...message,
  type: message.headers['Plimsoll-Type'] ?? '',
})

/** Broken bytes, an unknown schema, a refusal by the domain: trying again cannot help. */
const isRefusal = (error: unknown): boolean => isPoison(error) || error instanceof ContractError

/** Unique for ever (invariant 3): the epoch rises with each acquisition, the nonce covers readers within one. */
function consumerName(service: string, { processor, version, lane, epoch }: Lease): string {
  const nonce = Math.random().toString(36).slice(2, 8)
  return `${service}-${processor}-v${version}-${laneToken(lane)}-${epoch}-${nonce}`
}
