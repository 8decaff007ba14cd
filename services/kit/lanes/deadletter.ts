import { laneToken } from '@plimsoll/contracts/lane.ts'
import { sql } from 'kysely'
import type { WorkerTransaction } from '../db/database.ts'
import type { OutboxMessage } from '../outbox/outbox.ts'
import type { LaneKey } from './lease.ts'
import type { LaneMessage } from './processor.ts'

/**
 * Keeps a refused message as it was stored, in the transaction that moves the checkpoint past it. Refusing it again,
 * after a rebuild say, renews the row.
 */
export async function keepDeadLetter(
  tx: WorkerTransaction,
  key: LaneKey,
  message: LaneMessage,
  reason: string,
): Promise<void> {
  await sql`
    insert into dead_letter (processor, version, lane, stream, seq, message_id, subject, headers, data, message_time, reason)
    values (${key.processor}, ${key.version}, ${key.lane}, ${message.stream}, ${message.seq}, ${message.id},
      ${message.subject}, ${JSON.stringify(message.headers)}, ${Buffer.from(message.data)}, ${new Date(message.time)}, ${reason})
    on conflict (processor, version, stream, seq) do update
    set reason = excluded.reason, refused_at = now(), replayed_at = null`.execute(tx)
}

/** The same message for the DEADLETTER stream, where all services' refusals meet. */
export function deadLetterMessage(service: string, key: LaneKey, message: LaneMessage, reason: string): OutboxMessage {
  const { processor, version, lane } = key
  return {
    id: `${service}.${processor}.v${version}.${laneToken(lane)}.${message.seq}.refused`,
    subject: `deadletter.${service}.${processor}`,
    headers: {
      'Plimsoll-Type': message.type,
      'Plimsoll-Source': service,
      'Plimsoll-Time': new Date(message.time).toISOString(),
      'Plimsoll-Stream': message.stream,
      'Plimsoll-Seq': String(message.seq),
      // A header is one line of ASCII.
      'Plimsoll-Reason': reason.replace(/[^\x20-\x7e]+/g, ' ').slice(0, 500),
    },
    data: message.data,
  }
}
