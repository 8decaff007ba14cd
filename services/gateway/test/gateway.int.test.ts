import { setTimeout } from 'node:timers/promises'
import { connectJetStream, connectWire } from '@plimsoll/kit/log/jetstream.ts'
import { ensureStreams } from '@plimsoll/kit/log/streams.ts'
import { startServices } from '@plimsoll/kit/run.ts'
import { type Stack, startStack } from '@plimsoll/kit/testing/stack.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodeSnappy } from '../decode/snappy.ts'
import { encodeRemoteWrite1, encodeRemoteWrite2, type WriteSeries } from '../sender/remotewrite.ts'
import { gateway } from '../service.ts'
import { readBack } from './harness.ts'

/** The whole service on a real broker and database: what unit tests cannot show. */
let stack: Stack
beforeAll(async () => {
  stack = await startStack()
})
afterAll(() => stack?.stop())

const environment = () => ({
  NATS_URL: stack.natsUrl,
  DATABASE_URL: stack.databaseUrl,
  PORT: '0',
  LOG_LEVEL: 'fatal',
  GATEWAY_SELF_SCRAPE_SECONDS: '0',
  GATEWAY_ANSWER_WITHIN_MS: '4000',
})

function series(job: string, count: number, value = 1): WriteSeries[] {
  const timeMs = Date.now()
  return Array.from({ length: count }, (_, i) => ({
    labels: [
      ['__name__', 'm'],
      ['i', String(i)],
      ['job', job],
    ],
    samples: [{ timeMs, value }],
  }))
}

const contentTypes = { 1: 'application/x-protobuf', 2: 'application/x-protobuf;proto=io.prometheus.write.v2.Request' }

async function write(url: string, body: Uint8Array, version: 1 | 2 = 1): Promise<Response> {
  return await fetch(`${url}/api/v1/write`, {
    method: 'POST',
    headers: { 'content-type': contentTypes[version], 'content-encoding': 'snappy' },
    body: new Uint8Array(encodeSnappy(body)),
  })
}

async function storedJobs(): Promise<Record<string, number>> {
  const log = await connectJetStream({ url: stack.natsUrl })
  try {
    const counts: Record<string, number> = {}
    for (const { labels } of (await readBack(log)).samples)
      counts[labels.job ?? ''] = (counts[labels.job ?? ''] ?? 0) + 1
    return counts
  } finally {
    await log.close()
  }
}

/** A broker that has no such stream answers at once that nobody takes the message. */
async function deleteMetricStream(): Promise<void> {
  const wire = await connectWire({ url: stack.natsUrl })
  await wire.request('$JS.API.STREAM.DELETE.METRIC')
  await wire.close()
}

type Sources = {
  items: {
    source: string
    protocol: string
    samples: number
    repeats: number
    refused: { reason: string; count: number }[]
  }[]
}

describe('gateway', () => {
  it('stores before it answers, and knows a repeated request after a restart', async () => {
    const small = encodeRemoteWrite1(series('small', 3))
    const big = encodeRemoteWrite2(series('big', 6_000))
    const first = await startServices([gateway], environment())
    expect((await write(first.url, small)).status).toBe(204)
    expect((await write(first.url, big, 2)).status).toBe(204)
    expect(await storedJobs()).toEqual({ small: 3, big: 6_000 })
    await first.stop()

    const second = await startServices([gateway], environment())
    try {
      expect((await write(second.url, small)).status).toBe(204)
      expect((await write(second.url, big, 2)).status).toBe(204)
      expect((await write(second.url, small)).status).toBe(204)
      expect(await storedJobs()).toEqual({ small: 3, big: 6_000 })
    } finally {
      await second.stop()
    }
  })

  it('adds its counts up over restarts', async () => {
    const bad = encodeRemoteWrite1([{ labels: [['job', 'nameless']], samples: [{ timeMs: Date.now(), value: 1 }] }])
    const before = await startServices([gateway], environment())
    await write(before.url, encodeRemoteWrite1(series('counted', 5)))
    await write(before.url, bad)
    const read = async (url: string): Promise<Sources> =>
      (await (await fetch(`${url}/v1/gateway/sources`)).json()) as Sources
    const live = (await read(before.url)).items.find(({ protocol }) => protocol === 'remote-write-1')
    await before.stop()
    const after = await startServices([gateway], environment())
    try {
      const saved = (await read(after.url)).items.find(({ protocol }) => protocol === 'remote-write-1')
      expect(saved).toMatchObject({ samples: live?.samples, repeats: live?.repeats })
      expect(saved?.refused).toMatchObject([{ reason: 'missing-metric-name', count: 1 }])
    } finally {
      await after.stop()
    }
  })

  it('answers 503 with Retry-After while the broker is away, and stores once when the sender tries again', async () => {
    const running = await startServices([gateway], environment())
    try {
      const body = encodeRemoteWrite1(series('outage', 50))
      await stack.downNats()
      const away = await write(running.url, body)
      expect([away.status, away.headers.get('retry-after')]).toEqual([503, '5'])
      await stack.restartNats()
      let status = 503
      for (let tries = 0; tries < 20 && status !== 204; tries++) status = (await write(running.url, body)).status
      expect(status).toBe(204)
      expect((await storedJobs()).outage).toBe(50)
    } finally {
      await running.stop()
    }
  })

  it('answers 503 early while the broker says that it cannot store, and stores the repeat once', async () => {
    const running = await startServices([gateway], { ...environment(), GATEWAY_ANSWER_WITHIN_MS: '60000' })
    try {
      const body = encodeRemoteWrite1(series('refused', 50))
      await deleteMetricStream()
      const refused = await write(running.url, body)
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5'])
      expect(await refused.text()).toContain('cannot store')
      await ensureStreams({ url: stack.natsUrl })
      await expect.poll(async () => (await write(running.url, body)).status, { timeout: 20_000 }).toBe(204)
      expect((await storedJobs()).refused).toBe(50)
    } finally {
      await running.stop()
    }
  })

  it('stops promptly while the broker refuses, and leaves no request without an answer', async () => {
    const patient = { ...environment(), GATEWAY_ANSWER_WITHIN_MS: '60000', GATEWAY_SELF_SCRAPE_SECONDS: '1' }
    const running = await startServices([gateway], patient)
    try {
      await deleteMetricStream()
      const unanswered = write(running.url, encodeRemoteWrite1(series('unanswered', 50)))
      await setTimeout(300)
      const stoppedAt = performance.now()
      await running.stop()
      expect((await unanswered).status).toBe(503)
      expect(performance.now() - stoppedAt).toBeLessThan(8_000)
    } finally {
      await running.stop()
      await ensureStreams({ url: stack.natsUrl })
    }
  })

  it('watches itself as source plimsoll', async () => {
    const running = await startServices([gateway], { ...environment(), GATEWAY_SELF_SCRAPE_SECONDS: '1' })
    try {
      await expect.poll(async () => (await storedJobs()).plimsoll ?? 0, { timeout: 10_000 }).toBeGreaterThan(10)
    } finally {
      await running.stop()
    }
  })
})
