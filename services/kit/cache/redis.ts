import { Redis } from 'ioredis'
import type { Logger } from 'pino'
import type { Cache } from '../cache.ts'

const prefix = 'plimsoll:'

/**
 * The cache in Redis, shared by every process. Never a source of truth: while Redis is away reads miss, writes are
 * dropped and nothing is limited.
 */
export async function connectRedisCache(url: string, logger: Logger): Promise<Cache> {
  const options = { keyPrefix: prefix, maxRetriesPerRequest: 1, enableOfflineQueue: false, lazyConnect: true }
  const redis = new Redis(url, options)
  const subscriber = new Redis(url, { lazyConnect: true })
  let reported = false
  for (const client of [redis, subscriber]) {
    client.on('error', (error: Error) => {
      if (!reported) logger.warn({ err: error }, 'Redis does not answer; caches are empty until it does')
      reported = true
    })
    client.on('ready', () => {
      reported = false
    })
  }
  // One that is not there yet is one that is away: reported above, and tried again.
  await Promise.allSettled([redis.connect(), subscriber.connect()])

  const listeners = new Map<string, Set<(message: string) => void>>()
  subscriber.on('message', (channel: string, message: string) => {
    for (const listener of listeners.get(channel) ?? []) listener(message)
  })
  const orElse = <Value>(work: Promise<Value>, instead: Value): Promise<Value> => work.catch(() => instead)

  return {
    get: async (key) => (await orElse(redis.get(key), null)) ?? undefined,
    set: async (key, value, ttlMs) => void (await orElse<unknown>(redis.set(key, value, 'PX', ttlMs), null)),
    delete: async (key) => void (await orElse<unknown>(redis.del(key), 0)),
    async increment(key, windowMs) {
      // One round trip; the window starts with its first call.
      const results = await orElse(redis.multi().incr(key).pexpire(key, windowMs, 'NX').exec(), null)
      return Number(results?.[0]?.[1] ?? 0)
    },
    publish: async (channel, message) => void (await orElse<unknown>(redis.publish(prefix + channel, message), 0)),
    async subscribe(channel, listener) {
      const name = prefix + channel
      const own = listeners.get(name) ?? new Set()
      listeners.set(name, own.add(listener))
      await subscriber.subscribe(name)
      return async () => {
        own.delete(listener)
        if (own.size > 0) return
        listeners.delete(name)
        await subscriber.unsubscribe(name)
      }
    },
    async close() {
      redis.disconnect()
      subscriber.disconnect()
    },
  }
}
