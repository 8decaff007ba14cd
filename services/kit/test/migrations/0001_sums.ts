import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table series_sum (
      series int primary key, samples bigint not null, total float8 not null
    ) with (fillfactor = 70)`.execute(db)
  await sql`create table fact (id text primary key, deliveries int not null)`.execute(db)
}
