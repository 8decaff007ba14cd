import { afterAll, beforeAll, expect, test } from 'vitest'
import { manualClock } from '../clock.ts'
import type { ServiceDatabase } from '../db/pool.ts'
import { type Stack, startStack } from '../testing/stack.ts'
import { openAccessDatabase } from './access.ts'
import { type AccessTables, apiKeyVerifier, createApiKey, hasApiKeys, listApiKeys, revokeApiKey } from './apikeys.ts'

let stack: Stack
let access: ServiceDatabase<AccessTables>
const clock = manualClock(Date.UTC(2026, 0, 31))

beforeAll(async () => {
  stack = await startStack({ nats: false })
  access = await openAccessDatabase(stack.databaseUrl)
})
afterAll(async () => {
  await access.close()
  await stack.stop()
})

const verifier = () => apiKeyVerifier({ db: access.worker, known: ['demo:read', 'demo:write'], clock })
const create = (name: string, more: object = {}) =>
  createApiKey(access.worker, { name, scopes: ['demo:read'], ...more }, clock)

test('a key says who calls and what they may; its secret is nowhere to be read', async () => {
  expect(await hasApiKeys(access.worker, clock)).toBe(false)
  const key = await create('prometheus')
  expect(await verifier()(key)).toEqual({ kind: 'api-key', name: 'prometheus', permissions: new Set(['demo:read']) })
  expect(await hasApiKeys(access.worker, clock)).toBe(true)
  const stored = JSON.stringify(await access.worker.selectFrom('api_key').selectAll().execute())
  expect(stored).not.toContain(key.split('.')[1])
})

test('another secret, another form or an unknown key is not taken', async () => {
  const key = await create('careful')
  const changed = `${key.slice(0, -1)}${key.endsWith('A') ? 'B' : 'A'}`
  for (const token of [changed, 'careful', `plm_0123456789.${'x'.repeat(43)}`])
    expect(await verifier()(token)).toBeUndefined()
})

test('a key ends at its time', async () => {
  const key = await create('short', { expiresAt: new Date(clock.now() + 60_000) })
  const verify = verifier()
  expect(await verify(key)).toMatchObject({ name: 'short' })
  clock.advance(60_000)
  await expect(verify(key)).rejects.toThrow(/The API key short expired on 2026-01-31/)
})

test('a revoked key is refused as soon as its row is read again, and its name is free', async () => {
  const key = await create('leaked')
  const verify = verifier()
  await verify(key)
  expect(await revokeApiKey(access.worker, 'leaked', clock)).toBe(1)
  clock.advance(15_000)
  await expect(verify(key)).rejects.toThrow(/was revoked/)
  await create('leaked')
  expect((await listApiKeys(access.worker)).filter(({ name }) => name === 'leaked')).toHaveLength(2)
})

test('a name stands for one key', async () => {
  await create('twice')
  await expect(create('twice')).rejects.toThrow(/revoke/)
})
