import { hash } from 'node:crypto'
import { encodeEvent } from '@plimsoll/contracts/events.ts'
import { laneOf } from '@plimsoll/contracts/lane.ts'
import { subjectOf } from '@plimsoll/contracts/subjects.ts'
import { type UsageEvent, usageLaneKey } from '@plimsoll/contracts/usage-batch.ts'
import type { Clock } from '@plimsoll/kit/clock.ts'
import { appError } from '@plimsoll/kit/errors.ts'
import type { EventLog } from '@plimsoll/kit/log/log.ts'
import { traceHeaders } from '@plimsoll/kit/telemetry/propagation.ts'
import { createLaneBatcher } from '../batch/lanes.ts'
import { createPerSource } from '../batch/persource.ts'
import { createBatchPublisher } from '../batch/publisher.ts'
import type { Reason } from '../sources/advice.ts'
import type { SourceLedger } from '../sources/ledger.ts'
import type { Read } from './domain/draft.ts'
import { checkDraft, type Reception } from './domain/event.ts'
import type { Fact } from './domain/fact.ts'
import type { Verdict, VerdictStatus } from './domain/verdict.ts'
import { type Quarantined, quarantineMessages } from './quarantine.ts'
import { openUsageBatch, usageWeight } from './usagebatch.ts'
import { createEventWindow, ID_BYTES, idAt } from './window.ts'

export type UsageLimits = {
  /** A batch of a lane waits at most this long for company, ms. */
  readonly lingerMs: number
  readonly maxMessageBytes: number
  readonly maxInFlightBytes: number
  /** How long a request waits for the broker before it is answered 503, ms. */
  readonly answerWithinMs: number
}

/** More than Segment (2,500) and Mixpanel (2,000) take. */
export const MAX_EVENTS = 5_000

export type UsageRequest = Reception & { readonly protocol: string }

/** What became of a request, once everything of it is durable. */
export type Receipt = Readonly<Record<VerdictStatus, number>> & {
  /** Of every event, in their order. */
  readonly verdicts: readonly Verdict[]
}

export type UsageIntake = {
  /**
   * Stores what is good of a request and resolves after the broker's acknowledgement of all of it. Rejects with
   * `too-large`, `rate-limited` or `unavailable`; the sender's repeat then finishes the work.
   */
  take(request: UsageRequest, reads: readonly Read[]): Promise<Receipt>
  /** Learns which events the log holds: before the first request. */
  rebuild(): Promise<number>
  drain(withinMs: number): Promise<void>
}

/** A verdict but for which event it is of; `onRecord` is what of its detail may be kept. */
type Outcome = Pick<Verdict, 'status' | 'code' | 'detail'> & { readonly onRecord: string }

/**
 * What is kept of a request while the broker stores it, as little as its answer needs: what survives a collection or two
 * costs more than it did to read.
 */
type Judged = {
  readonly messageIds: readonly (string | null)[]
  readonly outcomes: Outcome[]
  /** What this request added to the window, end to end. */
  readonly ids: Uint8Array
}

/** A request's events by what is to be done with them. */
type Sorted = {
  readonly events: UsageEvent[]
  readonly facts: { readonly fact: Fact; readonly index: number }[]
  readonly quarantined: Quarantined[]
  readonly ids: Uint8Array[]
}

export function createUsageIntake(
  log: EventLog,
  clock: Clock,
  ledger: SourceLedger,
  limits: UsageLimits,
  onPublishRetry: (error: unknown) => void = () => {},
): UsageIntake {
  const publisher = createBatchPublisher(log, clock, onPublishRetry)
  const window = createEventWindow(clock)
  const batchers = createPerSource(clock, (source) =>
    createLaneBatcher({
      type: 'plimsoll.usage.v1.UsageBatch',
      source,
      lanes: log.lanes,
      open: () => openUsageBatch(source, clock.now),
      publish: publisher.publish,
      headers: traceHeaders,
      lingerMs: limits.lingerMs,
      maxBytes: limits.maxMessageBytes,
    }),
  )
  const underWay = new Set<Promise<unknown>>()
  let inFlightBytes = 0

  function judge(read: Read, index: number, request: UsageRequest, sorted: Sorted): Outcome {
    const { events, facts, quarantined, ids } = sorted
    const checked = read.kind === 'usage' ? checkDraft(read.draft, request) : read
    switch (checked.kind) {
      case 'event':
      case 'fact': {
        const id = checked.kind === 'event' ? checked.event.messageId : Buffer.from(checked.fact.id, 'hex')
        if (!window.add(id)) return known
        ids.push(id)
        if (checked.kind === 'event') events.push(checked.event)
        else facts.push({ fact: checked.fact, index })
        return accepted
      }
      case 'quarantined': {
        quarantined.push(checked)
        const { code, detail } = checked
        return { status: 'quarantined', code, detail, onRecord: detail }
      }
      case 'refused': {
        const { code, detail, onRecord } = checked
        return { status: 'rejected', code, detail, onRecord }
      }
    }
  }

  /** Events by lane, into batches shared with other requests; see `createLaneBatcher`. */
  function storeEvents(source: string, events: readonly UsageEvent[], ids: Uint8Array): Promise<void> {
    const lanes = events.map((event) => laneOf(usageLaneKey(event), log.lanes))
    const weights = events.map(usageWeight)
    const weight = new Float64Array(log.lanes)
    lanes.forEach((lane, i) => {
      weight[lane] = (weight[lane] as number) + (weights[i] as number)
    })
    const requestId = hash('sha256', ids).slice(0, 32)
    return batchers.of(source).take({ requestId, stored: nothingStored, weight }, (batchFor) => {
      for (const [i, event] of events.entries()) batchFor(lanes[i] as number, weights[i] as number)?.add(event)
    })
  }

  /** A fact's own message; a repeat that only the broker remembers turns its verdict into `duplicate`. */
  async function storeFact(source: string, fact: Fact): Promise<boolean> {
    const { type, id, value } = fact
    const ack = await log.publish({
      subject: subjectOf(type, laneOf(value.accountId, log.lanes)),
      // The fact's type pairs them; the compiler cannot follow the pair through a union.
      data: encodeEvent<typeof type>(type, value as never),
      id: `${type}.${id}`,
      headers: {
        'Plimsoll-Type': type,
        'Plimsoll-Source': source,
        'Plimsoll-Time': new Date(value.receivedAt).toISOString(),
        ...traceHeaders(),
      },
    })
    return !ack.duplicate
  }

  /** Judges a request's events and begins to store what is good. */
  function begin(request: UsageRequest, reads: readonly Read[]): { judged: Judged; storing: Promise<unknown> } {
    const { source, receivedAt } = request
    const sorted: Sorted = { events: [], facts: [], quarantined: [], ids: [] }
    const outcomes = reads.map((read, index) => judge(read, index, request, sorted))
    const judged = { messageIds: reads.map(idOf), outcomes, ids: Buffer.concat(sorted.ids) }
    // What another request is still storing is only durable when that one is done.
    const others = outcomes.includes(known) ? underWay : []
    const facts = sorted.facts.map(async ({ fact, index }) => {
      if (!(await storeFact(source, fact))) outcomes[index] = known
    })
    const apart = quarantineMessages(log.lanes, source, sorted.quarantined, receivedAt).map((message) =>
      publisher.publish(message),
    )
    return {
      judged,
      storing: Promise.all([storeEvents(source, sorted.events, judged.ids), ...facts, ...apart, ...others]),
    }
  }

  function track(storing: Promise<unknown>, ids: Uint8Array, bytes: number): void {
    inFlightBytes += bytes
    underWay.add(storing)
    const over = () => {
      inFlightBytes -= bytes
      underWay.delete(storing)
    }
    storing.then(over, () => {
      over()
      // They are not stored, or nobody knows: the sender's repeat has to get through.
      for (let i = 0; i < ids.length / ID_BYTES; i++) window.forget(idAt(ids, i))
    })
  }

  function count({ source, protocol }: UsageRequest, { messageIds, outcomes }: Judged): Receipt {
    const counts = { accepted: 0, duplicate: 0, rejected: 0, quarantined: 0 }
    const verdicts = outcomes.map(({ status, code, detail, onRecord }, index) => {
      counts[status]++
      if (code !== null && code !== 'duplicate') ledger.refuse(source, protocol, code, 1, onRecord)
      return { index, messageId: messageIds[index] ?? null, status, code, detail }
    })
    if (counts.accepted > 0) ledger.acceptEvents(source, protocol, counts.accepted)
    if (counts.duplicate > 0) ledger.repeat(source, protocol, counts.duplicate)
    return { ...counts, verdicts }
  }

  return {
    async take(request, reads) {
      const { source, protocol, bodyBytes } = request
      const events = reads.length
      const refuseAll = (reason: Reason, detail: string) => ledger.refuse(source, protocol, reason, events, detail)
      if (events > MAX_EVENTS) {
        refuseAll('too-many-events', `${events} events at once`)
        throw appError(
          'too-large',
          `A request may hold ${MAX_EVENTS} events, this one holds ${events}: send fewer at once.`,
        )
      }
      if (inFlightBytes > 0 && inFlightBytes + bodyBytes > limits.maxInFlightBytes) {
        refuseAll('overloaded', `${inFlightBytes} bytes were waiting for the broker`)
        throw appError('rate-limited', 'Too much is waiting for the broker: try again.', { retryAfterMs: 1_000 })
      }
      const { judged, storing } = begin(request, reads)
      track(storing, judged.ids, bodyBytes)
      const receipt = await publisher.awaitStored(
        storing.then(() => count(request, judged)),
        limits.answerWithinMs,
      )
      if (receipt !== undefined) return receipt
      refuseAll('unavailable', publisher.obstacle())
      throw appError('unavailable', `Not stored yet, since ${publisher.obstacle()}: try again.`, {
        retryAfterMs: 5_000,
      })
    },
    rebuild: () => window.rebuild(log),
    async drain(withinMs) {
      for (const batcher of batchers.all()) batcher.flush()
      await publisher.awaitStored(Promise.allSettled(underWay), withinMs)
      publisher.stop()
    },
  }
}

const nothingStored: ReadonlySet<string> = new Set()

const accepted: Outcome = { status: 'accepted', code: null, detail: '', onRecord: '' }

const known: Outcome = {
  ...{ status: 'duplicate', code: 'duplicate', detail: 'it was stored before: nothing to do', onRecord: '' },
}

function idOf(read: Read): string | null {
  if (read.kind === 'usage') return read.draft.messageId || null
  return read.kind === 'fact' ? read.messageId || null : null
}
