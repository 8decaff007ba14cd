import { expect, test } from 'vitest'
import type { Cache } from '../cache.ts'

/** What every cache does. Run for each implementation, in `describe`. */
export function cacheTests(create: () => Promise<Cache>, passTime: (ms: number) => Promise<void>): void {
  const unique = () => crypto.randomUUID()

  test('a value is there until its time is over or it is deleted', async () => {
    const cache = await create()
    const [kept, deleted] = [unique(), unique()]
    await cache.set(kept, 'v', 200)
    await cache.set(deleted, 'v', 60_000)
    await cache.delete(deleted)
    expect([await cache.get(kept), await cache.get(deleted), await cache.get(unique())]).toEqual([
      'v',
      undefined,
      undefined,
    ])
    await passTime(250)
    expect(await cache.get(kept)).toBeUndefined()
  })

  test('calls are counted within their window, which starts with the first', async () => {
    const cache = await create()
    const key = unique()
    expect([await cache.increment(key, 200), await cache.increment(key, 200)]).toEqual([1, 2])
    await passTime(250)
    expect(await cache.increment(key, 200)).toBe(1)
  })

  test('a message reaches those who listen, until they stop', async () => {
    const cache = await create()
    const channel = unique()
    const heard: string[] = []
    const stop = await cache.subscribe(channel, (message) => heard.push(message))
    await cache.publish(channel, 'one')
    await expect.poll(() => heard).toEqual(['one'])
    await stop()
    await cache.publish(channel, 'two')
    await passTime(50)
    expect(heard).toEqual(['one'])
  })
}
