import { hash } from 'node:crypto'
import { encodeEvent } from '@plimsoll/contracts/events.ts'
import { laneOf } from '@plimsoll/contracts/lane.ts'
import { streamDefinitions } from '@plimsoll/contracts/streams.ts'
import { subjectOf } from '@plimsoll/contracts/subjects.ts'
import { type UsageEvent, usageBatchOf, usageLaneKey } from '@plimsoll/contracts/usage-batch.ts'
import { appError } from '@plimsoll/kit/errors.ts'
import type { EventLog, StoredMessage } from '@plimsoll/kit/log/log.ts'
import type { BatchMessage } from '../batch/publisher.ts'
import type { UsageCode } from './domain/verdict.ts'

const TYPE = 'plimsoll.usage.v1.UsageBatch'
const SUBJECT = 'deadletter.gateway.usage'

export type Quarantined = { readonly event: UsageEvent; readonly code: UsageCode }

/**
 * Messages for DEADLETTER, one a lane and reason: each holds the very UsageBatch that its replay puts on USAGE. A request
 * that comes again makes the same ids, so the broker drops them.
 */
export function quarantineMessages(
  lanes: number,
  source: string,
  quarantined: readonly Quarantined[],
  receivedAt: number,
): readonly BatchMessage[] {
  const groups = Map.groupBy(quarantined, ({ event, code }) => `${code} ${laneOf(usageLaneKey(event), lanes)}`)
  return [...groups.values()].map((group) => {
    const [first] = group as [Quarantined, ...Quarantined[]]
    const events = group.map(({ event }) => event)
    const id = hash('sha256', Buffer.concat(events.map(({ messageId }) => messageId))).slice(0, 32)
    return {
      subject: SUBJECT,
      data: encodeEvent(TYPE, usageBatchOf(source, receivedAt, events)),
      id: `quarantined.${first.code}.${id}`,
      headers: {
        'Plimsoll-Type': TYPE,
        'Plimsoll-Source': source,
        'Plimsoll-Time': new Date(receivedAt).toISOString(),
        'Plimsoll-Reason': first.code,
        'Plimsoll-Events': String(events.length),
        'Plimsoll-Subject': subjectOf(TYPE, laneOf(usageLaneKey(first.event), lanes)),
      },
    }
  })
}

/** One message of quarantined events, as the list shows it. */
export type QuarantineEntry = {
  /** Its sequence on DEADLETTER. */
  readonly id: number
  readonly source: string
  readonly reason: string
  readonly events: number
  readonly at: string
}

/** Up to `limit` entries after `afterId`, oldest first. */
export async function listQuarantine(
  log: EventLog,
  nowMs: number,
  afterId: number,
  limit: number,
): Promise<readonly QuarantineEntry[]> {
  const entries: QuarantineEntry[] = []
  const sinceMs = nowMs - streamDefinitions.DEADLETTER.maxAgeMs
  for await (const { seq, headers, time } of log.readHeaders({ stream: 'DEADLETTER', filter: SUBJECT, sinceMs })) {
    if (seq <= afterId) continue
    entries.push({
      id: seq,
      source: headers['Plimsoll-Source'] ?? '',
      reason: headers['Plimsoll-Reason'] ?? '',
      events: Number(headers['Plimsoll-Events']),
      at: new Date(time).toISOString(),
    })
    if (entries.length === limit) break
  }
  return entries
}

/**
 * Puts quarantined events on USAGE as they came, their time believed. Replaying them again changes nothing: consumers know
 * events by their id. Resolves to their number once it is durable. Throws `not-found`.
 */
export async function replayQuarantined(log: EventLog, id: number): Promise<number> {
  const message = await log.get('DEADLETTER', id)
  const subject = message?.headers['Plimsoll-Subject']
  if (message?.subject !== SUBJECT || subject === undefined) {
    throw appError('not-found', `Nothing is in quarantine under ${id}: list what is with GET /v1/gateway/quarantine.`)
  }
  await log.publish({ subject, data: message.data, id: `replay.${message.id}`, headers: replayHeaders(message) })
  return Number(message.headers['Plimsoll-Events'])
}

const replayHeaders = ({ headers }: StoredMessage): Record<string, string> =>
  Object.fromEntries(['Plimsoll-Type', 'Plimsoll-Source', 'Plimsoll-Time'].map((name) => [name, headers[name] ?? '']))
