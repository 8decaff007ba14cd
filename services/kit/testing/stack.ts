import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { type Guard, startGuard } from '../embedded/guard.ts'
import { appError } from '../errors.ts'
import { externalServer, natsServer, postgresServer, redisServer, type TestServer } from './servers.ts'

export type StackOptions = {
  readonly nats?: boolean
  readonly postgres?: boolean
  readonly redis?: boolean
}

/** Real servers of a test file's own: what it breaks, it breaks for itself. */
export type Stack = {
  readonly natsUrl: string
  readonly databaseUrl: string
  readonly redisUrl: string
  /** A further empty database in the same PostgreSQL; its URL. */
  createDatabase(): Promise<string>
  /** Stopped in order and started again. Each of these resolves when the server answers again, on the same port. */
  restartNats(): Promise<void>
  /** `kill -9`, then started again on what is on its disk. */
  killNats(): Promise<void>
  /** Killed, its disk emptied, started again: a broker that has lost everything. */
  wipeNats(): Promise<void>
  restartPostgres(): Promise<void>
  killPostgres(): Promise<void>
  /** `kill -9` and nothing more, for as long as a test needs a server to be away; `restart...` brings it back. */
  downNats(): Promise<void>
  downPostgres(): Promise<void>
  downRedis(): Promise<void>
  restartRedis(): Promise<void>
  stop(): Promise<void>
}

/**
 * Starts the servers a test needs, side by side, on free loopback ports in a temporary folder: a broker and a database
 * unless told otherwise. For each: the URL in TEST_NATS_URL, TEST_DATABASE_URL or TEST_REDIS_URL (such a server is used
 * as it is: empty it before), else a program found as `npm start` finds it, else a container (always with
 * TEST_SERVERS=containers). Rejects with what to do when one cannot be had; a test never passes without it.
 * @example const stack = await startStack({ redis: true }); afterAll(() => stack.stop())
 */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const { nats = true, postgres = true, redis = false } = options
  const folder = await mkdtemp(join(tmpdir(), 'plimsoll-test-'))
  const guard = await startGuard()
  const start = async (
    wanted: boolean,
    name: string,
    variable: string,
    begin: (folder: string, guard: Guard) => Promise<TestServer>,
  ) => {
    if (!wanted) return notAsked(name)
    const url = process.env[variable]
    return url ? externalServer(url, variable) : await begin(join(folder, name), guard)
  }
  const servers = await Promise.allSettled([
    start(nats, 'nats', 'TEST_NATS_URL', natsServer),
    start(postgres, 'postgres', 'TEST_DATABASE_URL', postgresServer),
    start(redis, 'redis', 'TEST_REDIS_URL', redisServer),
  ])
  async function stop(): Promise<void> {
    for (const server of servers) if (server.status === 'fulfilled') await server.value.stop()
    await guard.close()
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  }
  const failed = servers.find((server) => server.status === 'rejected')
  if (failed !== undefined) {
    await stop()
    throw failed.reason
  }
  const [broker, database, cache] = servers.map((server) => (server as PromiseFulfilledResult<TestServer>).value) as [
    TestServer,
    TestServer,
    TestServer,
  ]
  return {
    get natsUrl() {
      return broker.url
    },
    get databaseUrl() {
      return database.url
    },
    get redisUrl() {
      return cache.url
    },
    createDatabase: () => createDatabase(database.url),
    restartNats: () => broker.restart('clean'),
    killNats: () => broker.restart('kill'),
    wipeNats: () => broker.restart('wipe'),
    downNats: () => broker.down(),
    restartPostgres: () => database.restart('clean'),
    killPostgres: () => database.restart('kill'),
    downPostgres: () => database.down(),
    downRedis: () => cache.down(),
    restartRedis: () => cache.restart('clean'),
    stop,
  }
}

/** Stands for a server the test did not ask for: using it says how to. */
function notAsked(name: string): TestServer {
  const refuse = (): never => {
    throw appError('server-not-found', `This stack has no ${name}: start it with startStack({ ${name}: true }).`)
  }
  return {
    get url() {
      return refuse()
    },
    restart: async () => refuse(),
    down: async () => refuse(),
    stop: async () => {},
  }
}

let databases = 0

async function createDatabase(url: string): Promise<string> {
  databases += 1
  const name = `test_${process.pid}_${Date.now().toString(36)}_${databases}`
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(`create database ${name}`)
  } finally {
    await client.end()
  }
  const created = new URL(url)
  created.pathname = `/${name}`
  return created.href
}
