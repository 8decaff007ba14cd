import { randomUUID } from 'node:crypto'
import { diffStream } from '@plimsoll/contracts/stream-diff.ts'
import { laneCountKey, streamDefinitions } from '@plimsoll/contracts/streams.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { isTransient } from '../errors.ts'
import { retried } from '../test/retried.ts'
import { type Stack, startStack } from '../testing/stack.ts'
import { describeEventLog } from './conformance.ts'
import { connectJetStream, serverProblem } from './jetstream.ts'
import type { EventLog, StoredMessage } from './log.ts'
import { ensureStreams, openStreamAdmin } from './streams.ts'

let stack: Stack
const logs: EventLog[] = []

beforeAll(async () => {
  stack = await startStack()
  await ensureStreams({ url: stack.natsUrl })
})
afterAll(async () => {
  for (const log of logs) await log.close()
  await stack.stop()
})

async function connected(): Promise<EventLog> {
  const log = await connectJetStream({ url: stack.natsUrl })
  logs.push(log)
  return log
}

const usage = (body: string | Uint8Array, id?: string) => ({
  subject: 'usage.05.Thing',
  data: typeof body === 'string' ? new TextEncoder().encode(body) : body,
  ...(id === undefined ? {} : { id }),
})

describeEventLog('JetStream', async () => {
  const log = await connected()
  return { log, close: () => log.close() }
})

test('a large message that is given back is gone at once, a small one shares its memory and stays', async () => {
  const log = await connected()
  const { lastSeq } = await log.info('USAGE')
  await log.publish(usage(new Uint8Array(200_000)))
  await log.publish(usage('small'))
  const reader = await log.reader({ stream: 'USAGE', filter: 'usage.05.>', startSeq: lastSeq + 1, name: randomUUID() })
  const found: StoredMessage[] = []
  while (found.length < 2) found.push(...(await reader.pull()))
  reader.giveBack(found)
  expect(found.map(({ data }) => data.length)).toEqual([0, 5])
  await reader.close()
})

test('what was acknowledged survives kill -9 of the broker', async () => {
  const log = await connected()
  const { lastSeq } = await log.info('USAGE')
  const acked: number[] = []
  const someAcked = Promise.withResolvers<void>()
  const publishOne = async (i: number) => {
    const { seq } = await log.publish(usage(String(i), `kill-${lastSeq}-${i}`))
    if (acked.push(seq) === 100) someAcked.resolve()
  }
  const publishing = Promise.allSettled(Array.from({ length: 5_000 }, (_, i) => publishOne(i)))
  await someAcked.promise
  await stack.killNats()
  await publishing
  const info = await retried(() => log.info('USAGE'))
  expect(acked.length).toBeLessThan(5_000)
  expect(info.lastSeq).toBeGreaterThanOrEqual(Math.max(...acked))
  for (const seq of acked.filter((_, i) => i % 50 === 0)) expect(await log.get('USAGE', seq)).toBeDefined()
})

test('a publish that was not acknowledged can be repeated with its id without a double', async () => {
  const log = await connected()
  const { lastSeq } = await log.info('USAGE')
  const ids = Array.from({ length: 1_000 }, (_, i) => `repeat-${lastSeq}-${i}`)
  const all = Promise.all(ids.map((id) => retried(() => log.publish(usage('x', id)))))
  await new Promise((resolve) => setTimeout(resolve, 30))
  await stack.killNats()
  const seqs = new Set((await all).map(({ seq }) => seq))
  expect(seqs.size).toBe(1_000)
  expect((await log.info('USAGE')).lastSeq).toBe(lastSeq + 1_000)
})

test('a reader ends with a transient error when the broker restarts, and a new one goes on', async () => {
  const log = await connected()
  const { lastSeq } = await log.info('USAGE')
  const options = { stream: 'USAGE', filter: 'usage.05.>', startSeq: lastSeq + 1 } as const
  const reader = await log.reader({ ...options, name: crypto.randomUUID() })
  await log.publish(usage('before'))
  expect(await reader.pull()).toHaveLength(1)
  await stack.restartNats()
  const error = await (async () => {
    for (;;) await reader.pull()
  })().catch((caught: unknown) => caught)
  expect(isTransient(error)).toBe(true)
  await retried(() => log.publish(usage('after')))
  const next = await retried(() => log.reader({ ...options, startSeq: lastSeq + 2, name: crypto.randomUUID() }))
  expect(await next.pull()).toHaveLength(1)
})

test('messages of the largest size the broker takes are delivered', async () => {
  const log = await connected()
  const { lastSeq } = await log.info('USAGE')
  const large = new Uint8Array(1024 * 1024 - 512).fill(7)
  for (let i = 0; i < 10; i++) await log.publish(usage(large))
  const reader = await log.reader({
    stream: 'USAGE',
    filter: 'usage.05.>',
    startSeq: lastSeq + 1,
    name: crypto.randomUUID(),
    maxBytes: 2 * 1024 * 1024,
  })
  const found: number[] = []
  for (let batch = await reader.pull(); batch.length > 0; batch = await reader.pull()) {
    found.push(...batch.map(({ data }) => data.length))
  }
  expect(found).toEqual(Array(10).fill(large.length))
})

test('a message that is too large is refused with what to do', async () => {
  const log = await connected()
  await expect(log.publish(usage(new Uint8Array(2 * 1024 * 1024)))).rejects.toMatchObject({ code: 'too-large' })
})

test('no broker at the address is said so', async () => {
  await expect(connectJetStream({ url: 'nats://127.0.0.1:1' })).rejects.toThrow(
    'No broker answers at nats://127.0.0.1:1',
  )
})

test('brokers that are too old or without JetStream are refused', () => {
  expect(serverProblem('2.9.25', true)).toContain('install 2.10 or newer')
  expect(serverProblem('2.10.27', false)).toContain('without JetStream')
  expect(serverProblem('2.10.0', true)).toBeUndefined()
  expect(serverProblem('2.15.1', true)).toBeUndefined()
  expect(serverProblem('3.0.0', true)).toBeUndefined()
})

test('streams are created once, and are then what their definitions say', async () => {
  expect(await ensureStreams({ url: stack.natsUrl })).toEqual([])
  const admin = await openStreamAdmin({ url: stack.natsUrl })
  const actual = new Map((await admin.list()).map((stream) => [stream.name, stream]))
  for (const definition of Object.values(streamDefinitions)) {
    expect(diffStream(definition, actual.get(definition.name), 1)).toEqual([])
  }
  await admin.close()
})

test('a changed definition can be applied, and a stream with other lanes than the first is refused', async () => {
  const admin = await openStreamAdmin({ url: stack.natsUrl })
  const { AUDIT } = streamDefinitions
  await admin.update({ ...AUDIT, maxAgeMs: AUDIT.maxAgeMs / 2 }, 1)
  const halved = (await admin.list()).find(({ name }) => name === 'AUDIT')
  expect(halved?.maxAgeMs).toBe(AUDIT.maxAgeMs / 2)
  const { USAGE } = streamDefinitions
  await admin.update({ ...USAGE, metadata: { [laneCountKey]: '8' } }, 1)
  await expect(ensureStreams({ url: stack.natsUrl })).rejects.toThrow('Stream USAGE was made with 8 lanes')
  await admin.update(USAGE, 1)
  await admin.close()
})

test('an installation keeps the lanes it was made with, whatever is asked for later', async () => {
  const other = await startStack({ postgres: false })
  try {
    const at = { url: other.natsUrl }
    expect(await ensureStreams(at, { lanes: 4 })).toContain('METRIC')
    expect(await ensureStreams(at, { lanes: 32 })).toEqual([])
    const log = await connectJetStream(at)
    expect(log.lanes).toBe(4)
    await log.close()
  } finally {
    await other.stop()
  }
})
