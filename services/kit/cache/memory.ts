import type { Cache } from '../cache.ts'
import type { Clock } from '../clock.ts'

type Entry = { readonly value: string; readonly until: number }
type Window = { count: number; readonly until: number }

/** The cache of a process without Redis: what is kept is bounded by `maxEntries`, oldest out first. */
export function createMemoryCache(clock: Clock, maxEntries = 10_000): Cache {
  const entries = new Map<string, Entry>()
  const windows = new Map<string, Window>()
  const listeners = new Map<string, Set<(message: string) => void>>()

  return {
    async get(key) {
      const entry = entries.get(key)
      if (entry === undefined || entry.until > clock.now()) return entry?.value
      entries.delete(key)
      return undefined
    },
    async set(key, value, ttlMs) {
      // Written again, it is the newest.
      entries.delete(key)
      entries.set(key, { value, until: clock.now() + ttlMs })
      dropOldest(entries, maxEntries)
    },
    async delete(key) {
      entries.delete(key)
    },
    async increment(key, windowMs) {
      const now = clock.now()
      const current = windows.get(key)
      const window = current !== undefined && current.until > now ? current : { count: 0, until: now + windowMs }
      window.count += 1
      windows.set(key, window)
      dropOldest(windows, maxEntries)
      return window.count
    },
    async publish(channel, message) {
      for (const listener of listeners.get(channel) ?? []) listener(message)
    },
    async subscribe(channel, listener) {
      const own = listeners.get(channel) ?? new Set()
      listeners.set(channel, own.add(listener))
      return async () => {
        own.delete(listener)
        if (own.size === 0) listeners.delete(channel)
      }
    },
    async close() {
      listeners.clear()
    },
  }
}

function dropOldest(map: Map<string, unknown>, maxEntries: number): void {
  for (const key of map.keys()) {
    if (map.size <= maxEntries) return
    map.delete(key)
  }
}
