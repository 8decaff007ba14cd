import { type Kysely, sql } from 'kysely'

/**
 * Two transactions that made the same day at once failed each other (42P07). One lock per table, held until the
 * transaction ends: a day is made by one, and the other finds it. Asked of pg_class, whose rows each statement sees anew.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create or replace function create_day_partition(parent text, day date) returns boolean
    language plpgsql security definer set search_path from current as $$
    declare
      name text := parent || '_' || to_char(day, 'YYYYMMDD');
    begin
      if not exists (select from pg_class where relnamespace = current_schema()::regnamespace and relname = parent and relkind = 'p') then
        raise exception '% is not a partitioned table of schema %', parent, current_schema();
      end if;
      if exists (select from pg_class where relnamespace = current_schema()::regnamespace and relname = name) then
        return false;
      end if;
      perform pg_advisory_xact_lock(hashtextextended('day_partition ' || current_schema() || '.' || parent, 0));
      if exists (select from pg_class where relnamespace = current_schema()::regnamespace and relname = name) then
        return false;
      end if;
      execute format('create table %I partition of %I for values from (%L) to (%L)',
        name, parent, day::timestamp at time zone 'UTC', (day + 1)::timestamp at time zone 'UTC');
      return true;
    end $$`.execute(db)
}
