import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError, appError } from '../errors.ts'
import { type DataDirLock, isDataDirInUse, lockDataDir } from './datadir.ts'
import { type Guard, type RunningServer, startGuard } from './guard.ts'
import { natsKind, natsUrl, startNats } from './nats.ts'
import { databaseUrl, resolvePostgres, startPostgres } from './postgres.ts'
import { redisKind, startRedis } from './redis.ts'
import { resolveServer } from './resolve.ts'

/** One process does the work of all lanes there: more of them would only make more and smaller messages. */
export const embeddedLaneCount = 4

export type EmbeddedOptions = {
  /** What the servers keep between starts. */
  readonly dataDir: string
  /** Where downloaded programs are kept. */
  readonly cacheDir: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly wanted: { readonly nats: boolean; readonly postgres: boolean; readonly redis: boolean }
  /** Deletes the servers' data before they start. */
  readonly reset?: boolean
  readonly progress: (text: string) => void
}

export type EmbeddedServer = { readonly url: string; readonly origin: string; readonly server: RunningServer }

export type Embedded = {
  readonly nats?: EmbeddedServer
  readonly postgres?: EmbeddedServer
  readonly redis?: EmbeddedServer
  /** Those that were started. */
  readonly servers: readonly EmbeddedServer[]
  /** Stops the servers and frees the data folder. */
  stop(): Promise<void>
}

type Ports = Partial<Record<'nats' | 'postgres' | 'redis', number>>

/** Starts the wanted servers side by side on loopback, on the ports they had last time when those are free. */
export async function startEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const lock = await takeDataDir(options.dataDir)
  let guard: Guard | undefined
  try {
    if (options.reset === true) await resetData(options.dataDir)
    guard = await startGuard()
    return await startAll(options, lock, guard)
  } catch (error) {
    await guard?.close()
    await lock.release()
    throw error
  }
}

async function takeDataDir(dataDir: string): Promise<DataDirLock> {
  try {
    await mkdir(dataDir, { recursive: true })
    return await lockDataDir(dataDir)
  } catch (error) {
    if (error instanceof AppError) throw error
    throw appError('configuration', `The data folder ${dataDir} cannot be used. Give another one: --data-dir DIR`, {
      cause: error,
    })
  }
}

async function startAll(options: EmbeddedOptions, lock: DataDirLock, guard: Guard): Promise<Embedded> {
  const { dataDir, wanted } = options
  const portsFile = join(dataDir, 'ports.json')
  const last = await readPorts(portsFile)
  await lock.record(guard.pid, [])
  const [nats, postgres, redis] = await Promise.all([
    wanted.nats ? nextNats(options, guard, last.nats) : undefined,
    wanted.postgres ? nextPostgres(options, guard, last.postgres) : undefined,
    wanted.redis ? nextRedis(options, guard, last.redis) : undefined,
  ])
  const started = [nats, postgres, redis].filter((server) => server !== undefined)
  await lock.record(
    guard.pid,
    started.map(({ server }) => server.pid),
  )
  const ports: Ports = { ...last, ...portOf('nats', nats), ...portOf('postgres', postgres), ...portOf('redis', redis) }
  await writeFile(portsFile, `${JSON.stringify(ports)}\n`)
  return {
    ...(nats && { nats }),
    ...(postgres && { postgres }),
    ...(redis && { redis }),
    servers: started,
    async stop() {
      await guard.close()
      await lock.release()
    },
  }
}

type Started = EmbeddedServer & { readonly port: number }

async function nextNats(options: EmbeddedOptions, guard: Guard, port: number | undefined): Promise<Started> {
  const program = await resolveServer(natsKind, options)
  const started = await startNats(guard, { dataDir: join(options.dataDir, 'nats'), program, ...(port && { port }) })
  return { ...started, origin: `nats-server ${program.version} (${program.origin})` }
}

async function nextPostgres(options: EmbeddedOptions, guard: Guard, port: number | undefined): Promise<Started> {
  const program = await resolvePostgres()
  const started = await startPostgres(guard, {
    dataDir: join(options.dataDir, 'postgres'),
    program,
    ...(port && { port }),
  })
  return { ...started, origin: `PostgreSQL ${program.version}` }
}

async function nextRedis(options: EmbeddedOptions, guard: Guard, port: number | undefined): Promise<Started> {
  const program = await resolveServer(redisKind, options)
  const started = await startRedis(guard, { dataDir: join(options.dataDir, 'redis'), program, ...(port && { port }) })
  return { ...started, origin: `redis-server ${program.version} (${program.origin})` }
}

/** The servers a running Plimsoll keeps in this folder; empty when none runs. */
export async function runningUrls(dataDir: string): Promise<{ readonly database?: string; readonly nats?: string }> {
  if (!(await isDataDirInUse(dataDir))) return {}
  const { nats, postgres } = await readPorts(join(dataDir, 'ports.json'))
  return {
    ...(nats !== undefined && { nats: natsUrl(nats) }),
    ...(postgres !== undefined && { database: await databaseUrl(join(dataDir, 'postgres'), postgres) }),
  }
}

async function resetData(dataDir: string): Promise<void> {
  // By name, not the whole folder: --data-dir may point at one that holds more than ours.
  for (const name of ['nats', 'postgres', 'redis']) await rm(join(dataDir, name), { recursive: true, force: true })
}

async function readPorts(file: string): Promise<Ports> {
  return JSON.parse(await readFile(file, 'utf8').catch(() => '{}')) as Ports
}

const portOf = (name: keyof Ports, started: Started | undefined): Ports =>
  started === undefined ? {} : { [name]: started.port }
