import { type Kysely, sql } from 'kysely'

/** Who changed what, beside the tables it was changed in. Kept for good: nothing is granted that would alter it. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table audit (
      n bigint generated always as identity primary key,
      at timestamptz not null,
      principal_kind text not null,
      principal text not null,
      action text not null,
      target text not null,
      detail jsonb not null
    )`.execute(db)
  await sql`
    do $$ begin
      execute format('revoke update, delete, truncate on audit from %I', current_schema() || '_worker');
    end $$`.execute(db)
}
