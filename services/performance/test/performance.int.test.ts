import { decodeEvent } from '@plimsoll/contracts/events.ts'
import { connectJetStream } from '@plimsoll/kit/log/jetstream.ts'
import type { EventLog } from '@plimsoll/kit/log/log.ts'
import type { Running } from '@plimsoll/kit/run.ts'
import { askJson, startOn } from '@plimsoll/kit/testing/running.ts'
import { type Stack, startStack } from '@plimsoll/kit/testing/stack.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { performance } from '../service.ts'
import { batchMessage, random } from './batches.ts'

const MINUTE = 60_000
const noise = random(7)
let stack: Stack
let running: Running
let log: EventLog

beforeAll(async () => {
  stack = await startStack()
  running = await startOn(stack, [performance])
  log = await connectJetStream({ url: stack.natsUrl })
})

afterAll(async () => {
  await log?.close()
  await running?.stop()
  await stack?.stop()
})

/** p95 in seconds of each minute: 0.1 s, and three times that from `changeAt` on. */
function percentile(startMs: number, minutes: number, changeAt: number): [number, number][] {
  return Array.from({ length: minutes }, (_, i) => [
    startMs + i * MINUTE,
    (i < changeAt ? 0.1 : 0.3) * (1 + 0.1 * (noise() - 0.5)),
  ])
}

async function derivedEvents(until: (types: readonly string[]) => boolean) {
  const reader = await log.reader({
    stream: 'DERIVED',
    filter: 'derived.>',
    startSeq: 1,
    name: `test-${crypto.randomUUID()}`,
  })
  const events: ReturnType<typeof decodeEvent>[] = []
  const deadline = Date.now() + 15_000
  while (Date.now() < deadline && !until(events.map(({ type }) => type))) {
    for (const message of await reader.pull()) events.push(decodeEvent(Uint8Array.from(message.data)))
  }
  await reader.close()
  return events
}

const get = (path: string) => askJson<unknown>(`${running.url}${path}`)

describe('a latency that rises', () => {
  const start = Math.floor(Date.now() / MINUTE) * MINUTE - 300 * MINUTE
  const labels = { service_name: 'cart', http_route: '/cart', quantile: '0.95' }

  test('becomes a RegressionDetected dated at the change', async () => {
    for (const [time, value] of percentile(start, 240, 200)) {
      const series = [{ name: 'http_request_duration_seconds', kind: 0, labels, samples: [[time, value]] as const }]
      await log.publish(batchMessage('cart', 'test', time, series))
    }

    const events = await derivedEvents((types) => types.includes('plimsoll.performance.v1.RegressionDetected'))
    const found = events.find((event) => event.type === 'plimsoll.performance.v1.RegressionDetected')
    if (found?.type !== 'plimsoll.performance.v1.RegressionDetected') throw new Error('nothing was detected')
    expect(found.value).toMatchObject({
      service: 'cart',
      endpoint: '/cart',
      metric: 'latency',
      unit: 'ms',
      direction: 'up',
    })
    expect(Math.abs(found.value.onsetAt - (start + 200 * MINUTE))).toBeLessThanOrEqual(2 * MINUTE)
    expect(found.value.beforeValue).toBeCloseTo(100, -1)
    expect(found.value.afterValue).toBeCloseTo(300, -2)

    const { items } = (await get('/v1/performance/regressions?service=cart')) as {
      items: { id: string; state: string }[]
    }
    expect(items).toEqual([
      expect.objectContaining({ id: found.value.regressionId, service: 'cart', onsetAt: expect.any(String) }),
    ])
  })

  test('is seen in the lists and in the chart', async () => {
    expect(await get('/v1/performance/services')).toMatchObject({
      items: [{ service: 'cart', series: 1, openRegressions: 1 }],
      next: null,
    })
    const { items } = (await get('/v1/performance/series?service=cart&limit=1')) as { items: { id: string }[] }
    expect(items).toMatchObject([{ endpoint: '/cart', metric: 'latency', quantile: 'p95', unit: 'ms' }])
    const history = (await get(`/v1/performance/series/${items[0]?.id}?resolution=1m`)) as {
      points: { value: number }[]
    }
    expect(history.points).toHaveLength(240)
    expect(history.points[0]?.value).toBeCloseTo(100, -1)
  })

  test('can be accepted, which makes the new level the reference', async () => {
    const { items } = (await get('/v1/performance/regressions?service=cart')) as { items: { id: string }[] }
    const id = items[0]?.id
    const answer = await fetch(`${running.url}/v1/performance/regressions/${id}/accept`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ note: 'a larger basket' }),
    })
    expect(answer.status).toBe(202)

    const series = [
      { name: 'http_request_duration_seconds', kind: 0, labels, samples: [[start + 241 * MINUTE, 0.3]] as const },
    ]
    await log.publish(batchMessage('cart', 'test', start + 241 * MINUTE, series))
    await expect
      .poll(() => get(`/v1/performance/regressions/${id}`), { timeout: 5_000 })
      .toMatchObject({ state: 'accepted', acceptNote: 'a larger basket' })
  })
})
