import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { dockerCommand } from './docker.ts'
import { type Guard, type RunningServer, untilReady } from './guard.ts'
import { firstBytes, freePort } from './ports.ts'
import type { ServerKind, ServerProgram } from './resolve.ts'

export const redisKind: ServerKind = {
  program: 'redis-server',
  binVariable: 'REDIS_SERVER_BIN',
  urlVariable: 'REDIS_URL',
  minimum: [7, 0],
  // From the suite this machine runs: it is linked against this machine's C library.
  debian: { packages: ['redis-server', 'redis-tools'], suite: 'own', dependencies: 'missing' },
  debianPath: 'usr/bin/redis-server',
  image: 'redis:7',
}

export type RedisOptions = { readonly dataDir: string; readonly port?: number; readonly program: ServerProgram }

/** Starts Redis on loopback as what it is here: a cache. Nothing is written to disk. */
export async function startRedis(
  guard: Guard,
  options: RedisOptions,
): Promise<{ url: string; port: number; server: RunningServer }> {
  const { dataDir, program } = options
  const port = await freePort(options.port)
  await mkdir(dataDir, { recursive: true })
  const host = program.kind === 'docker' ? '0.0.0.0' : '127.0.0.1'
  const args = [
    '--port',
    String(port),
    '--bind',
    host,
    '--protected-mode',
    'no',
    '--dir',
    dataDir,
    '--save',
    '',
    '--appendonly',
    'no',
    ...limits,
  ]
  const run =
    program.kind === 'docker'
      ? dockerCommand({ image: program.image, port, dataDir, args: ['redis-server', ...args] })
      : { command: program.path, args, env: program.env }
  const server = await guard.start({
    name: 'redis-server',
    ...run,
    logFile: join(dataDir, 'redis.log'),
    stopSignals: ['SIGTERM'],
  })
  await untilReady(server, async () => (await firstBytes(port, 'PING\r\n'))?.startsWith('+PONG') ?? false)
  return { url: `redis://127.0.0.1:${port}`, port, server }
}

const limits = ['--maxmemory', '256mb', '--maxmemory-policy', 'allkeys-lru']
