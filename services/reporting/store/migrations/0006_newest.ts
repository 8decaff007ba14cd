import { type Kysely, sql } from 'kysely'

/** The newest fact of accounts beside that of services, which `as_of` means from now on. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table head add column account_as_of timestamptz`.execute(db)
  await sql`
    update head set (as_of, account_as_of) = (
      select max(occurred_at) filter (where body ->> 'kind' <> 'account'),
             max(occurred_at) filter (where body ->> 'kind' = 'account')
      from feed)`.execute(db)
}
