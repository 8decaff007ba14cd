import { type Kysely, sql } from 'kysely'

/** The tables kit keeps in every service's schema. */
export async function up(db: Kysely<unknown>): Promise<void> {
  // One row per lane of a processor or ticker: who owns it and how far it is. fillfactor leaves room for updates in place.
  await sql`
    create table lane (
      processor text not null,
      version int not null,
      lane smallint not null,
      seq bigint not null default 0,
      seq_time timestamptz,
      incarnation text,
      epoch bigint not null default 0,
      owner text,
      lease_until timestamptz,
      halted_reason text,
      halted_at timestamptz,
      primary key (processor, version, lane)
    ) with (fillfactor = 50)`.execute(db)
  // The processes that share the lanes.
  await sql`create table lane_member (owner text primary key, seen_until timestamptz not null)`.execute(db)
  // Events that are decided but not yet acknowledged by the broker.
  await sql`
    create table outbox (
      processor text not null,
      version int not null,
      lane smallint not null,
      n bigint generated always as identity,
      id text not null,
      subject text not null,
      headers jsonb not null,
      data bytea not null,
      primary key (processor, version, lane, n)
    )`.execute(db)
  // Messages refused for good, with their bytes as stored.
  await sql`
    create table dead_letter (
      id bigint generated always as identity primary key,
      processor text not null,
      version int not null,
      lane smallint not null,
      stream text not null,
      seq bigint not null,
      message_id text not null,
      subject text not null,
      headers jsonb not null,
      data bytea not null,
      message_time timestamptz not null,
      reason text not null,
      refused_at timestamptz not null default now(),
      replayed_at timestamptz,
      unique (processor, version, stream, seq)
    )`.execute(db)
  await createPartitionFunctions(db)
}

/**
 * Partitions belong to the owner, and the worker has to make and drop them each day: these two functions are all it is
 * lent, and only for partitioned tables of its own schema.
 */
async function createPartitionFunctions(db: Kysely<unknown>): Promise<void> {
  await sql`
    create function create_day_partition(parent text, day date) returns boolean
    language plpgsql security definer set search_path from current as $$
    declare
      name text := parent || '_' || to_char(day, 'YYYYMMDD');
    begin
      if not exists (select from pg_class where relnamespace = current_schema()::regnamespace and relname = parent and relkind = 'p') then
        raise exception '% is not a partitioned table of schema %', parent, current_schema();
      end if;
      if to_regclass(quote_ident(name)) is not null then
        return false;
      end if;
      execute format('create table if not exists %I partition of %I for values from (%L) to (%L)',
        name, parent, day::timestamp at time zone 'UTC', (day + 1)::timestamp at time zone 'UTC');
      return true;
    end $$`.execute(db)
  await sql`
    create function drop_day_partitions(parent text, before date) returns setof text
    language plpgsql security definer set search_path from current as $$
    declare
      name text;
    begin
      for name in
        select child.relname from pg_inherits
        join pg_class child on child.oid = inhrelid
        join pg_class parent_table on parent_table.oid = inhparent
        where parent_table.relnamespace = current_schema()::regnamespace and parent_table.relname = parent
          and child.relname ~ ('^' || parent || '_[0-9]{8}$')
          and to_date(right(child.relname, 8), 'YYYYMMDD') < before
        order by 1
      loop
        execute format('drop table %I', name);
        return next name;
      end loop;
    end $$`.execute(db)
  await sql`revoke execute on function create_day_partition, drop_day_partitions from public`.execute(db)
}
