import { request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { Type } from 'typebox'
import { afterEach, describe, expect, test } from 'vitest'
import type { Principal } from '../auth/principal.ts'
import { appError } from '../errors.ts'
import type { Route } from '../service.ts'
import { createMetrics } from '../telemetry/prometheus.ts'
import { traceHeaders } from '../telemetry/propagation.ts'
import { startTracing } from '../telemetry/tracing.ts'
import { eventStream } from './eventstream.ts'
import { createHttpServer } from './server.ts'

const ada: Principal = { kind: 'api-key', name: 'ada', permissions: new Set(['demo:read', 'demo:write']) }
const permissions = { 'demo:read': 'Read.', 'demo:write': 'Write.', 'demo:admin': 'Everything.' }
const route = (fields: Partial<Route> & Pick<Route, 'url'>): Route => ({
  method: 'GET',
  permission: 'demo:read',
  schema: { summary: 'A demo', response: { 200: Type.Unknown() } },
  handler: () => ({ ok: true }),
  ...fields,
})

let app: FastifyInstance | undefined
afterEach(async () => {
  await app?.close()
  app = undefined
})

async function serve(
  routes: readonly Route[],
  options: { limit?: () => Promise<void>; principal?: Principal } = {},
): Promise<FastifyInstance> {
  app = await createHttpServer({
    services: [{ service: 'demo', routes, permissions }],
    authenticate: async ({ headers }, senderKey) => {
      if ((senderKey?.key ?? headers.authorization) === undefined) throw appError('unauthenticated', 'Send a key.')
      return options.principal ?? ada
    },
    limit: options.limit ?? (async () => {}),
    logger: pino({ level: 'silent' }),
    metrics: createMetrics({ processMetrics: false }),
    version: '1.2.3',
  })
  return app
}
const signedIn = { authorization: 'Bearer x' }

describe('permissions', () => {
  test.each([
    [undefined as unknown as string, /names no permission/],
    ['demo:delete', /names the permission "demo:delete"; the service declares: demo:read/],
  ])('a route whose permission is %s stops the start', async (permission, message) => {
    await expect(serve([route({ url: '/a', permission })])).rejects.toThrow(message)
  })

  test('a protocol may carry its key in the body: who calls is then known once it is read', async () => {
    const senderKey: Route['senderKey'] = ({ body }) => (body as { key?: string }).key
    const body = Type.Object({ key: Type.Optional(Type.String()) })
    const schema = { summary: 'A demo', body, response: { 200: Type.Unknown() } }
    const keyed = route({ url: '/keyed', method: 'POST', senderKey, schema })
    const server = await serve([keyed, { ...keyed, url: '/denied', permission: 'demo:admin' }])
    const statusOf = async (url: string, payload: object) =>
      (await server.inject({ method: 'POST', url, payload })).statusCode
    expect(await statusOf('/keyed', { key: 'k' })).toBe(200)
    expect(await statusOf('/keyed', {})).toBe(401)
    expect(await statusOf('/denied', { key: 'k' })).toBe(403)
  })

  test('a caller without credentials, and one without the permission, are refused before the body is read', async () => {
    let parsed = 0
    const server = await serve([
      route({ method: 'POST', url: '/a', permission: 'demo:admin', body: 'raw', handler: () => (parsed += 1) }),
    ])
    const anonymous = await server.inject({ method: 'POST', url: '/a', payload: 'x' })
    expect(anonymous.statusCode).toBe(401)
    expect(anonymous.headers['www-authenticate']).toContain('Bearer')
    const lacking = await server.inject({ method: 'POST', url: '/a', payload: 'x', headers: signedIn })
    expect(lacking.json()).toMatchObject({
      status: 403,
      code: 'forbidden',
      detail: 'ada lacks the permission demo:admin: use a key or token with that scope.',
    })
    expect(parsed).toBe(0)
  })

  test('a public route asks nobody', async () => {
    const server = await serve([route({ url: '/a', permission: 'public' })])
    expect((await server.inject('/a')).statusCode).toBe(200)
  })

  test('the limit of a caller is answered with when to come back; routes may limit themselves', async () => {
    const limit = async () => {
      throw appError('rate-limited', 'Enough.', { retryAfterMs: 1_200 })
    }
    const server = await serve([route({ url: '/a' }), route({ url: '/b', rateLimit: 'none' })], { limit })
    const limited = await server.inject({ url: '/a', headers: signedIn })
    expect([limited.statusCode, limited.headers['retry-after']]).toEqual([429, '2'])
    expect((await server.inject({ url: '/b', headers: signedIn })).statusCode).toBe(200)
  })
})

describe('problems', () => {
  const schema = {
    summary: 'A list',
    querystring: Type.Object({
      limit: Type.Integer({ minimum: 1, maximum: 500, default: 50 }),
      service: Type.Optional(Type.Array(Type.String())),
    }),
    response: { 200: Type.Unknown() },
  }

  test('a parameter that does not fit is named with what is expected', async () => {
    const server = await serve([route({ url: '/a', schema })])
    const answer = await server.inject({ url: '/a?limit=many', headers: signedIn })
    expect(answer.headers['content-type']).toContain('application/problem+json')
    expect(answer.json()).toMatchObject({
      type: 'urn:plimsoll:problem:bad-request',
      status: 400,
      detail: 'query/limit must be an integer from 1 to 500.',
      errors: [{ field: 'query/limit', expected: 'an integer from 1 to 500' }],
    })
  })

  test('a misspelt parameter is refused with the names there are, unless the route takes any', async () => {
    const open = { ...schema, querystring: Type.Object({}, { additionalProperties: true }) }
    const server = await serve([route({ url: '/a', schema }), route({ url: '/open', schema: open })])
    const answer = await server.inject({ url: '/a?sevice=x', headers: signedIn })
    expect(answer.json()).toMatchObject({
      status: 400,
      detail: 'query/sevice must be nothing of that name; the names are limit, service.',
    })
    expect((await server.inject({ url: '/open?sevice=x', headers: signedIn })).statusCode).toBe(200)
  })

  test.each([
    ['/a?service=x%00', {}, 'query/service/0'],
    ['/of/x%00', {}, 'path/id'],
    ['/a', { note: ['fine', { text: '\ud800' }] }, 'body/note/1/text'],
    ['/a', { 'a\0': 1 }, 'body'],
  ])('text in %s %j that no database holds is named', async (url, payload, field) => {
    const params = Type.Object({ id: Type.String() })
    const body = Type.Object({}, { additionalProperties: true })
    const server = await serve([
      route({ url: '/a', schema: { ...schema, body }, method: 'POST' }),
      route({ url: '/of/:id', schema: { ...schema, params, body }, method: 'POST' }),
    ])
    const answer = await server.inject({ method: 'POST', url, payload, headers: signedIn })
    expect(answer.json()).toMatchObject({
      status: 400,
      errors: [{ field, expected: 'text without a zero character or half a surrogate pair' }],
    })
  })

  test.each([
    ['/of/%FF', 'The URL is not well formed: write it in UTF-8, percent-encoded.'],
    [`/of/${'x'.repeat(501)}`, 'A part of the path is longer than 500 characters; no id is.'],
  ])('an address the router refuses is a problem like any other: %.12s', async (url, detail) => {
    const answer = await (await serve([route({ url: '/of/:id' })])).inject({ url, headers: signedIn })
    expect(answer.headers['content-type']).toContain('application/problem+json')
    expect(answer.json()).toMatchObject({ status: 400, code: 'bad-request', detail })
  })

  test.each([
    ['?cursor=x', 400],
    ['', 500],
  ])('a position no column holds is the cursor%s, whose answer is %i', async (query, status) => {
    const handler = () => Promise.reject(Object.assign(new Error('value out of range'), { code: '22003' }))
    const answer = await (await serve([route({ url: '/a', handler })])).inject({ url: `/a${query}`, headers: signedIn })
    expect(answer.json()).toMatchObject(status === 400 ? { status, errors: [{ field: 'query/cursor' }] } : { status })
  })

  test('no body is the empty object where nothing of it is required, and is missed where something is', async () => {
    const echo = (url: string, body: Parameters<typeof Type.Object>[0]): Route =>
      route({
        ...{ method: 'POST', url, handler: ({ body: given }) => given },
        schema: { summary: 'An echo', body: Type.Object(body), response: { 200: Type.Unknown() } },
      })
    const server = await serve([
      echo('/note', { note: Type.Optional(Type.String()) }),
      echo('/kind', { kind: Type.String() }),
    ])
    const post = (url: string) => server.inject({ method: 'POST', url, headers: signedIn })
    expect((await post('/note')).json()).toEqual({})
    expect((await post('/kind')).json()).toMatchObject({ status: 400, errors: [{ field: 'body' }] })
  })

  test('texts of the URL become numbers and lists, and defaults fill in', async () => {
    const server = await serve([route({ url: '/a', schema, handler: ({ query }) => query })])
    expect((await server.inject({ url: '/a?service=cart', headers: signedIn })).json()).toEqual({
      limit: 50,
      service: ['cart'],
    })
    expect((await server.inject({ url: '/a?limit=7&service=a&service=b', headers: signedIn })).json()).toEqual({
      limit: 7,
      service: ['a', 'b'],
    })
  })

  test.each([
    ['{"a":', 'application/json', 400, 'bad-request'],
    ['{}', 'application/json', 400, 'bad-request'],
    ['a=1', 'application/x-www-form-urlencoded', 415, 'unsupported-media-type'],
    [`{"name":"${'x'.repeat(200)}"}`, 'application/json', 413, 'too-large'],
  ])('the body %.12s as %s is refused with %i', async (payload, contentType, status, code) => {
    const body = { summary: 'Make', body: Type.Object({ name: Type.String() }), response: { 200: Type.Unknown() } }
    const server = await serve([route({ method: 'POST', url: '/a', schema: body, bodyLimitBytes: 100 })])
    const answer = await server.inject({
      method: 'POST',
      url: '/a',
      payload,
      headers: { ...signedIn, 'content-type': contentType },
    })
    expect(answer.json()).toMatchObject({ status, code })
  })

  test('what went wrong inside stays inside, and the request can be found in the log', async () => {
    const handler = () => {
      throw new Error('password is hunter2')
    }
    const server = await serve([route({ url: '/a', handler })])
    const answer = await server.inject({ url: '/a', headers: { ...signedIn, 'x-request-id': 'req-7' } })
    expect(answer.json()).toMatchObject({ status: 500, code: 'internal', requestId: 'req-7' })
    expect(answer.headers['x-request-id']).toBe('req-7')
    expect(answer.body).not.toContain('hunter2')
  })

  test('a server behind us that is away is said so, with when to try again', async () => {
    const handler = () => Promise.reject(Object.assign(new Error('x'), { code: 'ECONNREFUSED' }))
    const server = await serve([route({ url: '/a', handler })])
    const answer = await server.inject({ url: '/a', headers: signedIn })
    expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '2'])
  })

  test('an id that is none is not carried into logs and headers', async () => {
    const server = await serve([route({ url: '/a' })])
    const answer = await server.inject({ url: '/a', headers: { ...signedIn, 'x-request-id': 'a b<script>' } })
    expect(answer.headers['x-request-id']).toMatch(/^[\da-f-]{36}$/)
  })
})

describe('methods', () => {
  test('another method is told which ones there are', async () => {
    const server = await serve([route({ url: '/a' }), route({ url: '/a', method: 'POST' })])
    const answer = await server.inject({ method: 'DELETE', url: '/a' })
    expect([answer.statusCode, answer.headers.allow]).toEqual([405, 'GET, HEAD, POST, OPTIONS'])
    expect((await server.inject({ method: 'OPTIONS', url: '/a' })).headers.allow).toBe('GET, HEAD, POST, OPTIONS')
    expect((await server.inject('/nothing')).json()).toMatchObject({ status: 404, code: 'not-found' })
  })

  test('HEAD answers as GET does, without the body', async () => {
    const server = await serve([route({ url: '/a' })])
    const answer = await server.inject({ method: 'HEAD', url: '/a', headers: signedIn })
    expect([answer.statusCode, answer.body]).toEqual([200, ''])
  })
})

test('unchanged content is not sent again', async () => {
  const server = await serve([route({ url: '/a' })])
  const { etag } = (await server.inject({ url: '/a', headers: signedIn })).headers
  const again = await server.inject({ url: '/a', headers: { ...signedIn, 'if-none-match': `"other", W/${etag}` } })
  expect([again.statusCode, again.body]).toEqual([304, ''])
})

test('an answer holds what its schema names and nothing else', async () => {
  const schema = { summary: 'One', response: { 200: Type.Object({ id: Type.String() }) } }
  const server = await serve([route({ url: '/a', schema, handler: () => ({ id: 'x', secret: 'y' }) })])
  expect((await server.inject({ url: '/a', headers: signedIn })).json()).toEqual({ id: 'x' })
})

test.each([
  ['application/x-protobuf', 'gzip'],
  ['', undefined],
])('a raw body of type "%s" arrives as it was sent, whatever its encoding', async (contentType, encoding) => {
  const server = await serve([
    route({ method: 'POST', url: '/a', body: 'raw', handler: ({ body }) => ({ bytes: [...(body as Buffer)] }) }),
    route({ method: 'POST', url: '/json', handler: ({ body }) => body }),
  ])
  const headers = {
    ...signedIn,
    ...(contentType && { 'content-type': contentType }),
    ...(encoding && { 'content-encoding': encoding }),
  }
  const answer = await server.inject({ method: 'POST', url: '/a', payload: Buffer.from([0, 255, 31]), headers })
  expect(answer.json()).toEqual({ bytes: [0, 255, 31] })
  expect((await server.inject({ method: 'POST', url: '/a', headers: signedIn })).json()).toEqual({ bytes: [] })
  expect((await server.inject({ method: 'POST', url: '/json', payload: { a: 1 }, headers: signedIn })).json()).toEqual({
    a: 1,
  })
})

test('the description of the API lists routes with their permission, and none that only refuses', async () => {
  const server = await serve([route({ url: '/v1/demo/things/:id' })])
  const { paths, info } = (await server.inject('/docs/json')).json()
  expect(info.version).toBe('1.2.3')
  expect(paths['/v1/demo/things/{id}'].get).toMatchObject({ tags: ['demo'], security: [{ key: ['demo:read'] }] })
  expect(Object.keys(paths['/v1/demo/things/{id}'])).toEqual(['get'])
  const page = await server.inject({ url: '/docs/', headers: {} })
  expect(page.statusCode).toBe(200)
  // Works without a network: nothing is loaded from elsewhere.
  expect(page.body).not.toMatch(/(src|href)="https?:/)
})

test("a handler works within the caller's trace", async () => {
  await startTracing({ serviceName: 'test', endpoint: undefined })
  const server = await serve([route({ url: '/a', handler: async () => ({ headers: traceHeaders() }) })])
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  expect((await server.inject({ url: '/a', headers: { ...signedIn, traceparent } })).json()).toEqual({
    headers: { traceparent },
  })
  expect((await server.inject({ url: '/a', headers: signedIn })).json()).toEqual({ headers: {} })
})

describe('event streams', () => {
  async function listening(
    options: Parameters<typeof eventStream>[2],
    use: (stream: ReturnType<typeof eventStream>) => void,
  ) {
    const server = await serve([
      route({
        url: '/events',
        permission: 'public',
        handler: (request, reply) => void use(eventStream(request, reply, options)),
      }),
    ])
    await server.listen({ port: 0, host: '127.0.0.1' })
    return `http://127.0.0.1:${(server.server.address() as AddressInfo).port}/events`
  }

  test('events arrive, and a shutdown ends the stream', async () => {
    const url = await listening({}, (stream) => stream.send({ name: 'thing', id: '7', data: { text: 'a\nb' } }))
    const response = await fetch(url)
    expect(response.headers.get('content-type')).toContain('text/event-stream')
    const text = response.text()
    await new Promise((resolve) => setTimeout(resolve, 50))
    await app?.close()
    expect(await text).toBe('id: 7\nevent: thing\ndata: {"text":"a\\nb"}\n\n')
  })

  test('a client that does not read is dropped', async () => {
    const dropped = Promise.withResolvers<void>()
    const url = await listening({ maxBufferedBytes: 10_000 }, (stream) => {
      void stream.closed.then(dropped.resolve)
      const data = 'x'.repeat(100_000)
      const timer = setInterval(() => stream.send({ data }) || clearInterval(timer), 1)
    })
    const request = httpRequest(url, (response) => response.pause())
    request.on('error', () => {})
    request.end()
    await dropped.promise
    request.destroy()
  })
})
