import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  // One row a fit. model: null when it was not promoted, so that nothing was ever scored by it.
  await sql`
    create table churn_model (
      version int primary key,
      created_at timestamptz not null,
      learned_up_to int not null,
      promoted boolean not null,
      reasons jsonb not null,
      trained_on jsonb,
      backtest jsonb,
      compared_with int references churn_model,
      model jsonb
    )`.execute(db)
  // Days that are closed: which features were looked at, in which order, and which model scored them, if any.
  await sql`
    create table churn_day (
      day int primary key,
      names text[] not null,
      version int references churn_model
    )`.execute(db)
  // Float64 little-endian, in the order of the day's names. Kept of one day a week, and of the newest.
  await sql`
    create table churn_features (
      day int not null references churn_day on delete cascade,
      account_id text not null,
      features bytea not null,
      primary key (day, account_id)
    )`.execute(db)
}
