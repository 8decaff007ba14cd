import { sql } from 'kysely'
import type { WorkerDatabase } from '../db/database.ts'
import { type LaneKey, leaseLost } from '../lanes/lease.ts'
import type { EventLog } from '../log/log.ts'
import type { OutboxMessage } from './outbox.ts'

export type Relay = {
  /** There are new rows: publish them soon. Never throws; `check` does. */
  nudge(rows: number): void
  /** Throws what went wrong since the last call, so that the lane pauses instead of running ahead of its outbox. */
  check(): void
  /**
   * Resolves when the lane's outbox is empty, or when it is not for a while after the lane was stopped; rejects
   * (transient) when the broker or the database is away.
   */
  drain(): Promise<void>
  /** Rows queued here and not yet acknowledged by the broker. */
  pending(): number
}

const chunkRows = 200
/** A lane that stops leaves what is not published by then to its next owner. */
const publishAfterStopMs = 500

/**
 * Publishes one lane's outbox, each subject in order: a message leaves only when the one before it on its subject is
 * acknowledged, so a failure in between can never let a later fact overtake an earlier one of the same entity. Rows go
 * when the broker has them; a crash before that publishes them again under the same id.
 */
export function outboxRelay(db: WorkerDatabase<unknown>, log: EventLog, key: LaneKey, stop: AbortSignal): Relay {
  let pending = 0
  let running: Promise<void> | undefined
  let nudged = false
  let failure: unknown

  async function publishAll(): Promise<void> {
    const startedAt = performance.now()
    for (;;) {
      nudged = false
      const rows = await readChunk(db, key)
      const published: number[] = []
      const subjects = [...Map.groupBy(rows, ({ subject }) => subject).values()]
      const ends = await Promise.allSettled(subjects.map((messages) => publishInOrder(messages, published)))
      if (published.length > 0) await deletePublished(db, key, published)
      for (const end of ends) if (end.status === 'rejected') throw end.reason
      if (stop.reason === leaseLost) return
      pending = Math.max(0, pending - rows.length)
      if (rows.length < chunkRows && !nudged) {
        pending = 0
        return
      }
      if (stop.aborted && performance.now() - startedAt > publishAfterStopMs) return
    }
  }

  async function publishInOrder(messages: readonly Row[], published: number[]): Promise<void> {
    for (const { n, ...message } of messages) {
      // A lane that was taken over has another relay; this one must not go on beside it.
      if (stop.reason === leaseLost) return
      await log.publish(message)
      published.push(n)
    }
  }

  function run(): Promise<void> {
    running ??= publishAll().finally(() => {
      running = undefined
      if (nudged) runInBackground()
    })
    return running
  }

  function runInBackground(): void {
    run().catch((error: unknown) => {
      failure = error
    })
  }

  return {
    pending: () => pending,
    nudge(rows) {
      pending += rows
      nudged = true
      runInBackground()
    },
    check() {
      const error = failure
      failure = undefined
      if (error !== undefined) throw error
    },
    async drain() {
      // A run under way may have read its last chunk before the newest rows were there.
      await running?.catch(() => undefined)
      await run()
    },
  }
}

type Row = OutboxMessage & { readonly n: number }

async function readChunk(db: WorkerDatabase<unknown>, key: LaneKey): Promise<Row[]> {
  const { rows } = await sql<Row>`
    select n, id, subject, headers, data from outbox
    where processor = ${key.processor} and version = ${key.version} and lane = ${key.lane}
    order by n limit ${chunkRows}`.execute(db)
  return rows
}

async function deletePublished(db: WorkerDatabase<unknown>, key: LaneKey, published: readonly number[]): Promise<void> {
  await sql`
    delete from outbox
    where processor = ${key.processor} and version = ${key.version} and lane = ${key.lane}
      and n = any(${published}::int8[])`.execute(db)
}
