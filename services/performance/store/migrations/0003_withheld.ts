import { type Kysely, sql } from 'kysely'

/** Alarms that only the mix of requests explains. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table regression_signal
      add column withheld_at timestamptz,
      add column withheld_reason text not null default ''`.execute(db)
  await sql`
    create index regression_signal_withheld on regression_signal (at, id)
    where withheld_at is not null`.execute(db)
}
