import type { WorkerDatabase } from '@plimsoll/kit/db/database.ts'
import { sql } from 'kysely'
import type { Span } from './domain/span.ts'

/** Where the reading of one source stands, while this process holds the right to go on. */
export type Checkpoint = {
  readonly pulledUntilMs: number | undefined
  /** A stretch that was begun and not finished: some of it may be in the log. */
  readonly begun: { readonly span: Span; readonly atMs: number } | undefined
}

/**
 * The gateway's `pull_source` table. One process reads a source at a time; each step renews its lease and says
 * `false` when it was lost, in which case the other process has the source and this one must stop.
 */
export type Checkpoints = {
  /** The checkpoint, or undefined while another process holds the source. */
  hold(): Promise<Checkpoint | undefined>
  /** Written before anything of the stretch is published, so that a successor reads the very same stretch. */
  begin(span: Span): Promise<boolean>
  /** Written after everything of the stretch was acknowledged. */
  finish(span: Span): Promise<boolean>
  renew(): Promise<boolean>
  release(): Promise<void>
}

const leaseMs = 15_000
export const renewEveryMs = 5_000

type Row = {
  pulled_until_ms: string | number | null
  reading_from_ms: string | number | null
  reading_until_ms: string | number | null
  reading_step_ms: string | number | null
  reading_since: Date | null
}

export function createCheckpoints(db: WorkerDatabase<unknown>, source: string, owner: string): Checkpoints {
  const lease = sql`owner = ${owner}, lease_until = now() + ${leaseMs} * interval '1 millisecond'`
  const held = sql`source = ${source} and owner = ${owner}`

  async function update(changes: ReturnType<typeof sql>): Promise<boolean> {
    const { numAffectedRows } = await sql`update pull_source set ${lease}${changes} where ${held}`.execute(db)
    return numAffectedRows === 1n
  }

  return {
    async hold() {
      await sql`insert into pull_source (source) values (${source}) on conflict do nothing`.execute(db)
      const { rows } = await sql<Row>`
        update pull_source set ${lease}
        where source = ${source} and (owner is null or owner = ${owner} or lease_until < now())
        returning pulled_until_ms, reading_from_ms, reading_until_ms, reading_step_ms, reading_since`.execute(db)
      const [row] = rows
      return row === undefined ? undefined : checkpointOf(row)
    },
    begin: ({ fromMs, untilMs, stepMs }) =>
      update(
        sql`, reading_from_ms = ${fromMs}, reading_until_ms = ${untilMs}, reading_step_ms = ${stepMs}, reading_since = now()`,
      ),
    finish: ({ untilMs }) =>
      update(
        sql`, pulled_until_ms = ${untilMs}, reading_from_ms = null, reading_until_ms = null, reading_step_ms = null, reading_since = null`,
      ),
    renew: () => update(sql``),
    async release() {
      await sql`update pull_source set owner = null, lease_until = null where ${held}`.execute(db)
    },
  }
}

function checkpointOf(row: Row): Checkpoint {
  const { pulled_until_ms, reading_from_ms, reading_until_ms, reading_step_ms, reading_since } = row
  const begun =
    reading_from_ms === null || reading_until_ms === null || reading_step_ms === null || reading_since === null
      ? undefined
      : {
          span: { fromMs: Number(reading_from_ms), untilMs: Number(reading_until_ms), stepMs: Number(reading_step_ms) },
          atMs: reading_since.getTime(),
        }
  return { pulledUntilMs: pulled_until_ms === null ? undefined : Number(pulled_until_ms), begun }
}
