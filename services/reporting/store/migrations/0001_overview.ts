import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table baseline (
      baseline_id text primary key,
      service text not null,
      environment text not null,
      endpoint text not null,
      method text not null,
      release text not null,
      metric text not null,
      unit text not null,
      firmness text not null,
      established_at timestamptz not null,
      n double precision,
      p50 double precision,
      p95 double precision,
      p99 double precision,
      throughput double precision,
      error_rate double precision
    )`.execute(db)

  await sql`
    create table regression (
      regression_id text primary key,
      service text not null,
      environment text not null,
      endpoint text not null,
      method text not null,
      release text not null,
      metric text not null,
      unit text not null,
      state text not null,
      direction text,
      detector text not null,
      onset_at timestamptz not null,
      detected_at timestamptz,
      resolved_at timestamptz,
      changed_at timestamptz not null,
      before_value double precision not null,
      after_value double precision not null,
      before jsonb,
      after jsonb,
      before_histogram bytea,
      after_histogram bytea,
      auc double precision,
      e_value double precision,
      false_alarm_budget double precision,
      cost double precision,
      symptoms jsonb not null,
      suspects jsonb not null,
      reason text not null
    )`.execute(db)
  await sql`create index regression_open on regression (service) where state in ('suspected', 'confirmed')`.execute(db)
  await sql`create index regression_closed on regression (changed_at desc)
    where state in ('accepted', 'resolved')`.execute(db)

  await sql`
    create table feed (
      seq bigint primary key,
      event_id text not null unique,
      type text not null,
      occurred_at timestamptz not null,
      body jsonb not null
    )`.execute(db)

  await sql`
    create table head (
      one boolean primary key default true check (one),
      version integer not null,
      generation integer not null,
      seq bigint not null,
      as_of timestamptz
    )`.execute(db)
  await sql`insert into head (version, generation, seq) values (0, 0, 0)`.execute(db)
}
