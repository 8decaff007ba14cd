import { type ErrorCode, errorTable } from '@plimsoll/kit/errors.ts'
import { advice as ofTelemetry, type RefusalReason } from '../decode/outcome.ts'
import type { UsageCode } from '../usage/domain/verdict.ts'

/** Why something was not taken, by whichever protocol it came. A fixed set: it is a label of metrics. */
export type Reason = Told | ErrorCode

type Told =
  | RefusalReason
  | Exclude<UsageCode, 'duplicate'>
  | 'too-many-events'
  | 'ignored'
  | 'query-refused'
  | 'answer-too-large'

/** What the sender, or whoever runs this, has to change. Empty for a reason no version knows any more. */
export function adviceOn(reason: string): string {
  if (Object.hasOwn(advice, reason)) return advice[reason as Told]
  return Object.hasOwn(errorTable, reason) ? errorTable[reason as ErrorCode].title : ''
}

const advice: Readonly<Record<Told, string>> = {
  ...ofTelemetry,
  'too-far-ahead':
    'a sample may be at most 10 minutes ahead of this clock, usage 24 hours: check the clock of the sender',
  'too-old': 'usage may come 400 days late: what is older is kept apart until it is replayed',
  'not-an-object': 'an event is a JSON object',
  'unknown-type': 'the type must be one of track, identify, group, page, screen and alias',
  'missing-name': 'a track call needs the name of what happened in "event"',
  'missing-identity': 'say who it was: userId, anonymousId or, but for identify, an account',
  'missing-account': 'a group call needs a groupId',
  'missing-previous-id': 'an alias call needs userId and previousId',
  'invalid-time': 'times are written 2026-11-23T10:15:00Z or as ms since 1970',
  'text-too-long': 'ids and names may have 255 characters',
  'event-too-large': 'an event may take 32 KB as JSON',
  'properties-too-large': 'properties and traits may take 16 KB as JSON',
  'nested-too-deep': 'an event may be nested 32 deep',
  'invalid-cloudevent': 'see CloudEvents 1.0: specversion, id, source and type are needed',
  'invalid-fact': 'the verdict of the event names the field and what it must be',
  'too-many-events': 'send at most 5,000 events in a request',
  ignored: 'its type is not one this address takes: nothing to do, or subscribe to fewer',
  'query-refused': 'Prometheus refused a query: the example says why; check the configured metrics',
  'answer-too-large': 'the answer to a pulled query was too large: pull fewer series by a narrower selector',
}
