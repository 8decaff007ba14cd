import { type Kysely, sql } from 'kysely'

/** What makes requests of one endpoint alike beside their status. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table cell add column request_class text not null default ''`.execute(db)
}
