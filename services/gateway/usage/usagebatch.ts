import { encodeEvent } from '@plimsoll/contracts/events.ts'
import { type UsageEvent, usageBatchOf } from '@plimsoll/contracts/usage-batch.ts'
import type { OpenBatch } from '../batch/lanes.ts'

export type OpenUsageBatch = OpenBatch & {
  /** `weight` of the event was added by whoever found room for it. */
  add(event: UsageEvent): void
}

/** Avro header, source name, lengths of the columns. */
const BATCH_BYTES = 1024
/** What an event takes in the columns, and an end for each of its strings. */
const ROW_BYTES = 16 + 4 * 8 + 1 + 6 * 4 + 6 * 4

/** Upper bound of what an event adds to a batch, bytes. */
export function usageWeight({ accountId, userId, anonymousId, name, properties, context }: UsageEvent): number {
  let bytes = ROW_BYTES
  for (const text of [accountId, userId, anonymousId, name, properties, context]) bytes += Buffer.byteLength(text)
  return bytes
}

export function openUsageBatch(source: string, now: () => number): OpenUsageBatch {
  const events: UsageEvent[] = []
  const receivedAt = now()
  const batch: OpenUsageBatch = {
    weight: BATCH_BYTES,
    latestMs: Number.NEGATIVE_INFINITY,
    add(event) {
      events.push(event)
      batch.latestMs = Math.max(batch.latestMs, event.timeMs)
    },
    encode: () => encodeEvent('plimsoll.usage.v1.UsageBatch', usageBatchOf(source, receivedAt, events)),
    stored: () => {},
  }
  return batch
}
