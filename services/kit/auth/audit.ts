import { sql } from 'kysely'
import type { WorkerTransaction } from '../db/database.ts'
import type { Principal } from './principal.ts'

export type AuditEntry = {
  /** Who did it; `source` is a sender whose event stated it, by name. */
  readonly principal: { readonly kind: Principal['kind'] | 'source'; readonly name: string }
  /** Past tense, `regression.accepted`. */
  readonly action: string
  /** What it was done to: an id, or a path. */
  readonly target: string
  readonly detail?: Readonly<Record<string, unknown>>
  readonly timeMs: number
}

/**
 * Writes who changed what, in the transaction of the change: there is no change without its row and no row without its
 * change. The table is in every service's schema.
 * @example await inTransaction(db, async (tx) => { await accept(tx, id); await writeAudit(tx, { ... }) })
 */
export async function writeAudit(
  tx: WorkerTransaction,
  { principal, action, target, detail, timeMs }: AuditEntry,
): Promise<void> {
  await sql`
    insert into audit (at, principal_kind, principal, action, target, detail)
    values (${new Date(timeMs)}, ${principal.kind}, ${principal.name}, ${action}, ${target}, ${JSON.stringify(detail ?? {})}::jsonb)
  `.execute(tx)
}
