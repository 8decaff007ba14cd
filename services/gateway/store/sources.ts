import type { ReaderDatabase, WorkerDatabase } from '@plimsoll/kit/db/database.ts'
import { sql } from 'kysely'
import { type Intakes, noIntakes, type SourceLedger } from '../sources/ledger.ts'
import type { GatewayTables } from './tables.ts'

export type SavedSource = {
  readonly source: string
  readonly protocol: string
  readonly counts: Intakes
  readonly lastSeenMs: number
  readonly lastEventMs: number | undefined
  readonly refused: readonly SavedRefusal[]
}

export type SavedRefusal = {
  readonly reason: string
  readonly count: number
  readonly example: string
  readonly atMs: number
}

const intakeNames = Object.keys(noIntakes()) as (keyof Intakes)[]
/** Times of events may be anything a sender wrote; the database takes what a calendar can show. */
const LATEST_TIME_MS = 8.64e15

/** Adds what the ledger counted since the last call. Counts of a failed call are kept for the next one. */
export async function saveSources(db: WorkerDatabase<GatewayTables>, ledger: SourceLedger): Promise<void> {
  for (const entry of ledger.entries()) {
    const { source, protocol, lastSeenMs, lastEventMs } = entry
    const added = { ...entry.unsaved }
    const refusals = [...entry.refused]
      .filter(([, refusal]) => refusal.unsaved > 0)
      .map(([reason, r]) => ({ reason, ...r }))
    if (intakeNames.every((name) => added[name] === 0) && refusals.length === 0) continue
    await db.transaction().execute(async (tx) => {
      const lastEvent = Math.abs(lastEventMs) <= LATEST_TIME_MS ? new Date(lastEventMs) : null
      await tx
        .insertInto('source_intake')
        .values({ source, protocol, ...added, last_seen: new Date(lastSeenMs), last_event: lastEvent })
        .onConflict((conflict) =>
          conflict.columns(['source', 'protocol']).doUpdateSet({
            ...Object.fromEntries(
              intakeNames.map((name) => [name, sql`source_intake.${sql.ref(name)} + excluded.${sql.ref(name)}`]),
            ),
            last_seen: sql`greatest(source_intake.last_seen, excluded.last_seen)`,
            last_event: sql`greatest(source_intake.last_event, excluded.last_event)`,
          }),
        )
        .execute()
      for (const { reason, unsaved, example, atMs } of refusals) {
        await tx
          .insertInto('source_refusal')
          // PostgreSQL text cannot hold a zero character; examples are what senders sent.
          .values({
            source,
            protocol,
            reason,
            count: unsaved,
            last_example: example.replaceAll('\u0000', '\uFFFD'),
            last_seen: new Date(atMs),
          })
          .onConflict((conflict) =>
            conflict.columns(['source', 'protocol', 'reason']).doUpdateSet({
              count: sql`source_refusal.count + excluded.count`,
              last_example: sql`excluded.last_example`,
              last_seen: sql`excluded.last_seen`,
            }),
          )
          .execute()
      }
    })
    // Only now: more may have been counted meanwhile.
    for (const name of intakeNames) entry.unsaved[name] -= added[name]
    for (const { reason, unsaved } of refusals) {
      const refusal = entry.refused.get(reason)
      if (refusal !== undefined) refusal.unsaved -= unsaved
    }
  }
}

export async function readSources(db: ReaderDatabase<GatewayTables>): Promise<readonly SavedSource[]> {
  const [intakes, refusals] = await Promise.all([
    db.selectFrom('source_intake').selectAll().orderBy('source').orderBy('protocol').execute(),
    db.selectFrom('source_refusal').selectAll().orderBy('count', 'desc').execute(),
  ])
  return intakes.map((row) => {
    const counts = noIntakes()
    for (const name of intakeNames) counts[name] = Number(row[name])
    return {
      source: row.source,
      protocol: row.protocol,
      counts,
      lastSeenMs: row.last_seen.getTime(),
      lastEventMs: row.last_event?.getTime(),
      refused: refusals
        .filter(({ source, protocol }) => source === row.source && protocol === row.protocol)
        .map((refusal) => ({
          reason: refusal.reason,
          count: Number(refusal.count),
          example: refusal.last_example,
          atMs: refusal.last_seen.getTime(),
        })),
    }
  })
}
