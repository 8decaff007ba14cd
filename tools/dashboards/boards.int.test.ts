import { services } from '@plimsoll/all/services.ts'
import { laneToken } from '@plimsoll/contracts/lane.ts'
import { boardFiles } from '@plimsoll/dashboards/boards.ts'
import { encodeSnappy } from '@plimsoll/gateway/decode/snappy.ts'
import { encodeRemoteWrite1 } from '@plimsoll/gateway/sender/remotewrite.ts'
import { type RealPrometheus, startPrometheus } from '@plimsoll/gateway/test/prometheus.ts'
import { connectJetStream } from '@plimsoll/kit/log/jetstream.ts'
import { type Running, startServices } from '@plimsoll/kit/run.ts'
import { type Stack, startStack } from '@plimsoll/kit/testing/stack.ts'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { expressionsOf } from './lint.ts'

/** What Grafana would put for the variables, at a scrape each second. A zero for "nothing" must not pass for an answer. */
const filledIn = (expr: string): string =>
  expr
    .replaceAll('$job', 'plimsoll')
    .replaceAll('$instance', '.+')
    .replaceAll('$__rate_interval', '1m')
    .replaceAll('$__range', '5m')
    .replaceAll(' or vector(0)', '')

type Answer = { status: string; error?: string; data?: { result: { value: [number, string] }[] } }

let stack: Stack
let platform: Running
let prometheus: RealPrometheus
let traffic: NodeJS.Timeout

/** A counter's sample at a time, as a Prometheus would send it. */
const write = (timeMs: number, value: number) =>
  fetch(`${platform.url}/api/v1/write`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' },
    body: new Uint8Array(
      encodeSnappy(
        encodeRemoteWrite1([
          {
            labels: [
              ['__name__', 'http_requests_total'],
              ['job', 'cart'],
              ['path', '/pay'],
            ],
            samples: [{ timeMs, value }],
          },
        ]),
      ),
    ),
  })

const post = (path: string, body: object) =>
  fetch(`${platform.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

const use = (timeMs: number) =>
  post('/v1/track', {
    ...{ event: 'Report Exported', userId: 'ada', messageId: `used-${timeMs}`, context: { groupId: 'acme' } },
    timestamp: new Date(timeMs).toISOString(),
  })

/** Yesterday is over, as somebody comes today; and a payment fails, which a playbook has steps for. */
async function actOnYesterday(): Promise<void> {
  await use(Date.now() - 86_400_000)
  expect(await post('/v1/customer-success/playbooks/failed-payment/activate', {})).toMatchObject({ ok: true })
  const now = new Date().toISOString()
  const invoice = { invoiceId: 'I1', accountId: 'acme', amount: 99, currency: 'EUR', status: 'failed', attempts: 1 }
  expect(await (await post('/v1/invoices', { ...invoice, dueAt: now, updatedAt: now })).json()).toMatchObject({
    accepted: 1,
  })
}

/** Each second: samples and usage, late samples, a refused request, reads. Nothing here minds whether it is answered. */
async function someTraffic(): Promise<void> {
  const now = Date.now()
  await Promise.allSettled([
    write(now, now / 1_000),
    write(now - 600_000, now / 1_000 - 600),
    fetch(`${platform.url}/v1/metrics`, { method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'no' }),
    fetch(`${platform.url}/v1/performance/services`),
    use(now),
    fetch(`${platform.url}/v1/customer-success/analytics/active`),
  ])
}

/** A message that no version of any schema can read. */
async function publishGarbage(): Promise<void> {
  const log = await connectJetStream({ url: stack.natsUrl })
  const subject = `metric.${laneToken(3)}.MetricBatch`
  await log.publish({ subject, data: new Uint8Array([1, 2, 3]), id: `garbage-${Date.now()}` })
  await log.close()
}

/** Without its database lanes pause and try again, and requests fail. */
async function breakDatabase(): Promise<void> {
  await stack.downPostgres()
  const answer = await fetch(`${platform.url}/v1/performance/services`)
  expect(answer.status).toBeGreaterThanOrEqual(500)
  await stack.restartPostgres()
}

beforeAll(async () => {
  stack = await startStack()
  platform = await startServices(services, {
    NATS_URL: stack.natsUrl,
    DATABASE_URL: stack.databaseUrl,
    PORT: '0',
    LOG_LEVEL: 'fatal',
    GATEWAY_SELF_SCRAPE_SECONDS: '1',
  })
  prometheus = await startPrometheus(
    [
      'global: { scrape_interval: 1s }',
      'scrape_configs:',
      `  - { job_name: plimsoll, static_configs: [{ targets: [${new URL(platform.url).host}] }] }`,
    ].join('\n'),
  )
  await someTraffic()
  traffic = setInterval(someTraffic, 1_000)
  await publishGarbage()
  await breakDatabase()
  await actOnYesterday()
}, 120_000)

afterAll(async () => {
  clearInterval(traffic)
  await prometheus?.stop()
  await platform?.stop()
  await stack?.stop()
})

async function ask(expr: string): Promise<Answer> {
  const response = await fetch(`${prometheus.url}/api/v1/query?${new URLSearchParams({ query: expr })}`)
  return (await response.json()) as Answer
}

describe.each(boardFiles())('$name, asked of a Prometheus that scrapes a running platform', ({ dashboard }) => {
  const expressions = expressionsOf(dashboard)

  test.each(expressions)('$where is understood: $expr', async ({ expr }) => {
    expect(await ask(filledIn(expr))).toMatchObject({ status: 'success' })
  })

  // Nothing restarts here, so the annotation has nothing to say. A day closes once usage has been read up for a while,
  // which on a busy machine is not soon.
  test.each(expressions.filter(({ where }) => where.startsWith('panel')))(
    '$where shows data: $expr',
    async ({ expr }) => {
      await vi.waitFor(
        async () => {
          const numbers = (await ask(filledIn(expr))).data?.result.map(({ value }) => Number(value[1])) ?? []
          expect(numbers.filter(Number.isFinite).length).toBeGreaterThan(0)
        },
        { timeout: 150_000, interval: 500 },
      )
    },
    160_000,
  )
})
