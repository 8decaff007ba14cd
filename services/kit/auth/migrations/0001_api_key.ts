import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table api_key (
      prefix text primary key,
      name text not null,
      secret_hash bytea not null,
      scopes text[] not null,
      created_at timestamptz not null,
      expires_at timestamptz,
      revoked_at timestamptz
    )`.execute(db)
  // A name stands for one key that works; its revoked predecessors stay for the record.
  await sql`create unique index api_key_name on api_key (name) where revoked_at is null`.execute(db)
}
