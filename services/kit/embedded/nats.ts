import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { dockerCommand } from './docker.ts'
import { type Guard, type RunningServer, untilReady } from './guard.ts'
import { firstBytes, freePort } from './ports.ts'
import { natsRelease } from './release.ts'
import type { ServerKind, ServerProgram } from './resolve.ts'

const release = natsRelease()

export const natsKind: ServerKind = {
  program: 'nats-server',
  binVariable: 'NATS_SERVER_BIN',
  urlVariable: 'NATS_URL',
  // Older brokers cannot sync each write before they acknowledge it, nor filter a consumer by several subjects.
  minimum: [2, 10],
  ...(release === undefined ? {} : { release }),
  debian: { packages: ['nats-server'], suite: 'trixie', dependencies: 'alone' },
  // The oldest broker that is supported; NATS_DEBIAN_SUITE=sid has the newest.
  suiteVariable: 'NATS_DEBIAN_SUITE',
  debianPath: 'usr/sbin/nats-server',
  image: 'nats:2.14.6',
}

export type NatsOptions = { readonly dataDir: string; readonly port?: number; readonly program: ServerProgram }

/** Starts a broker with JetStream on loopback that syncs every write to disk before it acknowledges it. */
export async function startNats(
  guard: Guard,
  options: NatsOptions,
): Promise<{ url: string; port: number; server: RunningServer }> {
  const { dataDir, program } = options
  const port = await freePort(options.port)
  await mkdir(dataDir, { recursive: true })
  const configFile = join(dataDir, 'nats.conf')
  await writeFile(
    configFile,
    configuration({ port, dataDir, host: program.kind === 'docker' ? '0.0.0.0' : '127.0.0.1' }),
  )
  const run =
    program.kind === 'docker'
      ? dockerCommand({ image: program.image, port, dataDir, args: ['--config', configFile] })
      : { command: program.path, args: ['--config', configFile], env: program.env }
  const server = await guard.start({
    name: 'nats-server',
    ...run,
    logFile: join(dataDir, 'nats.log'),
    stopSignals: ['SIGTERM'],
  })
  await untilReady(server, async () => (await firstBytes(port))?.startsWith('INFO ') ?? false)
  return { url: natsUrl(port), port, server }
}

export const natsUrl = (port: number): string => `nats://127.0.0.1:${port}`

/** @internal */
export function configuration({ port, dataDir, host }: { port: number; dataDir: string; host: string }): string {
  return [
    `listen: "${host}:${port}"`,
    'server_name: plimsoll',
    'jetstream {',
    `  store_dir: ${JSON.stringify(join(dataDir, 'store'))}`,
    // JetStream's default acknowledges up to two minutes before it syncs; an ack here means durable.
    '  sync_interval: always',
    '}',
    '',
  ].join('\n')
}
