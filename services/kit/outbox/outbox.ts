import { encodeEvent } from '@plimsoll/contracts/events.ts'
import { laneOf, laneToken } from '@plimsoll/contracts/lane.ts'
import { subjectOf } from '@plimsoll/contracts/subjects.ts'
import { bulkAppend } from '../db/bulk.ts'
import type { WorkerTransaction } from '../db/database.ts'
import type { LaneKey } from '../lanes/lease.ts'
import type { OutgoingEvent } from '../lanes/processor.ts'
import { activeTraceparent } from '../lanes/span.ts'

/** A message to publish once the transaction that decided it has committed. */
export type OutboxMessage = {
  readonly id: string
  readonly subject: string
  readonly headers: Readonly<Record<string, string>>
  readonly data: Uint8Array
}

/** Queues messages behind those the lane has already; they leave in this order. */
export async function enqueue(tx: WorkerTransaction, key: LaneKey, messages: readonly OutboxMessage[]): Promise<void> {
  const constant = (value: string | number) => messages.map(() => value)
  await bulkAppend(tx, 'outbox', [
    { name: 'processor', type: 'text', values: constant(key.processor) },
    { name: 'version', type: 'int4', values: constant(key.version) },
    { name: 'lane', type: 'int2', values: constant(key.lane) },
    { name: 'id', type: 'text', values: messages.map(({ id }) => id) },
    { name: 'subject', type: 'text', values: messages.map(({ subject }) => subject) },
    { name: 'headers', type: 'jsonb', values: messages.map(({ headers }) => headers) },
    { name: 'data', type: 'bytea', values: messages.map(({ data }) => data) },
  ])
}

/**
 * Facts as messages. Ids are `<service>.<processor>.v<n>.<lane>.<sourceSeq>.<i>`: the sequence that caused the event (the
 * batch's last unless it names one) and its place among the events of that sequence. Consumers of DERIVED upsert by it.
 * `lanes` are those of the log they will be published to.
 */
export function outboxMessages(
  lanes: number,
  service: string,
  key: LaneKey,
  seq: number,
  events: readonly OutgoingEvent[],
): OutboxMessage[] {
  const traceparent = activeTraceparent()
  const eventsOf = new Map<number, number>()
  return events.map((event) => {
    const source = event.sourceSeq ?? seq
    const index = eventsOf.get(source) ?? 0
    eventsOf.set(source, index + 1)
    return {
      id: `${service}.${key.processor}.v${key.version}.${laneToken(key.lane)}.${source}.${index}`,
      subject: subjectOf(event.type, laneOf(event.key, lanes)),
      headers: {
        'Plimsoll-Type': event.type,
        'Plimsoll-Source': service,
        'Plimsoll-Time': new Date(event.time).toISOString(),
        ...(traceparent === undefined ? {} : { traceparent }),
      },
      data: encodeEvent(event.type, event.value),
    }
  })
}
