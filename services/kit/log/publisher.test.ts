import { expect, test } from 'vitest'
import { isTransient } from '../errors.ts'
import type { OutgoingMessage } from './log.ts'
import { windowedPublisher } from './publisher.ts'
import type { Wire, WireMessage } from './wire.ts'

/** A connection whose acks the test sends. */
function fakeWire() {
  const sent: { readonly body: string; readonly reply: string; readonly headers: Readonly<Record<string, string>> }[] =
    []
  let deliver: (message: WireMessage) => void = () => {}
  let disconnect = () => {}
  let connected = true
  const wire: Wire = {
    openReaders: new Set(),
    maxPayloadBytes: 1024,
    publish(_subject, data, { reply = '', headers = {} }) {
      sent.push({ body: new TextDecoder().decode(data), reply, headers })
    },
    subscribe(_subject, onMessage) {
      deliver = onMessage
      return () => {}
    },
    request: () => Promise.reject(new Error('not used')),
    inbox: () => 'inbox',
    connected: () => connected,
    onDisconnect(listener) {
      disconnect = listener
      return () => {}
    },
  }
  const answer = (i: number, body: object, status = 0) =>
    deliver({
      subject: sent[i]?.reply ?? '',
      reply: '',
      data: new TextEncoder().encode(JSON.stringify(body)),
      status,
      description: '',
      headers: {},
    })
  return {
    wire,
    sent,
    answer,
    ack: (i: number) => answer(i, { stream: 'USAGE', seq: i + 1 }),
    disconnect() {
      connected = false
      disconnect()
    },
  }
}

const message = (body: string): OutgoingMessage => ({ subject: 'usage.05.Thing', data: new TextEncoder().encode(body) })
const bodies = ({ sent }: ReturnType<typeof fakeWire>) => sent.map(({ body }) => body)

test('no more than the window is under way, and the rest follows in order', async () => {
  const fake = fakeWire()
  const publisher = windowedPublisher(fake.wire, { window: 2 })
  const acks = ['a', 'b', 'c', 'd'].map((body) => publisher.publish(message(body)))
  expect(bodies(fake)).toEqual(['a', 'b'])
  fake.ack(1)
  expect(bodies(fake)).toEqual(['a', 'b', 'c'])
  for (const i of [0, 2, 3]) fake.ack(i)
  expect((await Promise.all(acks)).map(({ seq }) => seq)).toEqual([1, 2, 3, 4])
})

test('the window is bounded in bytes too, but one message always goes', async () => {
  const fake = fakeWire()
  const publisher = windowedPublisher(fake.wire, { windowBytes: 10 })
  for (const body of ['a message of many bytes', 'b']) void publisher.publish(message(body))
  expect(bodies(fake)).toHaveLength(1)
  fake.ack(0)
  expect(bodies(fake)).toHaveLength(2)
})

test('the stream is named as expected, and the id becomes the duplicate key', () => {
  const fake = fakeWire()
  void windowedPublisher(fake.wire).publish({ ...message('a'), id: 'id-1', headers: { traceparent: '00-x' } })
  expect(fake.sent[0]?.headers).toEqual({ 'Nats-Expected-Stream': 'USAGE', 'Nats-Msg-Id': 'id-1', traceparent: '00-x' })
})

test('a lost connection fails what is under way and what waits, so that nobody waits for ever', async () => {
  const fake = fakeWire()
  const publisher = windowedPublisher(fake.wire, { window: 2 })
  const published = Promise.allSettled(['a', 'b', 'c', 'd', 'e'].map((body) => publisher.publish(message(body))))
  fake.disconnect()
  for (const result of await published) expect(result.status === 'rejected' && isTransient(result.reason)).toBe(true)
  await expect(publisher.publish(message('f'))).rejects.toMatchObject({ code: 'broker-unavailable' })
  expect(fake.sent).toHaveLength(2)
})

test('an ack that does not come is a transient error', async () => {
  const publisher = windowedPublisher(fakeWire().wire, { ackTimeoutMs: 50 })
  await expect(publisher.publish(message('a'))).rejects.toMatchObject({ code: 'broker-unavailable' })
})

test('a refusal by the broker is not transient, its own failure is', async () => {
  const fake = fakeWire()
  const publisher = windowedPublisher(fake.wire)
  const refused = publisher.publish(message('a'))
  const failed = publisher.publish(message('b'))
  fake.answer(0, { error: { code: 400, description: 'expected stream does not match' } })
  fake.answer(1, { error: { code: 503, description: 'insufficient resources' } })
  await expect(refused).rejects.toMatchObject({ code: 'unprocessable' })
  await expect(failed).rejects.toMatchObject({ code: 'broker-refused', retryAfterMs: 5_000 })
})

test('settled waits for all answers', async () => {
  const fake = fakeWire()
  const publisher = windowedPublisher(fake.wire, { window: 1 })
  void publisher.publish(message('a'))
  void publisher.publish(message('b'))
  let settled = false
  const done = publisher.settled().then(() => {
    settled = true
  })
  fake.ack(0)
  await Promise.resolve()
  expect(settled).toBe(false)
  fake.ack(1)
  await done
})
