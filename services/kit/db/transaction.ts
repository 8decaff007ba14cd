import type { WorkerDatabase, WorkerTransaction } from './database.ts'

/**
 * Runs `work` in a transaction like a worker's, for what changes tables outside a lane; rolled back when `work` throws.
 * @example await inTransaction(db, async (tx) => { await accept(tx, id); await writeAudit(tx, { ... }) })
 */
export function inTransaction<Tables, Result>(
  db: WorkerDatabase<Tables>,
  work: (tx: WorkerTransaction) => Promise<Result>,
): Promise<Result> {
  return db.transaction().execute((tx) => work(tx as unknown as WorkerTransaction))
}
