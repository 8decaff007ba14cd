/** Sums up cells that batches have added, drops what is too old, and forgets what persons did long ago. */

import type { Ticker } from '@plimsoll/kit/lanes/processor.ts'
import type { CustomerSuccessConfig } from '../config.ts'
import { dayOf } from '../domain/day.ts'
import { sumUpCells } from '../store/cells.ts'
import { dropOld } from '../store/events.ts'
import { forgetDays } from '../store/identity.ts'

const RETENTION_EVERY_MS = 10 * 60_000
/**
 * Days of persons are kept for longer than late events are taken, by more than the longest window: what an event changes
 * depends on the days around it.
 */
const DAYS_BEHIND_LATEST = 90
const SUM_UPS_AT_ONCE = 10
/** Looked over at a tick: two million in a day. */
const PERSONS_AT_ONCE = 500

export function usageUpkeepTicker(config: CustomerSuccessConfig): Ticker<{ droppedMs: number; forgotUpTo: number }> {
  const retention = {
    rawDays: config.CUSTOMER_SUCCESS_KEEP_RAW_DAYS,
    keyDays: config.CUSTOMER_SUCCESS_KEEP_KEYS_DAYS,
    textDays: config.CUSTOMER_SUCCESS_KEEP_TEXT_DAYS,
  }
  const userDays = Math.max(
    config.CUSTOMER_SUCCESS_KEEP_USER_DAYS,
    config.CUSTOMER_SUCCESS_LATE_DAYS + DAYS_BEHIND_LATEST,
  )
  return {
    name: 'usage-upkeep',
    version: 1,
    lanes: 1,
    everyMs: 2_000,
    load: async () => ({ droppedMs: 0, forgotUpTo: 0 }),
    async tick(state, tx, { now }) {
      // Alone in its transaction: dropping a partition waits for every lane, and no lane may be waiting for it.
      if (now() - state.droppedMs >= RETENTION_EVERY_MS) {
        await dropOld(tx, now(), retention)
        state.droppedMs = now()
        return {}
      }
      for (let turns = 0; turns < SUM_UPS_AT_ONCE && (await sumUpCells(tx)) > 0; turns++);
      state.forgotUpTo = (await forgetDays(tx, dayOf(now()) - userDays, state.forgotUpTo, PERSONS_AT_ONCE)) ?? 0
      return {}
    },
  }
}
