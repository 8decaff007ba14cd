import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { fastify } from 'fastify'
import { expect, onTestFinished, test } from 'vitest'
import { readRawBody } from './rawbody.ts'

const LIMIT = 200_000

/** What a server that echoes lengths and sums answers to these bytes on its socket. */
async function answerTo(...parts: readonly (string | Buffer)[]): Promise<string> {
  const app = fastify({ bodyLimit: LIMIT })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', readRawBody)
  app.post('/', ({ body }) => ({
    length: (body as Buffer).length,
    sum: (body as Buffer).reduce((sum, byte) => sum + byte, 0),
    own: (body as Buffer).length === (body as Buffer).buffer.byteLength,
  }))
  await app.listen({ host: '127.0.0.1', port: 0 })
  onTestFinished(() => app.close())
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  for (const part of parts) socket.write(part)
  return await text(socket)
}

const head = (header: string) =>
  `POST / HTTP/1.1\r\nHost: a\r\nContent-Type: a/b\r\nConnection: close\r\n${header}\r\n\r\n`
const chunk = (size: number) => [`${size.toString(16)}\r\n`, Buffer.alloc(size, 3), '\r\n']

test('a body of stated length arrives in a buffer of its own', async () => {
  const answer = await answerTo(head(`Content-Length: ${LIMIT}`), Buffer.alloc(LIMIT, 3))
  expect(answer).toContain(`{"length":${LIMIT},"sum":${LIMIT * 3},"own":true}`)
})

test('a body of unstated length arrives whole', async () => {
  const answer = await answerTo(head('Transfer-Encoding: chunked'), ...chunk(150_000), ...chunk(50_000), '0\r\n\r\n')
  expect(answer).toContain(`{"length":${LIMIT},"sum":${LIMIT * 3},`)
})

test.each([
  ['stated', [head(`Content-Length: ${LIMIT + 1}`)]],
  ['unstated', [head('Transfer-Encoding: chunked'), ...chunk(LIMIT), ...chunk(1), '0\r\n\r\n']],
])('a body of %s length beyond the limit is refused', async (_, parts) => {
  expect(await answerTo(...parts)).toContain('413 Payload Too Large')
})

test('an injected body stays the caller’s, and must be as long as it says', async () => {
  const app = fastify()
  app.addContentTypeParser('*', readRawBody)
  app.post('/', ({ body }) => ({ length: (body as Buffer).length }))
  const payload = Buffer.alloc(100_000)
  const send = (length: number) =>
    app.inject({
      method: 'POST',
      url: '/',
      payload,
      headers: { 'content-type': 'a/b', 'content-length': String(length) },
    })
  expect((await send(100_000)).json()).toEqual({ length: 100_000 })
  expect((await send(99_999)).statusCode).toBe(400)
  expect((await send(100_001)).statusCode).toBe(400)
  expect(payload.length).toBe(100_000)
})
