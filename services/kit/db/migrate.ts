import { readdir } from 'node:fs/promises'
import { Kysely, PostgresDialect, type PostgresPool } from 'kysely'
import { type Migration, type MigrationProvider, Migrator } from 'kysely/migration'
import pg from 'pg'
import type { Logger } from 'pino'
import { appError } from '../errors.ts'
import { quoteName, roleOf, schemaOf } from './schema.ts'

export type MigrateOptions = {
  /** A superuser, or a user that may create roles and owns (or may create schemas in) the database. */
  readonly url: string
  readonly service: string
  /** The service's own migrations, after kit's. */
  readonly migrations?: URL | undefined
  readonly logger?: Logger | undefined
}

/** Any number that is always the same: keeps processes that start together from creating the same roles at once. */
const bootstrapLock = 7_215_301

/**
 * Brings a service's schema up to date: its three roles and grants, kit's tables, then the service's migrations.
 * Idempotent, and safe to run from several processes at once.
 * @throws AppError `configuration` when the user lacks the rights or a migration fails.
 */
export async function migrateService({ url, service, migrations, logger }: MigrateOptions): Promise<void> {
  const schema = schemaOf(service)
  await prepareSchema(url, service)
  const pool = new pg.Pool({
    connectionString: url,
    max: 1,
    options: `-c role=${roleOf(service, 'owner')} -c search_path=${schema} -c client_min_messages=warning`,
  })
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool: pool as unknown as PostgresPool }) })
  try {
    await migrateFolder(db, schema, 'kit_migration', new URL('./migrations/', import.meta.url), logger)
    if (migrations) await migrateFolder(db, schema, 'migration', migrations, logger)
  } finally {
    await db.destroy()
  }
}

async function migrateFolder(db: Kysely<unknown>, schema: string, table: string, folder: URL, logger?: Logger) {
  const migrator = new Migrator({
    db,
    provider: folderProvider(folder),
    migrationTableSchema: schema,
    migrationTableName: table,
    migrationLockTableName: `${table}_lock`,
  })
  const { error, results } = await migrator.migrateToLatest()
  for (const { migrationName, status } of results ?? [])
    logger?.info({ schema, migration: migrationName, status }, 'migrated')
  if (error === undefined) return
  const failed = results?.find(({ status }) => status === 'Error')?.migrationName ?? 'the first'
  throw appError(
    'configuration',
    `Migration ${failed} of schema ${schema} failed and was rolled back; correct it and start again.`,
    { cause: error },
  )
}

/** Migrations are `NNNN_name.ts` exporting `up`; there is no way back but another migration. */
function folderProvider(folder: URL): MigrationProvider {
  const base = folder.href.endsWith('/') ? folder : new URL(`${folder.href}/`)
  return {
    async getMigrations() {
      const files = (await readdir(base)).filter((file) => /^\d{4}_\w+\.ts$/.test(file)).sort()
      const entries = files.map(async (file) => {
        const module = (await import(new URL(file, base).href)) as Migration
        return [file.slice(0, -'.ts'.length), { up: module.up }] as const
      })
      return Object.fromEntries(await Promise.all(entries))
    },
  }
}

async function prepareSchema(url: string, service: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, options: '-c client_min_messages=warning' })
  await client.connect()
  try {
    await client.query('begin')
    await client.query('select pg_advisory_xact_lock($1)', [bootstrapLock])
    const { rows } = await client.query<{ superuser: boolean }>(
      'select rolsuper as superuser from pg_roles where rolname = current_user',
    )
    for (const statement of bootstrapStatements(service, rows[0]?.superuser === true)) await client.query(statement)
    await client.query('commit')
  } catch (cause) {
    if (!(cause instanceof pg.DatabaseError) || cause.code !== '42501') throw cause
    throw appError(
      'configuration',
      `The database user may not set up the schema "${schemaOf(service)}". Let the database's owner run ` +
        '`alter role <user> createrole` and `grant create on database <database> to <user>`, or give a DATABASE_URL that may.',
      { cause },
    )
  } finally {
    await client.end()
  }
}

function bootstrapStatements(service: string, superuser: boolean): string[] {
  const schema = quoteName(schemaOf(service))
  const [owner, worker, reader] = (['owner', 'worker', 'reader'] as const).map((role) => roleOf(service, role))
  const roles = [owner, worker, reader] as string[]
  const createRole = (role: string) => `
    do $$ begin
      if not exists (select from pg_roles where rolname = '${role}') then
        create role ${quoteName(role)} nologin;
      end if;
    end $$`
  // A superuser may take on any role; anyone else has to be a member.
  const joinRole = (role: string) => `
    do $$ begin
      if not pg_has_role(current_user, '${role}', 'usage') then
        grant ${quoteName(role)} to current_user;
      end if;
    end $$`
  const defaults = `alter default privileges for role ${owner} in schema ${schema}`
  return [
    ...roles.map(createRole),
    ...(superuser ? [] : roles.map(joinRole)),
    `create schema if not exists ${schema} authorization ${owner}`,
    `grant usage on schema ${schema} to ${worker}, ${reader}`,
    `${defaults} grant select, insert, update, delete on tables to ${worker}`,
    `${defaults} grant usage, select on sequences to ${worker}`,
    `${defaults} grant execute on functions to ${worker}`,
    `${defaults} grant select on tables to ${reader}`,
  ]
}
