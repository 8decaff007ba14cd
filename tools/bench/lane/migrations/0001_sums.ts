import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table series_sum (
      lane smallint, series bigint, samples bigint not null, total float8 not null, primary key (lane, series)
    ) with (fillfactor = 70)`.execute(db)
}
