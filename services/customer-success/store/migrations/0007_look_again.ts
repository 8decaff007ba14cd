import { type Kysely, sql } from 'kysely'

/** What was known of all accounts when a day was last scored: while it is the same, looking again can correct nothing. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create table health_known (day int primary key, known text not null)`.execute(db)
}
