import { type Kysely, sql } from 'kysely'

/** For whom a playbook makes a difference, as last fitted: its model, and how well that tells accounts apart. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table uplift (
      playbook_id text primary key,
      fitted_at timestamptz not null,
      treated int not null,
      held_out int not null,
      curve jsonb not null,
      model jsonb not null
    )`.execute(db)
}
