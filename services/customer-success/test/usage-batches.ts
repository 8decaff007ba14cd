/** Usage events for tests: stated briefly, complete on the wire. */

import { createHash, randomUUID } from 'node:crypto'
import { type EventType, type EventValue, encodeEvent } from '@plimsoll/contracts/events.ts'
import { defaultLaneCount, laneOf } from '@plimsoll/contracts/lane.ts'
import { subjectOf } from '@plimsoll/contracts/subjects.ts'
import { USAGE_KIND, USAGE_TYPE, type UsageEvent, usageBatchOf, usageLaneKey } from '@plimsoll/contracts/usage-batch.ts'
import type { EventLog } from '@plimsoll/kit/log/log.ts'

export type BriefEvent = Partial<Omit<UsageEvent, 'messageId' | 'kind'>> & {
  readonly id: string
  readonly timeMs: number
  readonly kind?: keyof typeof USAGE_KIND
}

export const usageEvent = ({ id, kind = 'track', ...event }: BriefEvent): UsageEvent => ({
  name: '',
  accountId: '',
  userId: '',
  anonymousId: '',
  originalTimeMs: event.timeMs,
  sentTimeMs: 0,
  quantity: 1,
  properties: '',
  context: '',
  ...event,
  messageId: createHash('sha256').update(`test|${id}`).digest().subarray(0, 16),
  kind: USAGE_KIND[kind],
})

/** Publishes events as the gateway does: a batch per lane. */
export async function publishUsage(log: EventLog, events: readonly UsageEvent[], receivedAt: number): Promise<void> {
  for (const [lane, part] of Map.groupBy(events, (event) => laneOf(usageLaneKey(event), defaultLaneCount))) {
    await log.publish({
      subject: subjectOf(USAGE_TYPE, lane),
      headers: { 'Plimsoll-Type': USAGE_TYPE },
      data: encodeEvent(USAGE_TYPE, usageBatchOf('test', receivedAt, part)),
    })
  }
}

/** Publishes a fact in the lane of its account. */
export async function publishFact<T extends EventType>(
  log: EventLog,
  type: T,
  value: EventValue<T> & { readonly accountId: string },
): Promise<void> {
  await log.publish({
    id: randomUUID(),
    subject: subjectOf(type, laneOf(value.accountId, defaultLaneCount)),
    headers: { 'Plimsoll-Type': type },
    data: encodeEvent(type, value),
  })
}
