/** Sums up cells that batches have added, and drops what is too old. */

import type { Ticker } from '@plimsoll/kit/lanes/processor.ts'
import type { CustomerSuccessConfig } from '../config.ts'
import { sumUpCells } from '../store/cells.ts'
import { dropOld } from '../store/events.ts'

const RETENTION_EVERY_MS = 10 * 60_000

export function usageUpkeepTicker(config: CustomerSuccessConfig): Ticker<{ droppedMs: number }> {
  const retention = {
    rawDays: config.CUSTOMER_SUCCESS_KEEP_RAW_DAYS,
    keyDays: config.CUSTOMER_SUCCESS_KEEP_KEYS_DAYS,
    textDays: config.CUSTOMER_SUCCESS_KEEP_TEXT_DAYS,
  }
  return {
    name: 'usage-upkeep',
    version: 1,
    lanes: 1,
    everyMs: 2_000,
    load: async () => ({ droppedMs: 0 }),
    async tick(state, tx, { now }) {
      // Alone in its transaction: dropping a partition waits for every lane, and no lane may be waiting for it.
      if (now() - state.droppedMs >= RETENTION_EVERY_MS) {
        await dropOld(tx, now(), retention)
        state.droppedMs = now()
      } else await sumUpCells(tx)
      return {}
    },
  }
}
