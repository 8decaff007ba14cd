import type { HeaderReadOptions, StoredMessage } from './log.ts'
import { openReader } from './reader.ts'
import type { Wire } from './wire.ts'

/** See `EventLog.readHeaders`: a consumer that carries no payloads, read until it has caught up. */
export async function* readHeaders(wire: Wire, options: HeaderReadOptions): AsyncGenerator<StoredMessage> {
  const { stream, filter, sinceMs } = options
  const name = `headers-${crypto.randomUUID()}`
  const reader = await openReader(
    wire,
    { stream, filter, startSeq: 1, name },
    { kind: 'time', sinceMs, headersOnly: true },
  )
  try {
    for (let seen = 0; seen < reader.pendingAtStart; ) {
      const batch = await reader.pull()
      seen += batch.length
      yield* batch
    }
  } finally {
    await reader.close()
  }
}
