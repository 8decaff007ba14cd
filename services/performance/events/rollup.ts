/** Coarser windows from finer ones, edges from traces, and the end of what is too old. */

import type { Ticker } from '@plimsoll/kit/lanes/processor.ts'
import type { PerformanceConfig } from '../config.ts'
import { joinSpanLinks } from '../store/edges.ts'
import { dropOldWindows, dueHours, rollUpHour } from '../store/rollup.ts'

/** Hours rolled up at one tick; a backfill of a year takes its time and blocks nothing. */
const HOURS_AT_ONCE = 2
const KEEP_LINKS_MS = 10 * 60_000
const RETENTION_EVERY_MS = 10 * 60_000

export function rollupTicker(config: PerformanceConfig): Ticker<{ droppedMs: number; caughtUp: boolean }> {
  return {
    name: 'rollup',
    version: 1,
    lanes: 1,
    everyMs: 5_000,
    load: async () => ({ droppedMs: 0, caughtUp: false }),
    async tick(state, tx, { now }) {
      const nowMs = now()
      // Alone in its transaction: it waits for every lane, and no lane may be waiting for a row it holds. What is due is
      // rolled up before its minutes go.
      if (state.caughtUp && nowMs - state.droppedMs >= RETENTION_EVERY_MS) {
        await dropOldWindows(tx, nowMs, {
          perf_window: config.PERFORMANCE_KEEP_MINUTES_DAYS,
          perf_window_10m: config.PERFORMANCE_KEEP_10_MINUTES_DAYS,
          perf_window_1h: config.PERFORMANCE_KEEP_HOURS_DAYS,
        })
        state.droppedMs = nowMs
        return {}
      }
      await joinSpanLinks(tx, nowMs, KEEP_LINKS_MS)
      const due = await dueHours(tx, nowMs, HOURS_AT_ONCE)
      for (const startMs of due) await rollUpHour(tx, startMs)
      state.caughtUp = due.length < HOURS_AT_ONCE
      return {}
    },
  }
}
