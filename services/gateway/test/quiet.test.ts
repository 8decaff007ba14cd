import { METRIC_TYPE } from '@plimsoll/contracts/metric-batch.ts'
import { manualClock } from '@plimsoll/kit/clock.ts'
import { createMemoryLog } from '@plimsoll/kit/log/memory.ts'
import { expect, test } from 'vitest'
import { QUIET_MS } from '../batch/persource.ts'
import { allMessages, testGateway } from './harness.ts'

const START = 1_760_000_000_000

test('the series of a quiet source are given back, and a request of it that still waits for the broker is answered', async () => {
  const clock = manualClock(START)
  const stored = createMemoryLog(clock)
  const broker = Promise.withResolvers<void>()
  let published = 0
  const log: typeof stored = {
    ...stored,
    async publish(message) {
      published++
      if (published > 3) await broker.promise
      return await stored.publish(message)
    },
  }
  const { ingestion, close } = await testGateway({ log, clock })
  const send = (source: string) =>
    ingestion.ingestSeries(source, 'prometheus-pull', `${source} ${clock.now()}`, [
      { labels: [['__name__', 'up']], samples: [{ timeMs: clock.now(), value: 1 }] },
    ])

  for (const source of ['a', 'b', 'c']) await send(source)
  expect(ingestion.seriesCount()).toBe(3)

  clock.advance(1_000)
  const waiting = send('a')
  await expect.poll(() => published).toBe(4)
  const unsent = send('b')
  clock.advance(QUIET_MS)
  const other = send('d')
  // Nothing is kept of a, b and c, though a message of a is on its way and one of b not even sent.
  expect(ingestion.seriesCount()).toBe(1)
  const again = send('a')
  broker.resolve()
  for (const { samples } of await Promise.all([waiting, unsent, other, again])) expect(samples).toBe(1)
  expect(await allMessages(stored, METRIC_TYPE)).toHaveLength(7)
  await close()
})
