import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create table half (id int)`.execute(db)
  await sql`create nonsense`.execute(db)
}
