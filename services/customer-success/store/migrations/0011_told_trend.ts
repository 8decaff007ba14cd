import { type Kysely, sql } from 'kysely'

/** What else is told with a score, and told again when it is no longer so. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table health_score
      add column told_trend7 float8,
      add column told_provisional boolean not null default false`.execute(db)
}
