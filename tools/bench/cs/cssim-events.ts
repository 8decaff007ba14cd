/** Events of cs-sim one by one, as columns in the order of the file. */

import { join } from 'node:path'
import { csvRows } from '../detect/csv.ts'
import { cssimFolder } from './cssim.ts'

export type SimEvent = {
  readonly messageId: string
  readonly day: number
  readonly second: number
  readonly accountId: string
  readonly userId: string
  readonly name: string
}

export function* cssimEvents(data: string): Generator<SimEvent> {
  for (const row of csvRows(join(cssimFolder(data), 'events.csv.gz'))) {
    const [messageId = '', day, second, accountId = '', userId = '', name = ''] = row
    yield { messageId, day: Number(day), second: Number(second), accountId, userId, name }
  }
}

/** A Segment batch as an SDK sends it; `dayZeroMs` is when day 0 of the recording began. */
export function segmentBatch(events: readonly SimEvent[], dayZeroMs: number): Uint8Array {
  return Buffer.from(
    JSON.stringify({
      batch: events.map(({ messageId, day, second, accountId, userId, name }) => ({
        type: 'track',
        event: name,
        userId,
        messageId,
        timestamp: new Date(dayZeroMs + day * 86_400_000 + second * 1000).toISOString(),
        context: { groupId: accountId },
      })),
    }),
  )
}
