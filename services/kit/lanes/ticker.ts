import type { KyselyPlugin } from 'kysely'
import type { WorkerTransaction } from '../db/database.ts'
import { enqueue, outboxMessages } from '../outbox/outbox.ts'
import { outboxRelay } from '../outbox/relay.ts'
import { pause } from './backoff.ts'
import { advance, type Lease } from './lease.ts'
import type { LaneContext, Ticker } from './processor.ts'
import type { Shell } from './worker.ts'

/**
 * Ticks one lane until `stop` aborts. A tick is a transaction of its own, fenced like a batch; its number takes the place
 * of the sequence. A failure ends the lane's work here, as in `workLane`. A tick that is under way when `stop` aborts is
 * rolled back at its next statement: it may have minutes of work before it, and does it again where it goes on.
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
    const events = await tick().catch((error: unknown) => {
      if (!stop.aborted) throw error
    })
    if (events === undefined) break
    lease = { ...lease, seq: lease.seq + 1 }
    if (events > 0) relay.nudge(events)
    progress()
    const tookMs = performance.now() - startedAt
    metrics.committed(lease, 1, tookMs / 1000)
    await pause(Math.max(0, ticker.everyMs - tookMs), stop)
    relay.check()
    metrics.outboxPending(lease, relay.pending())
  }
  await relay.drain()

  /** Returns how many events it led to. */
  async function tick(): Promise<number> {
    const seq = lease.seq + 1
    return await db.transaction().execute(async (transaction) => {
      const tx: WorkerTransaction = transaction.withPlugin(failingOnce(stop))
      await advance(tx, lease, { seq, seqTimeMs: clock.now(), incarnation: undefined })
      const outcome = await ticker.tick(state, tx, context)
      await outcome.write?.(tx)
      const messages = outboxMessages(log.lanes, service, lease, seq, outcome.events ?? [])
      if (messages.length > 0) await enqueue(tx, lease, messages)
      return messages.length
    })
  }
}

/** Statements fail once the signal has aborted. */
const failingOnce = (stop: AbortSignal): KyselyPlugin => ({
  transformQuery: ({ node }) => node,
  async transformResult({ result }) {
    stop.throwIfAborted()
    return result
  },
})
