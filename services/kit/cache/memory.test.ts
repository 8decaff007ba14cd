import { describe, expect, test } from 'vitest'
import { manualClock } from '../clock.ts'
import { cacheTests } from './conformance.ts'
import { createMemoryCache } from './memory.ts'

const clock = manualClock(0)

describe('memory', () => {
  cacheTests(
    async () => createMemoryCache(clock),
    async (ms) => clock.advance(ms),
  )
})

test('the oldest goes when there is no more room', async () => {
  const cache = createMemoryCache(clock, 2)
  for (const key of ['a', 'b', 'a', 'c']) await cache.set(key, key, 1_000)
  expect([await cache.get('a'), await cache.get('b'), await cache.get('c')]).toEqual(['a', undefined, 'c'])
})
