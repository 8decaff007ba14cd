import { encodeEvent } from '@plimsoll/contracts/events.ts'
import { createUsageRows, USAGE_TYPE, type UsageEvent } from '@plimsoll/contracts/usage-batch.ts'
import type { OpenBatch } from '../batch/lanes.ts'
import { createSpares } from '../batch/spares.ts'

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

const spares = createSpares(createUsageRows)

export function openUsageBatch(source: string, now: () => number): OpenUsageBatch {
  const rows = spares.take()
  const receivedAt = now()
  const batch: OpenUsageBatch = {
    weight: BATCH_BYTES,
    latestMs: Number.NEGATIVE_INFINITY,
    add(event) {
      rows.add(event)
      batch.latestMs = Math.max(batch.latestMs, event.timeMs)
    },
    encode() {
      const data = encodeEvent(USAGE_TYPE, rows.batch(source, receivedAt))
      rows.clear()
      // The encoder copied all of it, so the next batch can have these rows.
      spares.giveBack(rows)
      return data
    },
    stored: () => {},
  }
  return batch
}
