import { connectJetStream } from '@plimsoll/kit/log/jetstream.ts'
import type { Running } from '@plimsoll/kit/run.ts'
import { startOn } from '@plimsoll/kit/testing/running.ts'
import { type Stack, startStack } from '@plimsoll/kit/testing/stack.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { gateway } from '../service.ts'
import { storedFacts, storedUsage } from './test/harness.ts'

/** The whole service on a real broker and database: what unit tests cannot show. */
let stack: Stack
beforeAll(async () => {
  stack = await startStack()
})
afterAll(() => stack?.stop())

const start = (): Promise<Running> =>
  startOn(stack, [gateway], { LOG_LEVEL: 'fatal', GATEWAY_SELF_SCRAPE_SECONDS: '0', GATEWAY_ANSWER_WITHIN_MS: '4000' })

async function post(url: string, body: unknown): Promise<Record<string, unknown>> {
  const headers = { 'content-type': 'application/json', authorization: `Basic ${btoa('any key:')}` }
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
  const json = (await response.json()) as Record<string, unknown>
  return { ...json, status: response.status, retryAfter: response.headers.get('retry-after') }
}

async function onLog<T>(read: (log: Awaited<ReturnType<typeof connectJetStream>>) => Promise<T>): Promise<T> {
  const log = await connectJetStream({ url: stack.natsUrl })
  try {
    return await read(log)
  } finally {
    await log.close()
  }
}

/** How often each of the events whose name begins so is on USAGE. */
async function storedTimes(prefix: string): Promise<{ events: number; distinct: number }> {
  const names = (await onLog(storedUsage)).map(({ name }) => name).filter((name) => name.startsWith(prefix))
  return { events: names.length, distinct: new Set(names).size }
}

const calls = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, i) => ({
    type: 'track',
    event: `${prefix}${i}`,
    userId: `u${i % 50}`,
    messageId: `${prefix}${i}`,
    context: { groupId: `account ${i % 20}` },
    properties: { text: 'x'.repeat(i % 100) },
  }))

test('stores before it answers; requests together, repeated, and repeated after a restart store each event once', async () => {
  const first = await start()
  const requests = Array.from({ length: 20 }, (_, i) => calls(`together ${i} `, 50))
  const answers = await Promise.all(requests.map((batch) => post(`${first.url}/v1/batch`, { batch })))
  expect(new Set(answers.map(({ accepted }) => accepted))).toEqual(new Set([50]))
  expect(await storedTimes('together')).toEqual({ events: 1_000, distinct: 1_000 })
  expect(await post(`${first.url}/v1/batch`, { batch: requests[0] })).toMatchObject({ status: 200, duplicate: 50 })
  await first.stop()

  const second = await start()
  try {
    for (const batch of requests) {
      expect(await post(`${second.url}/v1/batch`, { batch })).toMatchObject({ accepted: 0, duplicate: 50 })
    }
    expect(await storedTimes('together')).toEqual({ events: 1_000, distinct: 1_000 })
  } finally {
    await second.stop()
  }
})

test('answers 503 with Retry-After while the broker is away, and stores once when the sender tries again', async () => {
  const running = await start()
  try {
    const batch = calls('outage ', 30)
    await stack.downNats()
    expect(await post(`${running.url}/v1/batch`, { batch })).toMatchObject({ status: 503, retryAfter: '5' })
    await stack.restartNats()
    await expect
      .poll(async () => (await post(`${running.url}/v1/batch`, { batch })).status, { timeout: 20_000 })
      .toBe(200)
    expect(await storedTimes('outage')).toEqual({ events: 30, distinct: 30 })
  } finally {
    await running.stop()
  }
})

test('facts, quarantine and its replay, and the page of sources', async () => {
  const running = await start()
  try {
    const ticket = { ticketId: 'T1', accountId: 'acme', openedAt: '2026-11-20' }
    expect(await post(`${running.url}/v1/tickets`, ticket)).toMatchObject({ accepted: 1 })
    expect(await post(`${running.url}/v1/tickets`, ticket)).toMatchObject({ duplicate: 1 })
    expect(await onLog(storedFacts)).toMatchObject([{ value: { ticketId: 'T1' } }])

    const old = { ...calls('old ', 1)[0], timestamp: '2001-01-01T00:00:00Z' }
    expect(await post(`${running.url}/v1/track`, old)).toMatchObject({
      quarantined: 1,
      verdicts: [{ code: 'too-old' }],
    })
    const { items } = (await (await fetch(`${running.url}/v1/gateway/quarantine`)).json()) as {
      items: { id: number }[]
    }
    expect(items).toMatchObject([{ source: 'local', events: 1 }])
    const replay = `${running.url}/v1/gateway/quarantine/${items[0]?.id}/replay`
    expect(await (await fetch(replay, { method: 'POST' })).json()).toEqual({ events: 1 })
    expect(await storedTimes('old')).toEqual({ events: 1, distinct: 1 })

    const sources = await (await fetch(`${running.url}/v1/gateway/sources`)).json()
    expect(sources).toMatchObject({
      items: expect.arrayContaining([
        expect.objectContaining({ protocol: 'tickets', events: 1 }),
        expect.objectContaining({
          protocol: 'segment',
          refused: expect.arrayContaining([expect.objectContaining({ reason: 'too-old', count: 1 })]),
        }),
      ]),
    })
  } finally {
    await running.stop()
  }
})
