import { spawn } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { connectJetStream } from '@plimsoll/kit/log/jetstream.ts'
import { type Running, startServices } from '@plimsoll/kit/run.ts'
import { type Stack, startStack } from '@plimsoll/kit/testing/stack.ts'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { encodeSnappy } from '../decode/snappy.ts'
import { encodeRemoteWrite1 } from '../sender/remotewrite.ts'
import { gateway } from '../service.ts'
import { readBack } from '../test/harness.ts'
import { type RealPrometheus, startPrometheus } from '../test/prometheus.ts'

const stepSeconds = 15
const stepMs = stepSeconds * 1_000
const historyMs = 3 * 3_600_000
const names = ['http_requests_total', 'http_request_duration_seconds_bucket', 'db_errors_total', 'up']
const seriesPerName = 25

/** Hours of history, as a Prometheus has that somebody has run for a while. */
async function writeHistory(url: string, untilMs: number): Promise<void> {
  for (let fromMs = untilMs - historyMs; fromMs < untilMs; fromMs += 40 * stepMs) {
    const times = Array.from({ length: 40 }, (_, i) => fromMs + i * stepMs).filter((time) => time < untilMs)
    const series = names.flatMap((name, n) =>
      Array.from({ length: seriesPerName }, (_, i) => ({
        labels: [
          ['__name__', name],
          ['instance', `10.0.0.${i}:80`],
          ['job', `svc-${i % 7}`],
        ] as const,
        // Not at the step's own times: what comes back is what the server has at them.
        samples: times.map((time) => ({ timeMs: time + 7_000, value: (time / 1_000) * (n + 1) + i })),
      })),
    )
    const response = await fetch(`${url}/api/v1/write`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' },
      body: new Uint8Array(encodeSnappy(encodeRemoteWrite1(series))),
    })
    if (!response.ok) throw new Error(`Prometheus refused the history: ${response.status} ${await response.text()}`)
  }
}

type Matrix = { data: { result: { metric: Record<string, string>; values: [number, string][] }[] } }

const keyOf = (name: string, labels: Record<string, string>) => `${name} ${labels.job} ${labels.instance}`

/** What the server itself says: the samples there should be, by series and time. */
async function expectedSamples(url: string, fromMs: number, untilMs: number): Promise<Map<string, number>> {
  const samples = new Map<string, number>()
  for (const name of names) {
    const query = new URLSearchParams({
      query: `{__name__="${name}",instance=~"10.*"}`,
      start: String((fromMs + stepMs) / 1_000),
      end: String(untilMs / 1_000),
      step: String(stepSeconds),
    })
    const { data } = (await (await fetch(`${url}/api/v1/query_range?${query}`)).json()) as Matrix
    for (const { metric, values } of data.result) {
      for (const [time, value] of values) samples.set(`${keyOf(name, metric)} ${time * 1_000}`, Number(value))
    }
  }
  return samples
}

type Pull = { activity: string; pulledUntil: string | null; problem: string | null; metrics: number }

const pullOf = async ({ url }: Running): Promise<Pull | undefined> =>
  ((await (await fetch(`${url}/v1/gateway/sources`)).json()) as { pulls: Pull[] }).pulls[0]

describe('pull from a real Prometheus', () => {
  let stack: Stack
  let prometheus: RealPrometheus
  beforeAll(async () => {
    ;[stack, prometheus] = await Promise.all([
      startStack(),
      startPrometheus(
        [
          'global: { scrape_interval: 1s }',
          // Written beside what it scrapes now, hours of history are out of order.
          'storage: { tsdb: { out_of_order_time_window: 4h } }',
          'scrape_configs:',
          '  - { job_name: prometheus, static_configs: [{ targets: [SELF] }] }',
        ].join('\n'),
        ['--web.enable-remote-write-receiver', '--enable-feature=native-histograms'],
      ),
    ])
  })
  afterAll(async () => {
    await stack?.stop()
    await prometheus?.stop()
  })

  const environment = (settings: Record<string, string>) => ({
    NATS_URL: stack.natsUrl,
    DATABASE_URL: stack.databaseUrl,
    PORT: '0',
    LOG_LEVEL: 'fatal',
    GATEWAY_SELF_SCRAPE_SECONDS: '0',
    PLIMSOLL_PROMETHEUS_STEP_SECONDS: String(stepSeconds),
    PLIMSOLL_PROMETHEUS_BACKFILL_HOURS: '2.5',
    PLIMSOLL_PROMETHEUS_DELAY_SECONDS: '0',
    ...settings,
  })

  async function stored() {
    const log = await connectJetStream({ url: stack.natsUrl })
    try {
      return await readBack(log)
    } finally {
      await log.close()
    }
  }

  const lastOfMetric = async (): Promise<number> => {
    const log = await connectJetStream({ url: stack.natsUrl })
    try {
      return (await log.info('METRIC')).lastSeq
    } finally {
      await log.close()
    }
  }

  /** The gateway as a process of its own, killed without warning once it has stored something. */
  async function killedLife(settings: Record<string, string>): Promise<void> {
    const before = await lastOfMetric()
    const main = fileURLToPath(new URL('../main.ts', import.meta.url))
    const child = spawn(process.execPath, [main], {
      env: { ...process.env, ...environment(settings) },
      stdio: 'ignore',
    })
    const ended = new Promise((resolve) => child.once('exit', resolve))
    await vi.waitFor(async () => expect(await lastOfMetric()).toBeGreaterThan(before), {
      timeout: 30_000,
      interval: 20,
    })
    child.kill('SIGKILL')
    await ended
  }

  test('hours of history arrive whole and once, though the gateway is stopped and killed meanwhile', async () => {
    await writeHistory(prometheus.url, Date.now() - 2 * stepMs)
    const settings = { PLIMSOLL_PROMETHEUS_URL: prometheus.url, PLIMSOLL_PROMETHEUS_METRICS: names.join('|') }

    // Slow enough that each life ends in the middle of the history.
    for (const livesForMs of [700, 300, 500]) {
      const life = await startServices(
        [gateway],
        environment({ ...settings, PLIMSOLL_PROMETHEUS_QUERIES_PER_SECOND: '4' }),
      )
      await delay(livesForMs)
      await life.stop()
    }
    await killedLife({ ...settings, PLIMSOLL_PROMETHEUS_QUERIES_PER_SECOND: '4' })
    const last = await startServices([gateway], environment(settings))
    // The dead process's lease has to run out first.
    await vi.waitFor(async () => expect((await pullOf(last))?.activity).toBe('waiting'), {
      timeout: 45_000,
      interval: 200,
    })
    const pull = await pullOf(last)
    await last.stop()

    const { samples } = await stored()
    const fromHistory = samples.filter(({ labels }) => labels.instance?.startsWith('10.'))
    const times = fromHistory.map(({ timeMs }) => timeMs)
    const first = times.reduce((least, time) => Math.min(least, time), Number.POSITIVE_INFINITY)
    const expected = await expectedSamples(prometheus.url, first - stepMs, Date.parse(pull?.pulledUntil ?? ''))
    const found = new Map(
      fromHistory.map(({ name, labels, timeMs, value }) => [`${keyOf(name, labels)} ${timeMs}`, value]),
    )
    expect(fromHistory.length).toBe(found.size)
    expect(found).toEqual(expected)
    expect(Date.now() - first).toBeGreaterThan(2.4 * 3_600_000)
    expect(new Set(fromHistory.filter(({ name }) => name.endsWith('_total')).map(({ kind }) => kind))).toEqual(
      new Set([1]),
    )
  }, 120_000)

  test('its own native histograms come with buckets that add up', async () => {
    await vi.waitFor(
      async () => {
        const url = `${prometheus.url}/api/v1/query?query=prometheus_http_request_duration_seconds`
        const { data } = (await (await fetch(url)).json()) as { data: { result: { histogram?: unknown }[] } }
        expect(data.result.some(({ histogram }) => histogram !== undefined)).toBe(true)
      },
      { timeout: 20_000, interval: 250 },
    )
    const running = await startServices(
      [gateway],
      environment({
        PLIMSOLL_PROMETHEUS_URL: prometheus.url,
        PLIMSOLL_PROMETHEUS_NAME: 'native',
        PLIMSOLL_PROMETHEUS_METRICS: 'prometheus_http_request_duration_seconds',
        PLIMSOLL_PROMETHEUS_STEP_SECONDS: '1',
        PLIMSOLL_PROMETHEUS_BACKFILL_HOURS: '0.01',
      }),
    )
    await vi.waitFor(async () => expect((await stored()).histograms.length).toBeGreaterThan(0), {
      timeout: 20_000,
      interval: 250,
    })
    await running.stop()
    for (const { kind, count, zeroCount, scale, buckets } of (await stored()).histograms) {
      expect(kind).toBe(3)
      expect(scale).toBeGreaterThanOrEqual(-4)
      expect(zeroCount + buckets.reduce((sum, [, observations]) => sum + observations, 0)).toBe(count)
    }
  })

  test('a Prometheus that is away is said to be, on the page of sources', async () => {
    const running = await startServices(
      [gateway],
      environment({ PLIMSOLL_PROMETHEUS_URL: 'http://127.0.0.1:9', PLIMSOLL_PROMETHEUS_NAME: 'away' }),
    )
    await vi.waitFor(async () => {
      expect(await pullOf(running)).toMatchObject({
        activity: 'failing',
        problem: expect.stringContaining('http://127.0.0.1:9 does not answer'),
      })
    })
    await running.stop()
  })
})
