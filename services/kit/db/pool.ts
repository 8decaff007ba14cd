import { Kysely, PostgresDialect, type PostgresPool } from 'kysely'
import pg from 'pg'
import type { Logger } from 'pino'
import { CopyClient } from './copy.ts'
import type { ReaderDatabase, WorkerDatabase } from './database.ts'
import { type Role, roleOf, schemaOf } from './schema.ts'

export type DatabaseOptions = {
  /** `postgres://user:password@host:port/database`. The user must be a member of the service's roles. */
  readonly url: string
  /** A read replica for GET handlers; `url` when left out. */
  readonly readerUrl?: string | undefined
  readonly service: string
  readonly workerConnections?: number
  readonly readerConnections?: number
  readonly logger?: Logger | undefined
}

export type ServiceDatabase<Tables = unknown> = {
  readonly worker: WorkerDatabase<Tables>
  readonly reader: ReaderDatabase<Tables>
  close(): Promise<void>
}

/**
 * A service's two pools. Each connection takes on the service's role, so the grants hold even when `url` names a
 * superuser: another service's schema cannot be read through it.
 */
export function openDatabase<Tables>(options: DatabaseOptions): ServiceDatabase<Tables> {
  const { service, logger } = options
  const worker = roleDatabase<Tables>({ ...options, role: 'worker', connections: options.workerConnections ?? 10 })
  const reader = roleDatabase<Tables>({
    url: options.readerUrl ?? options.url,
    service,
    role: 'reader',
    connections: options.readerConnections ?? 5,
    logger,
  })
  return {
    worker,
    reader,
    async close() {
      await Promise.all([worker.destroy(), reader.destroy()])
    },
  }
}

export type RoleDatabaseOptions = {
  readonly url: string
  readonly service: string
  readonly role: Role
  readonly connections: number
  readonly logger?: Logger | undefined
}

/** Kysely over a pool of one role. */
export function roleDatabase<Tables>({ url, service, role, connections, logger }: RoleDatabaseOptions): Kysely<Tables> {
  const pool = new pg.Pool({
    connectionString: url,
    max: connections,
    application_name: `plimsoll-${service}-${role}`,
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 60_000,
    keepAlive: true,
    Client: CopyClient,
    // A process that freezes inside a transaction must not hold its lane's row longer than its lease.
    idle_in_transaction_session_timeout: 15_000,
    // client_min_messages: `create ... if not exists` would otherwise send a notice each time.
    options: `-c role=${roleOf(service, role)} -c search_path=${schemaOf(service)} -c client_min_messages=warning${
      role === 'reader' ? ' -c default_transaction_read_only=on' : ''
    }`,
  })
  // A connection that breaks while idle, or in use but between two statements, says so by an event that would end the
  // process if nobody listened. The pool replaces it, and the next statement on it fails.
  const onError = (error: Error) => logger?.warn({ err: error, service, role }, 'a database connection was lost')
  pool.on('error', onError)
  pool.on('connect', (client) => client.on('error', onError))
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool: pool as unknown as PostgresPool }) })
}

// int8: counters and sequences, which stay below 2^53. Hashes do not, and must not be rounded without a word.
pg.types.setTypeParser(pg.types.builtins.INT8, (text) => {
  const value = Number(text)
  if (Number.isSafeInteger(value)) return value
  throw new RangeError(`${text} does not fit a JavaScript number: select the column as text, or store hashes as bytea`)
})
// date: a day has no time zone; pg would make it local midnight.
pg.types.setTypeParser(pg.types.builtins.DATE, (text) => text)
