import { expect, test } from 'vitest'
import { manualClock, systemClock } from '../clock.ts'
import { describeEventLog } from './conformance.ts'
import { createMemoryLog } from './memory.ts'

describeEventLog('memory', async () => {
  const log = createMemoryLog(systemClock)
  return { log, close: () => log.close() }
})

test('an id may come again after the duplicate window', async () => {
  const clock = manualClock(0)
  const log = createMemoryLog(clock)
  const message = { subject: 'metric.00.Thing', data: new Uint8Array(), id: 'again' }
  await log.publish(message)
  clock.advance(119_000)
  expect(await log.publish(message)).toMatchObject({ duplicate: true })
  clock.advance(2_000)
  expect(await log.publish(message)).toMatchObject({ duplicate: false, seq: 2 })
})
