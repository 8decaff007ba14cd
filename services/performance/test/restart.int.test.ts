import { encodeEvent } from '@plimsoll/contracts/events.ts'
import { incidentLaneKey, laneOf } from '@plimsoll/contracts/lane.ts'
import { subjectOf } from '@plimsoll/contracts/subjects.ts'
import { openDatabase } from '@plimsoll/kit/db/pool.ts'
import { connectJetStream } from '@plimsoll/kit/log/jetstream.ts'
import type { EventLog } from '@plimsoll/kit/log/log.ts'
import type { Running } from '@plimsoll/kit/run.ts'
import { askJson, startOn } from '@plimsoll/kit/testing/running.ts'
import { type Stack, startStack } from '@plimsoll/kit/testing/stack.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { performance } from '../service.ts'
import type { Tables } from '../store/tables.ts'
import { batchMessage, random, type TestSeries } from './batches.ts'

const MINUTE = 60_000
const MINUTES = 80
const CHANGE_AT = 60
const START = Math.floor(Date.now() / MINUTE) * MINUTE - 100 * MINUTE
const BOUNDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]
const noise = random(11)

let stack: Stack
let log: EventLog
let running: Running

const start = () => startOn(stack, [performance])

beforeAll(async () => {
  stack = await startStack()
  running = await start()
  log = await connectJetStream({ url: stack.natsUrl })
})

afterAll(async () => {
  await log?.close()
  await running?.stop()
  await stack?.stop()
})

/** A cumulative histogram of one service, read every 15 s. */
function source(service: string, extra: Record<string, string> = {}) {
  const upTo = new Float64Array(BOUNDS.length + 1)
  let requests = 0
  return {
    requests: () => requests,
    /** 40 requests around `seconds`, then what a scrape reads. */
    scrape(timeMs: number, seconds: number): TestSeries[] {
      for (let i = 0; i < 40; i++) {
        const took = seconds * Math.exp(noise() + noise() + noise() - 1.5)
        for (const [b, bound] of [...BOUNDS, Infinity].entries()) if (took <= bound) upTo[b] = (upTo[b] ?? 0) + 1
        requests++
      }
      return [...BOUNDS, Infinity].map((bound, b) => ({
        name: 'http_request_duration_seconds_bucket',
        kind: 1,
        labels: { service_name: service, route: '/', le: bound === Infinity ? '+Inf' : String(bound), ...extra },
        samples: [[timeMs, upTo[b] ?? 0]],
      }))
    },
  }
}

const call: TestSeries = {
  name: 'traces_service_graph_request_total',
  kind: 1,
  labels: { client: 'web', server: 'cart', job: 'web' },
  samples: [[START, 1]],
}

async function publish(web: ReturnType<typeof source>, cart: ReturnType<typeof source>, from: number, to: number) {
  for (let minute = from; minute < to; minute++) {
    const slow = minute >= CHANGE_AT ? 4 : 1
    for (let quarter = 1; quarter <= 4; quarter++) {
      const at = START + minute * MINUTE + quarter * 15_000
      await log.publish(batchMessage('web', 'test', at, [call, ...web.scrape(at, 0.1 * slow)]))
      await log.publish(batchMessage('cart', 'test', at, cart.scrape(at, 0.04 * slow)))
    }
  }
}

const get = (path: string) => askJson<unknown>(`${running.url}${path}`)

test('a service stopped in the middle of an hour goes on where it was: every sum exact, one cause told once', async () => {
  const [web, cart] = [source('web'), source('cart')]
  await log.publish({
    subject: subjectOf('plimsoll.incident.v1.DeploymentRecorded', laneOf(incidentLaneKey('', 'cart'), log.lanes)),
    headers: { 'Plimsoll-Type': 'plimsoll.incident.v1.DeploymentRecorded' },
    data: encodeEvent('plimsoll.incident.v1.DeploymentRecorded', {
      deploymentId: 'd1',
      source: 'test',
      sender: 'github',
      service: 'cart',
      environment: '',
      release: '1.5',
      status: 'succeeded',
      occurredAt: START + (CHANGE_AT - 1) * MINUTE,
      receivedAt: START,
      commit: '',
      url: '',
      actor: '',
    }),
  })
  // Stopped within a minute whose first half is folded already.
  await publish(web, cart, 0, 30)
  const half = START + 30 * MINUTE + 15_000
  await log.publish(batchMessage('cart', 'test', half, cart.scrape(half, 0.04)))
  await running.stop()
  running = await start()
  await publish(web, cart, 31, MINUTES)

  await expect
    .poll(() => get('/v1/performance/regressions'), { timeout: 20_000, interval: 250 })
    .toMatchObject({
      items: [{ service: 'cart', endpoint: '/', metric: 'latency', symptoms: [expect.stringContaining('web')] }],
    })
  const { items } = (await get('/v1/performance/regressions')) as {
    items: {
      onsetAt: string
      suspects: string[]
      before: { p95: number; p95Low: number }
      after: { p95: number }
      auc: number
      reason: string
    }[]
  }
  expect(items).toHaveLength(1)
  const [regression] = items
  expect(Math.abs(Date.parse(regression?.onsetAt ?? '') - (START + CHANGE_AT * MINUTE))).toBeLessThanOrEqual(2 * MINUTE)
  expect(regression?.suspects).toEqual([expect.stringContaining('cart 1.5')])
  expect((regression?.after.p95 ?? 0) / (regression?.before.p95 ?? 1)).toBeGreaterThan(3)
  expect(regression?.auc).toBeGreaterThan(0.9)
  expect(regression?.reason).toContain('requests are slower by more than minutes vary')

  const database = openDatabase<Tables>({ url: stack.databaseUrl, service: 'performance' })
  try {
    const counted = async (service: string) => {
      const { sum } = await database.reader
        .selectFrom('perf_window')
        .innerJoin('cell', 'cell.id', 'perf_window.cell_id')
        .innerJoin('endpoint', 'endpoint.id', 'cell.endpoint_id')
        .select((eb) => eb.fn.sum<number>('perf_window.requests').as('sum'))
        .where('endpoint.service', '=', service)
        .executeTakeFirstOrThrow()
      return Number(sum)
    }
    // The first reading of a counter is where counting begins; the last minute is still open.
    await expect.poll(() => counted('web'), { timeout: 10_000 }).toBe(web.requests() - 40)
    await expect.poll(() => counted('cart'), { timeout: 10_000 }).toBe(cart.requests() - 40)
  } finally {
    await database.close()
  }
})
