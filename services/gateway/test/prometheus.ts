import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startGuard, untilReady } from '@plimsoll/kit/embedded/guard.ts'
import { freePort } from '@plimsoll/kit/embedded/ports.ts'
import { resolveServer, type ServerKind } from '@plimsoll/kit/embedded/resolve.ts'
import { appError } from '@plimsoll/kit/errors.ts'
import { testResolution } from '@plimsoll/kit/testing/servers.ts'

const prometheusKind: ServerKind = {
  program: 'prometheus',
  binVariable: 'PROMETHEUS_BIN',
  urlVariable: 'PROMETHEUS_BIN',
  // Remote write 2.0 and the clean-up of range selectors came with 3.0.
  minimum: [3, 0],
  debian: { packages: ['prometheus'], suite: 'sid', dependencies: 'alone' },
  debianPath: 'usr/bin/prometheus',
  image: 'prom/prometheus:v3.5.3',
}

export type RealPrometheus = { readonly url: string; stop(): Promise<void> }

/**
 * A real Prometheus on a free loopback port, in a temporary folder. `configuration` is its YAML, in which `SELF` stands
 * for its own address. Rejects with what to do when none can be had.
 */
export async function startPrometheus(configuration: string, flags: readonly string[] = []): Promise<RealPrometheus> {
  const program = await resolveServer(prometheusKind, testResolution)
  if (program.kind !== 'binary')
    throw appError('server-not-found', 'A Prometheus program is needed: set PROMETHEUS_BIN.')
  const folder = await mkdtemp(join(tmpdir(), 'plimsoll-prometheus-'))
  const port = await freePort()
  const address = `127.0.0.1:${port}`
  await mkdir(join(folder, 'data'))
  await writeFile(join(folder, 'prometheus.yml'), configuration.replaceAll('SELF', address))
  const guard = await startGuard()
  const stop = async () => {
    await guard.close()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const server = await guard.start({
      name: 'prometheus',
      command: program.path,
      args: [
        `--config.file=${join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=${address}`,
        ...flags,
      ],
      env: program.env,
      logFile: join(folder, 'log'),
      stopSignals: ['SIGTERM'],
    })
    const ready = () =>
      fetch(`http://${address}/-/ready`).then(
        (response) => response.ok,
        () => false,
      )
    await untilReady(server, ready)
  } catch (error) {
    await stop()
    throw error
  }
  return { url: `http://${address}`, stop }
}
