import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table account_health (
      account_id text primary key,
      severity int not null,
      health_at timestamptz,
      score double precision,
      band text not null,
      confidence double precision,
      provisional boolean not null,
      trend7 double precision,
      trend28 double precision,
      churn_probability double precision,
      drivers jsonb not null,
      risk_changed_at timestamptz,
      episode_id text,
      raised_at timestamptz,
      trigger text,
      mrr_minor bigint not null,
      currency text not null,
      risk_reason text not null,
      lag_at timestamptz,
      breadth double precision,
      expected double precision,
      missing jsonb not null
    ) with (fillfactor = 70)`.execute(db)
  // The order of the book, as store/account.ts asks for it; whoever has no score stands where a perfect one would.
  await sql`
    create index account_health_worst on account_health ((-severity), (-mrr_minor), coalesce(score, 100), account_id)
  `.execute(db)

  await sql`
    create table account_action (
      action_id text primary key,
      account_id text not null,
      playbook text not null,
      mode text,
      arm text not null,
      triggered_at timestamptz not null,
      reason text not null,
      outcome_at timestamptz,
      metric text,
      before double precision,
      after double precision,
      reached boolean
    )`.execute(db)
  await sql`create index account_action_by_account on account_action (account_id, triggered_at desc)`.execute(db)
  await sql`create index account_action_by_playbook on account_action (playbook, triggered_at)`.execute(db)

  await sql`
    create table account_event (
      account_id text not null,
      at timestamptz not null,
      kind text not null,
      subject text not null,
      text text not null,
      primary key (account_id, at, kind, subject)
    )`.execute(db)
}
