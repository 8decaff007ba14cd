import type { WorkerTransaction } from '../db/database.ts'
import { enqueue, outboxMessages } from '../outbox/outbox.ts'
import { outboxRelay } from '../outbox/relay.ts'
import { pause } from './backoff.ts'
import { advance, type Lease } from './lease.ts'
import type { LaneContext, Ticker } from './processor.ts'
import type { Shell } from './worker.ts'

/**
 * Ticks one lane until `stop` aborts. A tick is a transaction of its own, fenced like a batch; its number takes the place
 * of the sequence. A failure ends the lane's work here, as in `workLane`.
 */
export async function tickLane(
  shell: Shell,
  ticker: Ticker<unknown>,
  acquired: Lease,
  stop: AbortSignal,
  progress: () => void,
): Promise<void> {
  const { service, db, log, clock, metrics } = shell
  const context: LaneContext = { lane: acquired.lane, now: clock.now }
  const relay = outboxRelay(db, log, acquired, stop)
  await relay.drain()
  const state = await db.transaction().execute((tx) => ticker.load(tx, context))

  let lease = acquired
  while (!stop.aborted) {
    const startedAt = performance.now()
    const seq = lease.seq + 1
    const events = await db.transaction().execute(async (tx: WorkerTransaction) => {
      await advance(tx, lease, { seq, seqTimeMs: clock.now(), incarnation: undefined })
      const outcome = await ticker.tick(state, tx, context)
      await outcome.write?.(tx)
      const messages = outboxMessages(service, lease, seq, outcome.events ?? [])
      if (messages.length > 0) await enqueue(tx, lease, messages)
      return messages.length
    })
    lease = { ...lease, seq }
    if (events > 0) relay.nudge(events)
    progress()
    const tookMs = performance.now() - startedAt
    metrics.committed(lease, 1, tookMs / 1000)
    await pause(Math.max(0, ticker.everyMs - tookMs), stop)
    relay.check()
    metrics.outboxPending(lease, relay.pending())
  }
  await relay.drain()
}
