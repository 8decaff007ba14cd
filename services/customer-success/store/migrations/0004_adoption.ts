import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  // What counts as adopting a feature, where somebody has said so.
  await sql`
    create table adoption_definition (
      feature text primary key,
      uses int not null,
      window_days int not null
    )`.execute(db)
  await sql`
    create table adoption (
      account_id text not null,
      feature text not null,
      adopted_day int not null,
      uses int not null,
      window_days int not null,
      primary key (account_id, feature)
    )`.execute(db)
  await sql`
    create table adoption_lag (
      account_id text not null,
      feature text not null,
      raised_day int not null,
      usual_days int not null,
      adopters int not null,
      closed_day int,
      outcome text,
      primary key (account_id, feature)
    )`.execute(db)
  await sql`create index adoption_lag_open on adoption_lag (account_id) where closed_day is null`.execute(db)
  // Days the ticker has closed.
  await sql`create table adoption_day (day int primary key)`.execute(db)
}
