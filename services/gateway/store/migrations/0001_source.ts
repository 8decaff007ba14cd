import { type Kysely, sql } from 'kysely'

/** What each source sent and what of it was refused, added up over restarts and replicas. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table source_intake (
      source text not null,
      protocol text not null,
      requests bigint not null,
      repeats bigint not null,
      bytes bigint not null,
      samples bigint not null,
      histograms bigint not null,
      exemplars bigint not null,
      spans bigint not null,
      events bigint not null,
      first_seen timestamptz not null default now(),
      last_seen timestamptz not null,
      last_event timestamptz,
      primary key (source, protocol)
    ) with (fillfactor = 50)`.execute(db)
  await sql`
    create table source_refusal (
      source text not null,
      protocol text not null,
      reason text not null,
      count bigint not null,
      last_example text not null,
      last_seen timestamptz not null,
      primary key (source, protocol, reason)
    ) with (fillfactor = 50)`.execute(db)
}
