import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  // Persons who are counted but not scored, by one of their identifiers.
  await sql`
    create table profiling_opt_out (
      key text primary key,
      opted_out_at timestamptz not null
    )`.execute(db)
  // Erasures that are yet to be told: a row goes once its event is in the outbox. account_id: empty = of no account.
  await sql`
    create table tombstone (
      id bigint generated always as identity primary key,
      kind text not null,
      hash text not null,
      account_id text not null,
      action_ids text[] not null,
      erased_at timestamptz not null
    )`.execute(db)
  // What it takes to count an event later as if it had been taken in at once.
  await sql`
    alter table usage_quarantine
      add original_at timestamptz,
      add sent_at timestamptz,
      add quantity float8 not null default 1,
      add context text not null default ''`.execute(db)
  await sql`update usage_quarantine set original_at = occurred_at`.execute(db)
  await sql`alter table usage_quarantine alter original_at set not null`.execute(db)
  await sql`create index usage_quarantine_by_time on usage_quarantine (received_at, event_id)`.execute(db)
}
