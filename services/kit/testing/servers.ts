import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Guard, RunningServer } from '../embedded/guard.ts'
import { natsKind, startNats } from '../embedded/nats.ts'
import { resolvePostgres, startPostgres } from '../embedded/postgres.ts'
import { redisKind, startRedis } from '../embedded/redis.ts'
import { type ResolveContext, resolveServer, type ServerKind, type ServerProgram } from '../embedded/resolve.ts'
import { AppError, appError } from '../errors.ts'

/** `clean`: asked to stop. `kill`: `kill -9`. `wipe`: killed and its disk emptied. */
export type RestartKind = 'clean' | 'kill' | 'wipe'

export type TestServer = {
  readonly url: string
  /** Ends it as told and starts it again on the same port; resolves when it answers. */
  restart(kind: RestartKind): Promise<void>
  /** `kill -9`. */
  down(): Promise<void>
  stop(): Promise<void>
}

/** Where servers that were once downloaded are kept, the same as of `npm start`. */
const cacheDir = join(
  process.env.PLIMSOLL_HOME ?? fileURLToPath(new URL('../../../.plimsoll', import.meta.url)),
  'servers',
)

export const testResolution: ResolveContext = {
  env: process.env,
  cacheDir,
  progress: (text) => process.stderr.write(`  ${text} ...\n`),
}

type Started = { readonly url: string; readonly port: number; readonly server: RunningServer }

export const natsServer = (dataDir: string, guard: Guard): Promise<TestServer> =>
  localOrContainer(
    () => localProgram(natsKind),
    (program) => localServer(dataDir, (port) => startNats(guard, { dataDir, program, ...(port && { port }) })),
    async () => (await containers()).natsContainer(),
  )

export const redisServer = (dataDir: string, guard: Guard): Promise<TestServer> =>
  localOrContainer(
    () => localProgram(redisKind),
    (program) => localServer(dataDir, (port) => startRedis(guard, { dataDir, program, ...(port && { port }) })),
    async () => (await containers()).redisContainer(),
  )

export const postgresServer = (dataDir: string, guard: Guard): Promise<TestServer> =>
  localOrContainer(
    resolvePostgres,
    // Tests kill the process, not the machine: what it wrote is with the kernel, and need not reach the disk.
    (program) =>
      localServer(dataDir, (port) =>
        startPostgres(guard, { dataDir, program, settings: ['fsync=off'], ...(port && { port }) }),
      ),
    async () => (await containers()).postgresContainer(),
  )

// Loaded by need: it takes longer to load than the servers take to start.
const containers = () => import('./containers.ts')

/** Testcontainers know containers better than the Docker fallback of the resolver does. */
async function localProgram(kind: ServerKind): Promise<ServerProgram> {
  const program = await resolveServer(kind, testResolution)
  if (program.kind === 'docker') throw appError('server-not-found', `${kind.program} is only to be had as a container.`)
  return program
}

async function localOrContainer<Program>(
  resolve: () => Promise<Program>,
  local: (program: Program) => Promise<TestServer>,
  container: () => Promise<TestServer>,
): Promise<TestServer> {
  if (process.env.TEST_SERVERS === 'containers') return await container()
  try {
    return await local(await resolve())
  } catch (missing) {
    if (!(missing instanceof AppError) || missing.code !== 'server-not-found') throw missing
    return await container().catch((error: unknown) => {
      throw appError(
        'server-not-found',
        `${missing.message}\n  - as a container: ${error instanceof Error ? error.message : error}`,
      )
    })
  }
}

async function localServer(dataDir: string, start: (port?: number) => Promise<Started>): Promise<TestServer> {
  let started = await start()
  const { url, port } = started
  return {
    url,
    async restart(kind) {
      await started.server.stop(kind === 'clean' ? undefined : 'SIGKILL')
      if (kind === 'wipe') await rm(dataDir, { recursive: true, force: true })
      started = await start(port)
      if (started.port !== port) throw new Error(`port ${port} was taken by another program while the server was down`)
    },
    async down() {
      await started.server.stop('SIGKILL')
    },
    // The guard ends it, and the folder goes as a whole.
    stop: async () => {},
  }
}

/** A server given by URL is used, never broken. */
export function externalServer(url: string, variable: string): TestServer {
  const refuse = async () => {
    throw appError(
      'server-not-found',
      `This test stops its server, which it may not do to the one of ${variable}: run it without ${variable}.`,
    )
  }
  return { url, restart: refuse, down: refuse, stop: async () => {} }
}
