import { expect, test } from 'vitest'
import { openReader } from './reader.ts'
import type { Wire, WireMessage } from './wire.ts'

/** A connection whose deliveries the test makes. */
function fakeWire() {
  const requests: { readonly reply: string; readonly body: { batch: number; max_bytes: number } }[] = []
  let deliver: (message: WireMessage) => void = () => {}
  const disconnect = new Set<() => void>()
  const wire: Wire = {
    openReaders: new Set(),
    maxPayloadBytes: 1024 * 1024,
    publish: (_subject, data, { reply = '' }) =>
      void requests.push({ reply, body: JSON.parse(new TextDecoder().decode(data)) }),
    subscribe(_subject, onMessage) {
      deliver = onMessage
      return () => {}
    },
    request: async () => ({ num_pending: 0, delivered: { consumer_seq: 0 } }),
    inbox: () => 'inbox',
    connected: () => true,
    onDisconnect(listener) {
      disconnect.add(listener)
      return () => disconnect.delete(listener)
    },
  }
  const plain = { data: new Uint8Array(8), status: 0, description: '', headers: {} }
  return {
    wire,
    requests,
    message: (consumerSeq: number, streamSeq: number, pending: number, prefix = '$JS.ACK') =>
      deliver({
        ...plain,
        subject: 'usage.05.Thing',
        reply: `${prefix}.USAGE.name.1.${streamSeq}.${consumerSeq}.1700000000123999999.${pending}`,
      }),
    status: (status: number, description: string) =>
      deliver({ ...plain, subject: requests.at(-1)?.reply ?? '', reply: '', status, description }),
    disconnect() {
      for (const listener of disconnect) listener()
    },
  }
}

const options = { stream: 'USAGE', filter: 'usage.05.>', startSeq: 1, name: 'name', maxWaitMs: 20 } as const

test('a hole in the consumer’s own sequence is an error, never skipped', async () => {
  const fake = fakeWire()
  const reader = await openReader(fake.wire, options)
  fake.message(1, 10, 1)
  fake.message(3, 12, 0)
  await expect(reader.pull()).rejects.toMatchObject({ code: 'log-gap' })
})

test('holes in the stream’s sequence are other lanes’ messages', async () => {
  const fake = fakeWire()
  const reader = await openReader(fake.wire, options)
  fake.message(1, 10, 1)
  fake.message(2, 900, 0)
  expect((await reader.pull()).map(({ seq, time }) => [seq, time])).toEqual([
    [10, 1_700_000_000_123],
    [900, 1_700_000_000_123],
  ])
})

test('deliveries that name a domain and account are understood', async () => {
  const fake = fakeWire()
  const reader = await openReader(fake.wire, options)
  fake.message(1, 10, 0, '$JS.ACK.hub.ACCOUNT')
  expect((await reader.pull()).map(({ seq }) => seq)).toEqual([10])
})

test('the next pull is under way before the batch is handed over', async () => {
  const fake = fakeWire()
  const reader = await openReader(fake.wire, { ...options, maxMessages: 2 })
  expect(fake.requests).toHaveLength(1)
  fake.message(1, 1, 1)
  fake.message(2, 2, 0)
  expect(await reader.pull()).toHaveLength(2)
  expect(fake.requests).toHaveLength(2)
  expect(fake.requests[1]?.body).toMatchObject({ batch: 2 })
})

test('what is ready stays with the reader until it is pulled', async () => {
  const fake = fakeWire()
  const reader = await openReader(fake.wire, { ...options, maxMessages: 2 })
  expect(await reader.ready()).toBe(false)
  fake.message(1, 1, 1)
  fake.message(2, 2, 7)
  expect(await reader.ready()).toBe(true)
  expect(fake.requests).toHaveLength(1)
  expect(await reader.pull()).toHaveLength(2)
  expect(fake.requests).toHaveLength(2)
})

test('no more is asked for than one pull while nobody takes it', async () => {
  const fake = fakeWire()
  await openReader(fake.wire, { ...options, maxMessages: 2 })
  fake.message(1, 1, 5)
  fake.message(2, 2, 4)
  expect(fake.requests).toHaveLength(1)
})

test('while more is on its way, a pull waits for a full batch', async () => {
  const fake = fakeWire()
  const reader = await openReader(fake.wire, { ...options, maxWaitMs: 1_000 })
  fake.message(1, 1, 2)
  const pulled = reader.pull()
  fake.message(2, 2, 1)
  fake.message(3, 3, 0)
  expect(await pulled).toHaveLength(3)
})

test('all readers of a connection together ask for less than the server lets wait for a client', async () => {
  const fake = fakeWire()
  const wire = { ...fake.wire, maxPayloadBytes: 64 * 1024 }
  for (let lane = 0; lane < 16; lane++) await openReader(wire, { ...options, name: `lane-${lane}` })
  const reader = await openReader(wire, { ...options, name: 'one more' })
  expect(fake.requests.at(-1)?.body.max_bytes).toBe(Math.floor((16 * 1024 * 1024) / 17))
  await reader.close()
  expect(wire.openReaders.size).toBe(16)
})

test('a request that ran out is made again', async () => {
  const fake = fakeWire()
  const reader = await openReader(fake.wire, options)
  fake.status(408, 'Request Timeout')
  expect(fake.requests).toHaveLength(2)
  fake.status(409, 'Message Size Exceeds MaxBytes')
  expect(fake.requests).toHaveLength(3)
  expect(await reader.pull()).toEqual([])
})

test.each([
  [409, 'Consumer Deleted'],
  [409, 'Leadership Change'],
  [409, 'Server Shutdown'],
  [503, ''],
])('status %i %s ends the reader', async (status, description) => {
  const fake = fakeWire()
  const reader = await openReader(fake.wire, options)
  fake.status(status, description)
  await expect(reader.pull()).rejects.toMatchObject({ code: 'broker-unavailable' })
})

test('a lost connection ends the reader, also while it waits', async () => {
  const fake = fakeWire()
  const reader = await openReader(fake.wire, { ...options, maxWaitMs: 10_000 })
  const pulled = reader.pull()
  fake.disconnect()
  await expect(pulled).rejects.toMatchObject({ code: 'broker-unavailable' })
})
