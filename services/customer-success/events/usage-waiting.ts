/** Whether days still have to wait before they are closed: usage of long ago may be on its way. */

import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import { usageCheckpoints } from '../store/health.ts'

/** A lane that goes on from messages older than this is behind; days wait until none has been so for a while. */
const BEHIND_MS = 1_000
const CAUGHT_UP_MS = 5_000
/** Usage that never catches up may not keep days open for ever. */
const MOST_WAIT_MS = 600_000

/** Where lanes of usage were at the last tick, when one was last behind, and since when days have waited for them. */
export type UsageWaiting = {
  lanes: ReadonlyMap<string, { readonly seq: number }>
  behindMs: number
  sinceMs: number | undefined
}

export const notWaiting = (): UsageWaiting => ({
  lanes: new Map(),
  behindMs: Number.NEGATIVE_INFINITY,
  sinceMs: undefined,
})

/**
 * Whether lanes are still reading what came long ago. A day closed meanwhile would be scored without it, and corrected;
 * and scoring would take the time that catching up needs.
 */
export async function mustWaitForUsage(tx: WorkerTransaction, waiting: UsageWaiting, nowMs: number): Promise<boolean> {
  const lanes = await usageCheckpoints(tx)
  const isBehind = [...lanes].some(
    ([lane, { seq, timeMs }]) => seq !== waiting.lanes.get(lane)?.seq && nowMs - timeMs > BEHIND_MS,
  )
  waiting.lanes = lanes
  if (isBehind) waiting.behindMs = nowMs
  waiting.sinceMs = nowMs - waiting.behindMs < CAUGHT_UP_MS ? (waiting.sinceMs ?? nowMs) : undefined
  return waiting.sinceMs !== undefined && nowMs - waiting.sinceMs < MOST_WAIT_MS
}
