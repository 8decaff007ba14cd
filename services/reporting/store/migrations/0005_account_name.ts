import { type Kysely, sql } from 'kysely'

/** What people call an account, and what it is grouped by. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table account_health
      add column name text not null default '',
      add column plan text not null default '',
      add column segment text not null default ''`.execute(db)
}
