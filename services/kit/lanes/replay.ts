import { isEventType } from '@plimsoll/contracts/events.ts'
import type { StreamName } from '@plimsoll/contracts/streams.ts'
import { sql } from 'kysely'
import type { WorkerDatabase } from '../db/database.ts'
import { appError, describeError, isTransient } from '../errors.ts'
import type { EventLog } from '../log/log.ts'
import { enqueue, outboxMessages } from '../outbox/outbox.ts'
import { outboxRelay } from '../outbox/relay.ts'
import { advance, type LaneKey, laneName, release, takeOver } from './lease.ts'
import type { LaneContext, LaneMessage, Processor } from './processor.ts'

type Database = WorkerDatabase<unknown>

/** A refused message, without its bytes. */
export type DeadLetter = LaneKey & {
  readonly id: number
  readonly stream: StreamName
  readonly seq: number
  readonly messageId: string
  readonly type: string
  readonly bytes: number
  readonly messageTime: Date
  readonly reason: string
  readonly refusedAt: Date
  readonly replayedAt: Date | null
}

/** Refused messages that have not been replayed, oldest first; with `all`, the others too. */
export async function listDeadLetters(db: Database, { all = false, limit = 1_000 } = {}): Promise<DeadLetter[]> {
  const { rows } = await sql<DeadLetter>`
    select id, processor, version, lane, stream, seq, message_id as "messageId", length(data) as bytes,
      coalesce(headers ->> 'Plimsoll-Type', '') as type, message_time as "messageTime", reason,
      refused_at as "refusedAt", replayed_at as "replayedAt"
    from dead_letter where ${all} or replayed_at is null order by id limit ${limit}`.execute(db)
  return rows
}

/** A refused message as its processor would get it. */
export async function readDeadLetter(db: Database, id: number): Promise<(LaneKey & LaneMessage) | undefined> {
  const { rows } = await sql<LaneKey & LaneMessage & { messageTime: Date }>`
    select processor, version, lane, stream, seq, subject, message_id as id, headers, data, 0 as pending,
      coalesce(headers ->> 'Plimsoll-Type', '') as type, message_time as "messageTime"
    from dead_letter where id = ${id}`.execute(db)
  const [row] = rows
  return row && { ...row, time: row.messageTime.getTime() }
}

export type ReplayOptions = {
  readonly service: string
  readonly db: Database
  readonly log: EventLog
  readonly processors: readonly Processor<unknown>[]
  readonly now: () => number
}

export type ReplayResult = { readonly kind: 'handled' } | { readonly kind: 'refused again'; readonly reason: string }

/**
 * Runs a refused message through its processor, from the bytes as they were stored, under the lane's lease and in one
 * transaction like any batch; its events get the ids they would have had. The lane's checkpoint stays where it is, so the
 * message comes late: what it changes is up to the processor's rules for late data.
 * @throws AppError `not-found` for an unknown letter or processor, `conflict` when the lane is halted; transient errors.
 */
export async function replayDeadLetter(options: ReplayOptions, id: number): Promise<ReplayResult> {
  const { service, db, log, processors, now } = options
  const message = await readDeadLetter(db, id)
  if (!message) throw appError('not-found', `There is no dead letter ${id} in ${service}; list them first.`)
  const processor = processors.find(({ name, version }) => name === message.processor && version === message.version)
  if (!processor) {
    throw appError('not-found', `This version of ${service} has no processor ${message.processor} v${message.version}.`)
  }
  const lease = await takeOver(db, message, `replay-${crypto.randomUUID()}`)
  if (!lease) throw appError('conflict', `${laneName(message)} is halted: let it go on with tools/rebuild first.`)
  const context: LaneContext = { lane: lease.lane, now }
  try {
    if (!isEventType(message.type)) throw appError('poison', 'the message has no Plimsoll-Type that is known')
    const state = await db.transaction().execute((tx) => processor.load(tx, context))
    const outcome = await processor.handle(state, [message], context)
    const events = outboxMessages(log.lanes, service, lease, message.seq, outcome.events ?? [])
    await db.transaction().execute(async (tx) => {
      await advance(tx, lease, lease)
      await outcome.write?.(tx)
      if (events.length > 0) await enqueue(tx, lease, events)
      await sql`update dead_letter set replayed_at = now() where id = ${id}`.execute(tx)
    })
    await outboxRelay(db, log, lease, new AbortController().signal).drain()
    return { kind: 'handled' }
  } catch (error) {
    if (isTransient(error)) throw error
    return { kind: 'refused again', reason: describeError(error) }
  } finally {
    await release(db, lease)
  }
}
