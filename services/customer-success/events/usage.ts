/** UsageBatch -> raw events, persons and the figures they are part of. */

import { USAGE_TYPE, type UsageBatchView, usageBatchView } from '@plimsoll/contracts/usage-batch.ts'
import type { Processor } from '@plimsoll/kit/lanes/processor.ts'
import type { CustomerSuccessConfig } from '../config.ts'
import type { UsageRow } from '../domain/usage-event.ts'
import { withoutErasedRows } from '../store/erased.ts'
import { createNumbers, type Numbers, takeUsage, type UsageLimits } from '../store/usage.ts'
import type { UsageCounter } from './success-metrics.ts'

export const usageLimits = (config: CustomerSuccessConfig): UsageLimits => ({
  lateDays: config.CUSTOMER_SUCCESS_LATE_DAYS,
  rawDays: config.CUSTOMER_SUCCESS_KEEP_RAW_DAYS,
  features: config.CUSTOMER_SUCCESS_FEATURES,
})

export function usageProcessor(config: CustomerSuccessConfig, count: UsageCounter): Processor<Numbers> {
  const limits = usageLimits(config)
  return {
    name: 'usage',
    version: 1,
    stream: 'USAGE',
    types: [USAGE_TYPE],
    onPoison: 'skip',
    load: async () => createNumbers(),
    handle(numbers, batch, { now }) {
      const rows = batch.flatMap((message) => rowsOf(usageBatchView(message.data)))
      return {
        async write(tx) {
          const told = await withoutErasedRows(tx, rows, limits.lateDays)
          const taken = await takeUsage(tx, numbers, told, limits, now())
          count({ ...taken, erased: taken.erased + rows.length - told.length })
        },
      }
    },
  }
}

function rowsOf(batch: UsageBatchView): UsageRow[] {
  const { strings, source } = batch
  const text = (refs: Uint32Array, row: number): string => strings.at(refs[row] ?? 0)
  const rows: UsageRow[] = []
  for (let row = 0; row < batch.rows; row++) {
    rows.push({
      eventId: batch.messageId.subarray(row * 16, row * 16 + 16),
      source,
      kind: batch.kind[row] ?? 0,
      name: text(batch.nameRef, row),
      accountId: text(batch.accountRef, row),
      userId: text(batch.userRef, row),
      anonymousId: text(batch.anonymousRef, row),
      quantity: batch.quantity[row] ?? 0,
      atMs: batch.time[row] ?? 0,
      originalMs: batch.originalTime[row] ?? 0,
      sentMs: batch.sentTime[row] ?? 0,
      receivedMs: batch.receivedAt,
      properties: text(batch.propertiesRef, row),
      context: text(batch.contextRef, row),
    })
  }
  return rows
}
