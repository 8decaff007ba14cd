import { type Kysely, sql } from 'kysely'

/** What is to be done outside the database: intended with the decision, performed after it, every attempt with its answer. */
export async function up(db: Kysely<unknown>): Promise<void> {
  // due_at: the next attempt; while one is running, when its performer is taken for dead.
  await sql`
    create table effect (
      key text primary key,
      kind text not null,
      about text not null,
      payload jsonb not null,
      state text not null default 'waiting',
      reason text not null default '',
      attempts int not null default 0,
      tries_left int not null,
      intended_at timestamptz not null,
      due_at timestamptz not null default now()
    ) with (fillfactor = 70)`.execute(db)
  await sql`create index effect_due on effect (due_at) where state in ('waiting', 'running')`.execute(db)
  await sql`create index effect_by_time on effect (intended_at, key)`.execute(db)
  // An attempt without an outcome is under way, or its process died.
  await sql`
    create table effect_attempt (
      key text not null references effect on delete cascade,
      attempt int not null,
      started_at timestamptz not null default now(),
      ended_at timestamptz,
      outcome text,
      answer text,
      primary key (key, attempt)
    )`.execute(db)
}
