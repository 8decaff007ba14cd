import { laneToken } from '@plimsoll/contracts/lane.ts'
import { sql } from 'kysely'
import { bulkUpsert } from '../db/bulk.ts'
import type { WorkerDatabase } from '../db/database.ts'
import { poison } from '../errors.ts'
import type { OutgoingMessage } from '../log/log.ts'
import { type LaneMessage, type Outcome, type Processor, processor } from './processor.ts'

/** Folder of the table the summing processor writes: `counter (series int primary key, total float8)`. */
export const summingMigrations = new URL('../db/test-migrations/', import.meta.url)

export const summedType = 'plimsoll.usage.v1.UsageBatch'

/** A message whose whole content is a number, and what makes `summing` choke on it if it is none. */
export const numberMessage = (lane: number, content: number | string, id?: string): OutgoingMessage => ({
  subject: `usage.${laneToken(lane)}.Number`,
  data: new TextEncoder().encode(String(content)),
  headers: { 'Plimsoll-Type': summedType },
  ...(id === undefined ? {} : { id }),
})

export type SummingOptions = Partial<Pick<Processor<unknown>, 'name' | 'version' | 'onPoison'>> & {
  /** Called with each batch before it is summed; may throw. */
  readonly onBatch?: (batch: readonly LaneMessage[]) => void
  readonly events?: (batch: readonly LaneMessage[]) => Outcome['events']
  /** Called inside the transaction, after the sum is written; may throw. */
  readonly onWrite?: () => void
}

/**
 * Keeps one running sum per lane, in memory and in `counter`. A message that is lost, doubled or applied to stale state
 * shows in the sum for ever: what the loop's tests want to see.
 */
export function summing(options: SummingOptions = {}): Processor<unknown> {
  return processor<{ total: number }>({
    name: options.name ?? 'sum',
    version: options.version ?? 1,
    stream: 'USAGE',
    types: [summedType],
    onPoison: options.onPoison ?? 'skip',
    async load(tx, { lane }) {
      const { rows } = await sql<{ total: number }>`select total from counter where series = ${lane}`.execute(tx)
      return { total: rows[0]?.total ?? 0 }
    },
    handle(state, batch, { lane }) {
      options.onBatch?.(batch)
      for (const { data } of batch) {
        const value = Number(new TextDecoder().decode(data))
        state.total += value // before the check: a failed batch leaves the state spoilt, as real ones do
        if (Number.isNaN(value)) throw poison('not a number')
      }
      const columns = [
        { name: 'series', type: 'int4', values: [lane] },
        { name: 'total', type: 'float8', values: [state.total] },
      ] as const
      return {
        events: options.events?.(batch) ?? [],
        async write(tx) {
          await bulkUpsert(tx, { table: 'counter', columns, key: ['series'], onConflict: 'replace' })
          options.onWrite?.()
        },
      }
    },
  })
}

/** The sums by lane, those that are there. */
export async function sums(db: WorkerDatabase<unknown>): Promise<Record<number, number>> {
  const { rows } = await sql<{ series: number; total: number }>`select series, total from counter`.execute(db)
  return Object.fromEntries(rows.map(({ series, total }) => [series, total]))
}

/** Resolves when `condition` holds; rejects after `timeoutMs` with what was seen last. */
export async function until<T>(
  read: () => Promise<T> | T,
  condition: (value: T) => boolean,
  timeoutMs = 20_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const value = await read()
    if (condition(value)) return value
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms; last seen: ${JSON.stringify(value)}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
