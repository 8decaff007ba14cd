import { usageBatchView } from '@plimsoll/contracts/usage-batch.ts'
import type { Clock } from '@plimsoll/kit/clock.ts'
import type { EventLog } from '@plimsoll/kit/log/log.ts'

/** How long an event is known, ms: SDKs try again for minutes. Consumers of USAGE know them by id for good. */
export const WINDOW_MS = 10 * 60_000
/** Ids per generation, about 60 B each. When they come faster the window gets shorter. */
const MAX_IDS = 500_000

/** The events of the last ten minutes, by id, so that one which comes again is not stored again. */
export type EventWindow = {
  /** Notes an id; false when it was there already. */
  add(id: string): boolean
  forget(id: string): void
  /** Reads the events the log holds of the last ten minutes: before the first request is taken. Resolves to their number. */
  rebuild(log: EventLog): Promise<number>
}

/** Latin-1 text of an event's 16 bytes: half the memory of hex. */
export const idText = (messageId: Uint8Array): string =>
  Buffer.from(messageId.buffer, messageId.byteOffset, messageId.byteLength).toString('latin1')

export function createEventWindow(clock: Clock): EventWindow {
  // Two generations, each at least as long as the window: an id is dropped with its generation, without a timer each.
  let ids = new Set<string>()
  let older = new Set<string>()
  let startedAt = clock.now()

  function add(id: string): boolean {
    if (ids.has(id) || older.has(id)) return false
    const now = clock.now()
    if (ids.size >= MAX_IDS || now - startedAt >= WINDOW_MS) {
      older = ids
      ids = new Set()
      startedAt = now
    }
    ids.add(id)
    return true
  }

  return {
    add,
    forget(id) {
      ids.delete(id)
      older.delete(id)
    },
    async rebuild(log) {
      let found = 0
      for await (const data of messagesSince(log, clock.now() - WINDOW_MS)) {
        const { messageId, rows } = usageBatchView(data)
        for (let row = 0; row < rows; row++) if (add(idText(messageId.subarray(row * 16, row * 16 + 16)))) found++
      }
      return found
    },
  }
}

const FILTER = 'usage.*.UsageBatch'

/** Payloads stored since then: the headers tell where to start, since a reader starts at a sequence. */
async function* messagesSince(log: EventLog, sinceMs: number): AsyncGenerator<Uint8Array> {
  let startSeq: number | undefined
  for await (const { seq } of log.readHeaders({ stream: 'USAGE', filter: FILTER, sinceMs })) {
    startSeq = seq
    break
  }
  if (startSeq === undefined) return
  const name = `gateway-usage-window-${crypto.randomUUID()}`
  const reader = await log.reader({ stream: 'USAGE', filter: FILTER, startSeq, name })
  try {
    do for (const { data } of await reader.pull()) yield data
    while (!(await reader.caughtUp()))
  } finally {
    await reader.close()
  }
}
