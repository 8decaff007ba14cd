import { connectJetStream } from '@plimsoll/kit/log/jetstream.ts'
import type { EventLog } from '@plimsoll/kit/log/log.ts'
import type { Running } from '@plimsoll/kit/run.ts'
import { askJson, startOn } from '@plimsoll/kit/testing/running.ts'
import { type Stack, startStack } from '@plimsoll/kit/testing/stack.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { performance } from '../service.ts'
import { batchMessage, random, type TestSeries } from './batches.ts'

const MINUTE = 60_000
const BOUNDS = [0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512]
const noise = random(17)
const start = Math.floor(Date.now() / MINUTE) * MINUTE - 300 * MINUTE
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

/** Requests of a kind within a minute: how many, around how many seconds, and the labels that tell the kind. */
type Kind = { readonly requests: number; readonly seconds: number; readonly labels: Readonly<Record<string, string>> }

/** An endpoint whose counters go on from one call to the next; resolves once the minutes but the last are judged. */
function endpoint(service: string) {
  const counted = new Map<string, number>()
  let minute = 0
  return async (minutes: number, kinds: readonly Kind[]): Promise<void> => {
    for (const end = minute + minutes; minute < end; minute++) {
      const time = start + minute * MINUTE
      const series = kinds.flatMap((kind) => bucketsOf(service, time, kind, counted))
      await log.publish(batchMessage(service, 'test', time, series))
    }
    const judged = new Date(start + (minute - 2) * MINUTE).toISOString()
    await expect
      .poll(async () => (await itemsOf('series', service)).map(({ latestAt }) => latestAt >= judged), {
        timeout: 10_000,
      })
      .toEqual([true, true, true])
  }
}

function bucketsOf(service: string, time: number, kind: Kind, counted: Map<string, number>): TestSeries[] {
  const seconds = Array.from({ length: kind.requests }, () => kind.seconds * Math.exp(0.5 * (noise() - 0.5)))
  return [...BOUNDS, Infinity].map((bound) => {
    const le = bound === Infinity ? '+Inf' : String(bound)
    const labels = { service_name: service, http_route: '/cart', le, ...kind.labels }
    const key = JSON.stringify(labels)
    const total = (counted.get(key) ?? 0) + seconds.filter((one) => one <= bound).length
    counted.set(key, total)
    return { name: 'http_request_duration_seconds_bucket', kind: 1, labels, samples: [[time, total]] }
  })
}

type Item = { readonly reason: string; readonly latestAt: string }

const itemsOf = async (list: string, service: string): Promise<readonly Item[]> => {
  const { items } = (await askJson(`${running.url}/v1/performance/${list}?service=${service}`)) as { items: Item[] }
  return items
}

/** The list once it has something to say. */
async function soon(list: string, service: string): Promise<readonly Item[]> {
  await expect.poll(() => itemsOf(list, service), { timeout: 30_000 }).not.toEqual([])
  return itemsOf(list, service)
}

const cached = { http_response_status_code: '304' }
const full = { http_response_status_code: '200' }
const ofTier = (tenant_tier: string) => ({ ...full, tenant_tier })

describe('a latency that rises because other requests come', () => {
  const sendCached = endpoint('cache')
  const otherMix = [
    { requests: 12, seconds: 0.005, labels: cached },
    { requests: 48, seconds: 0.1, labels: full },
  ]

  test('given fewer answers from the cache, is withheld and becomes no regression', async () => {
    await sendCached(100, [
      { requests: 42, seconds: 0.005, labels: cached },
      { requests: 18, seconds: 0.1, labels: full },
    ])
    await sendCached(20, otherMix)

    const [alarm] = await soon('withheld', 'cache')
    expect(alarm?.reason).toMatch(/the mix of requests explains (9\d|100) % .*vary by as much/)
    expect(await itemsOf('regressions', 'cache')).toEqual([])
    const metrics = await (await fetch(`${running.url}/metrics`)).text()
    expect(metrics).toMatch(/plimsoll_performance_alarms_withheld_total(\{.*\})? [1-9]/)
  })

  test('given more requests of large tenants, is withheld, until these become slower too', async () => {
    const send = endpoint('tenants')
    await send(100, [
      { requests: 42, seconds: 0.005, labels: ofTier('free') },
      { requests: 18, seconds: 0.1, labels: ofTier('gold') },
    ])
    await send(20, [
      { requests: 12, seconds: 0.005, labels: ofTier('free') },
      { requests: 48, seconds: 0.1, labels: ofTier('gold') },
    ])
    await soon('withheld', 'tenants')
    expect(await itemsOf('regressions', 'tenants')).toEqual([])

    // Long enough that the minutes before are of this mix too.
    await sendCached(90, otherMix)
    await send(30, [
      { requests: 12, seconds: 0.01, labels: ofTier('free') },
      { requests: 48, seconds: 0.2, labels: ofTier('gold') },
    ])
    const [regression] = await soon('regressions', 'tenants')
    expect(regression?.reason).toContain('requests of the same kind are slower by more than they vary')
    // All that is withheld is looked at again at once.
    expect(await itemsOf('regressions', 'cache')).toEqual([])
  }, 60_000)
})

test('a latency that rises by as much because requests of one kind are slower becomes a regression', async () => {
  const send = endpoint('route')
  await send(100, [
    { requests: 42, seconds: 0.005, labels: cached },
    { requests: 18, seconds: 0.1, labels: full },
  ])
  await send(20, [
    { requests: 42, seconds: 0.1, labels: cached },
    { requests: 18, seconds: 0.1, labels: full },
  ])

  const [regression] = await soon('regressions', 'route')
  expect(regression?.reason).toMatch(/the mix of requests explains \d % \(with the mix since, p50 was .* ms before\)/)
  expect(regression?.reason).toContain('requests of the same kind are slower by more than they vary')
  expect(await itemsOf('withheld', 'route')).toEqual([])
})
