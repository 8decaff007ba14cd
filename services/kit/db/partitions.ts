import { CompiledQuery } from 'kysely'
import type { Executor } from './bulk.ts'

const dayMs = 86_400_000

export type DayPartitions = {
  /** A table declared `partition by range (<timestamptz or date column>)`, in the service's own schema. */
  readonly table: string
  /** Days of data to keep, today not counted. */
  readonly keepDays: number
  /** Days to make in advance; data for a later day fails to insert. */
  readonly aheadDays?: number
  /** Days to make in the past, for data that arrives late or is replayed. */
  readonly behindDays?: number
}

/**
 * Makes the daily partitions around `nowMs` and drops those past their age. Dropping a partition is instant, however many
 * rows it has; idempotent, and safe to run from several processes.
 * @example await maintainDayPartitions(tx, { table: 'sample', keepDays: 14 }, clock.now())
 */
export async function maintainDayPartitions(tx: Executor, partitions: DayPartitions, nowMs: number): Promise<void> {
  const { table, keepDays, aheadDays = 3, behindDays = Math.min(keepDays, 1) } = partitions
  for (let day = -behindDays; day <= aheadDays; day++) await createDayPartition(tx, table, nowMs + day * dayMs)
  await tx.executeQuery(
    CompiledQuery.raw('select drop_day_partitions($1, $2)', [table, dayOf(nowMs - keepDays * dayMs)]),
  )
}

/** Makes the partition of the UTC day that holds `timeMs`; false when it was there. */
export async function createDayPartition(tx: Executor, table: string, timeMs: number): Promise<boolean> {
  const { rows } = await tx.executeQuery<{ readonly created: boolean }>(
    CompiledQuery.raw('select create_day_partition($1, $2) as created', [table, dayOf(timeMs)]),
  )
  return rows[0]?.created === true
}

const dayOf = (timeMs: number): string => new Date(timeMs).toISOString().slice(0, 10)
