import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { readBack } from '@plimsoll/gateway/test/harness.ts'
import { connectJetStream } from '@plimsoll/kit/log/jetstream.ts'
import { type Stack, startStack } from '@plimsoll/kit/testing/stack.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { findPrometheus, startGatewayProcess } from '../bench/ingest/peers.ts'
import { type Child, freePort, startProgram } from '../bench/ingest/process.ts'

/** A real Prometheus sends what it scrapes of itself, native histograms too, while our side is killed again and again. */
const kills = Number(process.env.CHAOS_KILLS ?? 3)
const STALE_HIGH = 0x7ff00000

let stack: Stack
let folder: string
let prometheus: Child | undefined
let gateway: Child | undefined

beforeAll(async () => {
  stack = await startStack()
  folder = await mkdtemp(join(tmpdir(), 'plimsoll-prometheus-'))
})
afterAll(async () => {
  await prometheus?.stop('SIGKILL')
  await gateway?.stop()
  await stack?.stop()
  await rm(folder, { recursive: true, force: true })
})

const configuration = (ownPort: number, gatewayPort: number): string => `
global: { scrape_interval: 500ms }
scrape_configs:
  - job_name: prometheus
    static_configs: [{ targets: ['127.0.0.1:${ownPort}'] }]
remote_write:
${['prometheus.WriteRequest', 'io.prometheus.write.v2.Request']
  .map(
    (message) => `  - url: http://127.0.0.1:${gatewayPort}/api/v1/write
    name: ${message}
    protobuf_message: ${message}
    send_native_histograms: true
    queue_config: { batch_send_deadline: 500ms, min_backoff: 30ms, max_backoff: 500ms, retry_on_http_429: true }
    write_relabel_configs: [{ target_label: wire, replacement: ${message} }]`,
  )
  .join('\n')}
`

type RangeVector = {
  data: { result: { metric: Record<string, string>; values?: [number, string][]; histograms?: [number, unknown][] }[] }
}

/** Every point Prometheus itself holds up to `untilMs`, as series and time. */
async function pointsOf(url: string, untilMs: number): Promise<string[]> {
  const query = new URLSearchParams({ query: '{job="prometheus"}[1h]', time: String(untilMs / 1000) })
  const answer = (await (await fetch(`${url}/api/v1/query?${query}`)).json()) as RangeVector
  return answer.data.result.flatMap(({ metric, values = [], histograms = [] }) => [
    ...values.map(([time]) => pointKey(metric, Math.round(time * 1000))),
    ...histograms.map(([time]) => `histogram ${pointKey(metric, Math.round(time * 1000))}`),
  ])
}

function pointKey(labels: Record<string, string>, timeMs: number): string {
  const own = Object.entries(labels).filter(([name]) => name !== 'wire')
  return `${JSON.stringify(own.sort(([a], [b]) => (a < b ? -1 : 1)))} ${timeMs}`
}

async function stored(wire: string, untilMs: number): Promise<string[]> {
  const log = await connectJetStream({ url: stack.natsUrl })
  try {
    const { samples, histograms } = await readBack(log)
    const own = <T extends { labels: Readonly<Record<string, string>>; timeMs: number }>(points: T[]) =>
      points.filter(({ labels, timeMs }) => labels.wire === wire && timeMs <= untilMs)
    const key = (point: { name: string; labels: Readonly<Record<string, string>>; timeMs: number }) =>
      pointKey({ __name__: point.name, ...point.labels }, point.timeMs)
    return [
      // Prometheus does not show stale markers in its answers.
      ...own(samples)
        .filter(({ bits }) => bits[0] !== 2 || bits[1] !== STALE_HIGH)
        .map(key),
      ...own(histograms).map((point) => `histogram ${key(point)}`),
    ]
  } finally {
    await log.close()
  }
}

it(`loses and doubles nothing over ${kills} kills of the gateway, in 1.0 and 2.0`, async () => {
  const [ownPort, gatewayPort] = [await freePort(), await freePort()]
  const url = `http://127.0.0.1:${ownPort}`
  gateway = await startGatewayProcess(stack, gatewayPort)
  await writeFile(join(folder, 'prometheus.yml'), configuration(ownPort, gatewayPort))
  prometheus = await startProgram(
    await findPrometheus(),
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'tsdb')}`,
      `--web.listen-address=127.0.0.1:${ownPort}`,
      '--enable-feature=native-histograms',
      '--log.level=error',
    ],
    {},
    `${url}/-/ready`,
  )
  for (let kill = 0; kill < kills; kill++) {
    await delay(1_500 + Math.random() * 1_500)
    await gateway.stop('SIGKILL')
    gateway = await startGatewayProcess(stack, gatewayPort)
  }
  await delay(2_000)
  const untilMs = Date.now()
  const wires = ['prometheus.WriteRequest', 'io.prometheus.write.v2.Request']
  const expected = (await pointsOf(url, untilMs)).sort()
  expect(expected.some((key) => key.startsWith('histogram '))).toBe(true)
  for (const wire of wires) {
    // What was scraped last may still be in Prometheus' queue.
    await expect
      .poll(async () => (await stored(wire, untilMs)).length, { timeout: 60_000, interval: 1_000 })
      .toBeGreaterThanOrEqual(expected.length)
    const points = (await stored(wire, untilMs)).sort()
    expect({ wire, doubled: points.filter((key, i) => key === points[i - 1]) }).toEqual({ wire, doubled: [] })
    const held = new Set(points)
    expect({ wire, lost: expected.filter((key) => !held.has(key)).slice(0, 5) }).toEqual({ wire, lost: [] })
  }
  const metrics = await (await fetch(`${url}/metrics`)).text()
  for (const name of ['samples_failed_total', 'histograms_failed_total']) {
    const failed = [...metrics.matchAll(new RegExp(`^prometheus_remote_storage_${name}\\{.*\\} (\\S+)$`, 'gm'))]
    expect([name, failed.map((match) => match[1])]).toEqual([name, ['0', '0']])
  }
}, 240_000)
