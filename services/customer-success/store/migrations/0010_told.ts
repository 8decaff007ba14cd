import { type Kysely, sql } from 'kysely'

/** Scores are compared with what was told last, not with the day before: what slides slowly is told too. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table health_score add column told_day int, add column told_score float8`.execute(db)
  await sql`update health_score set told_day = day, told_score = score`.execute(db)
  await sql`alter table health_score alter column told_day set not null`.execute(db)
}
