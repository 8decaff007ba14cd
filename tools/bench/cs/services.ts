/** Gateway and customer-success as two processes on embedded servers, as a small installation runs them. */

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openDatabase, type ServiceDatabase } from '@plimsoll/kit/db/pool.ts'
import { freePort } from '@plimsoll/kit/embedded/ports.ts'
import { startEmbedded } from '@plimsoll/kit/embedded/servers.ts'
import type { Tables } from '../../../services/customer-success/store/tables.ts'
import { usageOf } from '../ingest/process.ts'
import { laneCount } from '../lanes.ts'

export type Services = {
  readonly gatewayUrl: string
  readonly url: string
  readonly database: ServiceDatabase<Tables>
  /** CPU spent so far by each of the two, seconds. */
  cpuSeconds(): { readonly gateway: number; readonly customerSuccess: number }
  stop(): Promise<void>
}

const root = fileURLToPath(new URL('../../../', import.meta.url))

export async function startServices(): Promise<Services> {
  const folder = await mkdtemp(join(tmpdir(), 'plimsoll-bench-cs-'))
  const servers = await startEmbedded({
    dataDir: folder,
    cacheDir: join(root, '.plimsoll', 'servers'),
    env: process.env,
    wanted: { nats: true, postgres: true, redis: false },
    progress: () => undefined,
  })
  const databaseUrl = servers.postgres?.url ?? ''
  const env = {
    ...process.env,
    NATS_URL: servers.nats?.url ?? '',
    LANES: String(laneCount),
    DATABASE_URL: databaseUrl,
    ...{ LOG_LEVEL: 'warn', RATE_LIMIT_PER_MINUTE: '1000000' },
  }
  const gateway = await startService('gateway', env)
  const customerSuccess = await startService('customer-success', env)
  const database = openDatabase<Tables>({ url: databaseUrl, service: 'customer-success' })
  return {
    gatewayUrl: gateway.url,
    url: customerSuccess.url,
    database,
    cpuSeconds: () => ({ gateway: cpuOf(gateway.child), customerSuccess: cpuOf(customerSuccess.child) }),
    async stop() {
      await database.close()
      await Promise.all([gateway, customerSuccess].map(({ child }) => ended(child)))
      await servers.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function startService(name: string, env: NodeJS.ProcessEnv): Promise<{ child: ChildProcess; url: string }> {
  const port = await freePort()
  const child = spawn(process.execPath, [join(root, 'services', name, 'main.ts')], {
    env: { ...env, PORT: String(port) },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const url = `http://127.0.0.1:${port}`
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await pause(100)) {
    if (child.exitCode !== null) break
    const answer = await fetch(`${url}/ready`).catch(() => undefined)
    if (answer?.ok) return { child, url }
  }
  child.kill('SIGKILL')
  throw new Error(`${name} did not become ready`)
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null) return resolve()
    child.once('exit', () => resolve())
    child.kill('SIGTERM')
  })
}

const cpuOf = ({ pid }: ChildProcess): number => (pid === undefined ? 0 : usageOf(pid).cpuSeconds)

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
