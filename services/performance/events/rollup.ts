/** Coarser windows from finer ones, edges from traces, and the end of what is too old. */

import type { Ticker } from '@plimsoll/kit/lanes/processor.ts'
import type { PerformanceConfig } from '../config.ts'
import { joinSpanLinks } from '../store/edges.ts'
import { dropOldWindows, dueHours, rollUpHour } from '../store/rollup.ts'

/** Hours rolled up at one tick; a backfill of a year takes its time and blocks nothing. */
const HOURS_AT_ONCE = 2
const KEEP_LINKS_MS = 10 * 60_000
const RETENTION_EVERY_MS = 10 * 60_000

export function rollupTicker(config: PerformanceConfig): Ticker<{ droppedMs: number }> {
  return {
    name: 'rollup',
    version: 1,
    lanes: 1,
    everyMs: 5_000,
    load: async () => ({ droppedMs: 0 }),
    async tick(state, tx, { now }) {
      const nowMs = now()
      await joinSpanLinks(tx, nowMs, KEEP_LINKS_MS)
      const due = await dueHours(tx, nowMs, HOURS_AT_ONCE)
      for (const startMs of due) await rollUpHour(tx, startMs)
      // What is due has to be rolled up before its minutes go.
      if (due.length < HOURS_AT_ONCE && nowMs - state.droppedMs >= RETENTION_EVERY_MS) {
        await dropOldWindows(tx, nowMs, {
          perf_window: config.PERFORMANCE_KEEP_MINUTES_DAYS,
          perf_window_10m: config.PERFORMANCE_KEEP_10_MINUTES_DAYS,
          perf_window_1h: config.PERFORMANCE_KEEP_HOURS_DAYS,
        })
        state.droppedMs = nowMs
      }
      return {}
    },
  }
}
