import type { FastifyRequest } from 'fastify'
import { expect, test } from 'vitest'
import { createMemoryCache } from '../cache/memory.ts'
import { manualClock } from '../clock.ts'
import { limiter } from './access.ts'
import { bootstrapVerifier } from './apikeys.ts'
import { createAuthenticator } from './authenticate.ts'
import { expandScopes } from './permissions.ts'
import type { Principal } from './principal.ts'

const local: Principal = { kind: 'local', name: 'local', permissions: new Set(['demo:read']) }
const verifiers = [async () => undefined, bootstrapVerifier('k'.repeat(32), ['demo:read'])]
const request = (headers: Record<string, string>) => ({ headers }) as unknown as FastifyRequest
const basic = (password: string) => `Basic ${Buffer.from(`any:${password}`).toString('base64')}`

test.each([`Bearer ${'k'.repeat(32)}`, `bearer  ${'k'.repeat(32)}`, basic('k'.repeat(32))])(
  'the credentials "%.9s..." are taken',
  async (authorization) => {
    const authenticate = createAuthenticator({ verifiers, local: undefined })
    expect(await authenticate(request({ authorization }))).toMatchObject({ name: 'bootstrap' })
  },
)

test.each(['Bearer wrong', basic('wrong'), 'Digest x', 'Bearer', ''])(
  'the credentials "%s" are refused, on loopback too',
  async (authorization) => {
    const authenticate = createAuthenticator({ verifiers, local })
    await expect(authenticate(request({ authorization, host: 'localhost' }))).rejects.toMatchObject({ status: 401 })
  },
)

test('without credentials nobody is answered, except on an installation for this machine only', async () => {
  await expect(
    createAuthenticator({ verifiers, local: undefined })(request({ host: 'localhost' })),
  ).rejects.toMatchObject({ status: 401 })
  for (const host of ['localhost:8080', '127.0.0.1:8080', '[::1]:8080']) {
    expect(await createAuthenticator({ verifiers, local })(request({ host }))).toBe(local)
  }
})

test('a key that a protocol carries elsewhere signs in; an unknown one is nobody, and on loopback the local user', async () => {
  const here = { host: 'localhost:8080' }
  const known = { key: 'k'.repeat(32) }
  const dummy = { key: 'phc' }
  const lenient = createAuthenticator({ verifiers, local })
  expect(await lenient(request(here), known)).toMatchObject({ name: 'bootstrap' })
  expect(await lenient(request({ ...here, authorization: 'Basic d2s6' }), dummy)).toBe(local)
  await expect(lenient(request({ host: 'evil.example' }), dummy)).rejects.toMatchObject({ status: 403 })
  const strict = createAuthenticator({ verifiers, local: undefined })
  await expect(strict(request(here), dummy)).rejects.toMatchObject({ status: 401 })
  await expect(strict(request(here), { key: undefined })).rejects.toMatchObject({ status: 401 })
})

test.each([
  ['another name for this machine', { host: 'evil.example:8080' }],
  ['a page of another site', { host: 'localhost:8080', origin: 'https://evil.example' }],
  ['a page of another port', { host: 'localhost:8080', origin: 'http://localhost:3000' }],
  ['a request another site made', { host: 'localhost:8080', 'sec-fetch-site': 'cross-site' }],
])('without credentials %s is refused', async (_, headers) => {
  await expect(createAuthenticator({ verifiers, local })(request(headers))).rejects.toMatchObject({ status: 403 })
})

test('the own page may send what it likes', async () => {
  const headers = { host: 'localhost:8080', origin: 'http://localhost:8080', 'sec-fetch-site': 'same-origin' }
  expect(await createAuthenticator({ verifiers, local })(request(headers))).toBe(local)
})

test('a scope gives the known permissions it covers and nothing else', () => {
  const known = ['gateway:write', 'reporting:read', 'reporting:write']
  expect([...expandScopes(['reporting:*', 'nonsense'], known)]).toEqual(['reporting:read', 'reporting:write'])
  expect([...expandScopes(['*'], known)]).toEqual(known)
  expect([...expandScopes(['gateway:write'], known)]).toEqual(['gateway:write'])
  expect([...expandScopes(['gateway'], known)]).toEqual([])
})

test('a caller is limited for the rest of the minute; the local user is not', async () => {
  const clock = manualClock(90_000)
  const limit = limiter(createMemoryCache(clock), 2, clock)
  const ada: Principal = { ...local, kind: 'api-key', name: 'ada' }
  await limit(ada)
  await limit(ada)
  await expect(limit(ada)).rejects.toMatchObject({ status: 429, retryAfterMs: 30_000 })
  await limit({ ...ada, name: 'bob' })
  for (let call = 0; call < 5; call++) await limit(local)
  clock.advance(30_000)
  await limit(ada)
})
