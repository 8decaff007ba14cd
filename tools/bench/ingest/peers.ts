import { mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { unpackDebian } from '@plimsoll/kit/embedded/debian.ts'
import { findOnPath } from '@plimsoll/kit/embedded/resolve.ts'
import type { Stack } from '@plimsoll/kit/testing/stack.ts'
import { laneCount } from '../lanes.ts'
import { type Child, freePort, listenerOn, startProgram } from './process.ts'

/** A receiver under load: where to send, and every process whose CPU counts. */
export type Receiver = {
  readonly name: string
  readonly remoteWriteUrl: string
  readonly tracesUrl: string | undefined
  /** The process that decodes, then those it needs to be durable. */
  readonly pids: readonly number[]
  stop(): Promise<void>
}

/** A Prometheus: the one PROMETHEUS_BIN names, one on PATH, else Debian's package. */
export async function findPrometheus(): Promise<string> {
  const named = process.env.PROMETHEUS_BIN ?? findOnPath('prometheus', process.env)
  if (named !== undefined) return named
  const cache = fileURLToPath(new URL('../../../.plimsoll/servers/prometheus', import.meta.url))
  const request = { packages: ['prometheus'], suite: 'sid', dependencies: 'alone' } as const
  return join(await unpackDebian(request, cache), 'usr/bin/prometheus')
}

export async function startPrometheus(folder: string): Promise<Receiver> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const data = mkdtempSync(join(folder, 'prometheus-'))
  writeFileSync(join(data, 'prometheus.yml'), 'global: {}\n')
  const child = await startProgram(
    await findPrometheus(),
    [
      `--config.file=${join(data, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(data, 'tsdb')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--web.enable-remote-write-receiver',
      '--log.level=error',
    ],
    {},
    `${url}/-/ready`,
  )
  return {
    name: 'prometheus',
    remoteWriteUrl: `${url}/api/v1/write`,
    tracesUrl: undefined,
    pids: [child.pid],
    stop: () => child.stop(),
  }
}

/** The gateway in a process of its own, on the stack's broker and database. */
export async function startGateway(stack: Stack): Promise<Receiver> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const child = await startGatewayProcess(stack, port)
  return {
    name: 'plimsoll',
    remoteWriteUrl: `${url}/api/v1/write`,
    tracesUrl: `${url}/v1/traces`,
    pids: [child.pid, listenerOn(Number(new URL(stack.natsUrl).port))],
    stop: () => child.stop(),
  }
}

export function startGatewayProcess(stack: Stack, port: number): Promise<Child> {
  return startProgram(
    process.execPath,
    [fileURLToPath(new URL('../../../services/gateway/main.ts', import.meta.url))],
    {
      NATS_URL: stack.natsUrl,
      LANES: String(laneCount),
      DATABASE_URL: stack.databaseUrl,
      PORT: String(port),
      LOG_LEVEL: 'error',
      LOG_FORMAT: 'json',
      GATEWAY_SELF_SCRAPE_SECONDS: '0',
    },
    `http://127.0.0.1:${port}/ready`,
  )
}
