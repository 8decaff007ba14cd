import { type DecodedEvent, decodeEvent, type EventType, type EventValue } from '@plimsoll/contracts/events.ts'
import type { EventLog } from '@plimsoll/kit/log/log.ts'

/** All events that DERIVED holds by now, oldest first. */
export async function derivedEvents(log: EventLog): Promise<DecodedEvent[]> {
  const name = `test-${crypto.randomUUID()}`
  const reader = await log.reader({ stream: 'DERIVED', filter: 'derived.>', startSeq: 1, name })
  const events: DecodedEvent[] = []
  for (let messages = await reader.pull(); messages.length > 0; messages = await reader.pull()) {
    for (const { data } of messages) events.push(decodeEvent(Uint8Array.from(data)))
  }
  await reader.close()
  return events
}

/** Those of one type. */
export async function derivedOf<T extends EventType>(log: EventLog, type: T): Promise<EventValue<T>[]> {
  const events = await derivedEvents(log)
  return events.flatMap((event) => (event.type === type ? [event.value as EventValue<T>] : []))
}
