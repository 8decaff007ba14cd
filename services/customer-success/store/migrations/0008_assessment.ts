import { type Kysely, sql } from 'kysely'

/** Few of millions of scores: those a naive threshold would warn of, and the days on which accounts left. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create index health_score_below on health_score (account_id, day) where revision = 0 and score < 40`.execute(
    db,
  )
  await sql`create index health_score_cancelled on health_score (day) where is_cancelled`.execute(db)
}
