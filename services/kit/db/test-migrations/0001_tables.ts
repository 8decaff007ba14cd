import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create table counter (series int primary key, total float8 not null)`.execute(db)
  await sql`
    create table every_type (
      id int primary key, big int8, small int2, ratio float8, ok bool, name text, raw bytea, doc jsonb, at timestamptz, day date
    )`.execute(db)
  await sql`create table sample (at timestamptz not null, value float8 not null) partition by range (at)`.execute(db)
}
