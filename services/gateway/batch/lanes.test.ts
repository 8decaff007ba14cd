import { expect, test } from 'vitest'
import { createLaneBatcher, type OpenBatch } from './lanes.ts'
import type { BatchMessage } from './publisher.ts'

test('a request that arrived while the loop was busy shares the message of the one that kept it busy', async () => {
  const messages: BatchMessage[] = []
  const batcher = createLaneBatcher({
    type: 'plimsoll.usage.v1.UsageBatch',
    source: 'web',
    lanes: 4,
    open: (): OpenBatch => ({ weight: 0, latestMs: 0, encode: () => new Uint8Array(1), stored: () => {} }),
    publish: async (message) => void messages.push(message),
    headers: () => ({}),
    lingerMs: 1,
    maxBytes: 1_000,
  })
  const take = (requestId: string) =>
    batcher.take({ requestId, stored: new Set(), weight: Float64Array.of(0, 0, 0, 1) }, (batchFor) => {
      batchFor(3, 1)
    })
  const first = take('a')
  // Due after the batcher's timer, in the same turn of the loop.
  const second = new Promise<void>((resolve) => setTimeout(() => resolve(take('b')), 2))
  for (const until = performance.now() + 10; performance.now() < until; );
  await Promise.all([first, second])
  expect(messages.map(({ headers }) => headers?.['Plimsoll-Requests'])).toEqual(['a,b'])
})
