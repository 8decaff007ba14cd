import { encodeEvent } from '@plimsoll/contracts/events.ts'
import { incidentLaneKey, laneOf } from '@plimsoll/contracts/lane.ts'
import { subjectOf } from '@plimsoll/contracts/subjects.ts'
import { appError } from '@plimsoll/kit/errors.ts'
import type { EventLog } from '@plimsoll/kit/log/log.ts'
import { traceHeaders } from '@plimsoll/kit/telemetry/propagation.ts'
import type { Fact, Mapped } from './domain/fact.ts'
import type { Parsed } from './domain/shape.ts'

/** What the sender is told, once everything is durable. */
export type Receipt = {
  /** Facts stored by this request. */
  readonly accepted: number
  /** Facts that were stored before: the broker dropped the repeat. */
  readonly repeated: number
  readonly ignored: readonly { readonly what: string; readonly reason: string }[]
}

/**
 * Stores what a body states and returns after the broker's ack of every fact. Throws `bad-request` with every problem
 * of the body, in which case nothing is stored; a transient error where the broker did not ack, in which case the
 * sender's repeat finishes the work, since every fact's id is its own.
 */
export async function accept(parsed: Parsed<Mapped>, source: string, log: EventLog): Promise<Receipt> {
  if (parsed.kind === 'refused') {
    const [first] = parsed.problems
    const more = parsed.problems.length > 1 ? ` (and ${parsed.problems.length - 1} more, see "errors")` : ''
    throw appError('bad-request', `${first?.field || 'The body'} must be ${first?.expected}${more}.`, {
      fields: parsed.problems,
    })
  }
  const { facts, ignored } = parsed.value
  // One connection keeps the order of publishing, so an episode's facts arrive in the order of their times.
  const acks = await Promise.all([...facts].sort((a, b) => a.time - b.time).map((fact) => publish(fact, source, log)))
  const repeated = acks.filter((ack) => ack.duplicate).length
  return { accepted: acks.length - repeated, repeated, ignored }
}

function publish(fact: Fact, source: string, log: EventLog) {
  const { environment, service } = fact.value
  return log.publish({
    subject: subjectOf(fact.type, laneOf(incidentLaneKey(environment, service), log.lanes)),
    data: encodeFact(fact),
    id: fact.id,
    headers: {
      ...traceHeaders(),
      'Plimsoll-Type': fact.type,
      'Plimsoll-Source': source,
      'Plimsoll-Time': new Date(fact.time).toISOString(),
    },
  })
}

// The two branches are the same but for their types: the compiler cannot follow the pair through a union.
const encodeFact = (fact: Fact): Uint8Array =>
  fact.type === 'plimsoll.incident.v1.AlertReceived'
    ? encodeEvent(fact.type, fact.value)
    : encodeEvent(fact.type, fact.value)
