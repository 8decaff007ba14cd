import { type Kysely, sql } from 'kysely'

/** How far the pull has read each Prometheus, and which stretch it is reading now. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table pull_source (
      source text primary key,
      pulled_until_ms bigint,
      reading_from_ms bigint,
      reading_until_ms bigint,
      reading_step_ms bigint,
      reading_since timestamptz,
      owner text,
      lease_until timestamptz,
      check ((reading_from_ms is null) = (reading_until_ms is null)),
      check (reading_until_ms > reading_from_ms)
    )`.execute(db)
}
