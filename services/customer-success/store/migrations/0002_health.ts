import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await createHealth(db)
  await createRisk(db)
}

async function createHealth(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table health_configuration (
      version int primary key,
      configuration jsonb not null,
      backtest jsonb,
      created_at timestamptz not null,
      created_by text not null,
      activated_at timestamptz
    )`.execute(db)
  // Revision 0 is what was known at the end of the day and stays; a later one is a correction by data that came late.
  await sql`
    create table health_score (
      account_id text not null,
      day int not null,
      revision smallint not null,
      version int not null references health_configuration,
      template text not null,
      segment text not null,
      score float8,
      confidence float8 not null,
      churn_probability float8,
      readings jsonb not null,
      hard text,
      is_cancelled boolean not null,
      mrr_minor bigint not null,
      currency text not null,
      primary key (account_id, day, revision)
    )`.execute(db)
  await sql`create index health_score_by_day on health_score (day)`.execute(db)
  // Where the middle of a segment stood: what a risk's drivers are measured against.
  await sql`
    create table health_segment (
      day int not null,
      segment text not null,
      typical jsonb not null,
      primary key (day, segment)
    )`.execute(db)
  // The last day each of the tickers closed.
  await sql`create table health_progress (name text primary key, day int not null)`.execute(db)
}

async function createRisk(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table risk_state (
      account_id text primary key,
      state jsonb not null
    ) with (fillfactor = 50)`.execute(db)
  await sql`
    create table risk_episode (
      id text primary key,
      account_id text not null,
      raised_day int not null,
      trigger text not null,
      score float8,
      churn_probability float8,
      mrr_minor bigint not null,
      currency text not null,
      drivers jsonb not null,
      reason text not null,
      cleared_day int,
      outcome text,
      grade text
    )`.execute(db)
  await sql`create index risk_episode_open on risk_episode (account_id) where cleared_day is null`.execute(db)
  await sql`create index risk_episode_ungraded on risk_episode (raised_day) where grade is null`.execute(db)
}
