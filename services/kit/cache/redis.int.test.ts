import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Cache } from '../cache.ts'
import { type Stack, startStack } from '../testing/stack.ts'
import { cacheTests } from './conformance.ts'
import { connectRedisCache } from './redis.ts'

let stack: Stack
const caches: Cache[] = []
const connect = async () => {
  const cache = await connectRedisCache(stack.redisUrl, pino({ level: 'silent' }))
  caches.push(cache)
  return cache
}

beforeAll(async () => {
  stack = await startStack({ nats: false, postgres: false, redis: true })
})
afterAll(async () => {
  for (const cache of caches) await cache.close()
  await stack.stop()
})

describe('redis', () => {
  cacheTests(connect, (ms) => new Promise((resolve) => setTimeout(resolve, ms)))
})

test('two processes share it', async () => {
  const [one, other] = [await connect(), await connect()]
  await one.set('shared', 'v', 60_000)
  expect(await other.get('shared')).toBe('v')
})

test('while it is away reads miss, writes are dropped and nothing is limited; then it is used again', async () => {
  const cache = await connect()
  await stack.downRedis()
  await cache.set('k', 'v', 60_000)
  expect(await cache.get('k')).toBeUndefined()
  expect(await cache.increment('n', 60_000)).toBe(0)
  await stack.restartRedis()
  await expect.poll(() => cache.increment('n', 60_000), { timeout: 10_000 }).toBeGreaterThan(0)
})

test('one that is not there at the start is one that is away', async () => {
  await stack.downRedis()
  const cache = await connect()
  expect(await cache.get('k')).toBeUndefined()
  await stack.restartRedis()
  await expect.poll(() => cache.increment('late', 60_000), { timeout: 10_000 }).toBeGreaterThan(0)
})
