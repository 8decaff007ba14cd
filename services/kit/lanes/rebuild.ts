import { sql } from 'kysely'
import type { WorkerDatabase } from '../db/database.ts'
import { appError } from '../errors.ts'
import { type LaneKey, laneName } from './lease.ts'

type Database = WorkerDatabase<unknown>

export type RebuildOptions = {
  readonly processor: string
  readonly version: number
  /** One lane; all of them when left out. */
  readonly lane?: number | undefined
  /**
   * `checkpoint`: lets halted lanes go on where they are, once what halted them is put right.
   * `start`: reads the stream again from its first message, after it was made again or for a rebuild.
   */
  readonly from: 'checkpoint' | 'start'
  /** Tables of the service's schema to empty first: all that this processor alone has written. Only with `start`. */
  readonly emptyTables?: readonly string[]
}

export type RebuildPlan = {
  readonly options: RebuildOptions
  readonly lanes: readonly (LaneKey & { readonly seq: number; readonly haltedReason: string | null })[]
  /** What will be done, in sentences for the operator. */
  readonly steps: readonly string[]
}

/**
 * What a rebuild would do; does nothing.
 * @throws AppError `not-found` for an unknown processor or table, `bad-request` for options that contradict each other.
 */
export async function planRebuild(db: Database, options: RebuildOptions): Promise<RebuildPlan> {
  const { processor, version, lane, from, emptyTables = [] } = options
  if (from === 'checkpoint' && emptyTables.length > 0) {
    throw appError('bad-request', 'Tables can only be emptied with --from start: what was read would be lost.')
  }
  if (lane !== undefined && emptyTables.length > 0) {
    throw appError('bad-request', 'Tables are shared by all lanes: leave --lane out to empty them.')
  }
  const { rows: lanes } = await sql<LaneKey & { seq: number; haltedReason: string | null; ticks: boolean }>`
    select processor, version, lane, seq, halted_reason as "haltedReason", seq > 0 and incarnation is null as ticks
    from lane
    where processor = ${processor} and version = ${version} and (${lane ?? null}::int is null or lane = ${lane ?? null})
    order by lane`.execute(db)
  if (lanes.length === 0) {
    throw appError(
      'not-found',
      `There are no such lanes: ${processor} v${version}${lane === undefined ? '' : ` lane ${lane}`}.`,
    )
  }
  if (from === 'start' && lanes.some(({ ticks }) => ticks)) {
    throw appError(
      'bad-request',
      `${processor} is a ticker: it has no stream to read again, and ids of its ticks must not repeat.`,
    )
  }
  const { rows: known } = await sql<{ name: string }>`
    select relname as name from pg_class
    where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p') and not relispartition`.execute(db)
  const unknown = emptyTables.filter((table) => !known.some(({ name }) => name === table))
  if (unknown.length > 0) throw appError('not-found', `There are no such tables: ${unknown.join(', ')}.`)
  return {
    options,
    lanes,
    steps: [...lanes.flatMap((row) => stepOf(row, from)), ...emptyTables.map((table) => `empty table ${table}`)],
  }
}

function stepOf(row: RebuildPlan['lanes'][number], from: RebuildOptions['from']): string[] {
  const halted = row.haltedReason === null ? '' : ` (halted: ${row.haltedReason})`
  if (from === 'start') return [`${laneName(row)}: read again from the start, it is at ${row.seq}${halted}`]
  return row.haltedReason === null ? [] : [`${laneName(row)}: go on from ${row.seq}${halted}`]
}

/**
 * Does what was planned, in one transaction. Needs no stop of the service: owners are fenced, drop what they have in
 * memory and start again. `owner` is a connection as the schema's owner, who may empty tables.
 */
export async function applyRebuild(owner: Database, { options }: RebuildPlan): Promise<void> {
  const { processor, version, lane, from, emptyTables = [] } = options
  const which = sql`processor = ${processor} and version = ${version} and (${lane ?? null}::int is null or lane = ${lane ?? null})`
  await owner.transaction().execute(async (tx) => {
    const restart = from === 'start' ? sql`, seq = 0, seq_time = null, incarnation = null` : sql``
    const only = from === 'start' ? sql`` : sql` and halted_reason is not null`
    await sql`
      update lane set halted_reason = null, halted_at = null, epoch = epoch + 1, owner = null, lease_until = null ${restart}
      where ${which} ${only}`.execute(tx)
    if (emptyTables.length === 0) return
    // Facts not yet published were decided from what is being emptied; they will be decided again.
    await sql`delete from outbox where ${which}`.execute(tx)
    await sql`truncate ${sql.join(emptyTables.map((table) => sql.table(table)))}`.execute(tx)
  })
}
