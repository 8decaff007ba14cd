import { type Kysely, sql } from 'kysely'

/** Accounts that were erased, by hash. Kept through rebuilds: what DERIVED still has of them is not taken in again. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create table erased_account (hash text primary key)`.execute(db)
}
