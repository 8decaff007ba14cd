/** The product log cs-sim as its senders would have told it: requests, in the order of time. */

import { join } from 'node:path'
import { cssimFolder } from '../bench/cs/cssim.ts'
import { cssimEvents, segmentBatch } from '../bench/cs/cssim-events.ts'
import { csvRows } from '../bench/detect/csv.ts'

const DAY_MS = 86_400_000
const EVENTS = 1_000
const FACTS = 500

export type JsonRequest = { readonly path: string; readonly body: Uint8Array; readonly items: number }

/**
 * Contracts and groups first, then what happened beside the use, and the events last: days close once these are read, and
 * everything of them is to be known by then. `dayZeroMs` is when day 0 begins; what is later than `lastDay` is still to come.
 */
export function* cssimRequests(data: string, dayZeroMs: number, lastDay: number): Generator<JsonRequest> {
  yield* accountRequests(data, dayZeroMs)
  yield* factRequests(data, dayZeroMs, lastDay)
  const events = [...cssimEvents(data)].sort((a, b) => a.day - b.day || a.second - b.second)
  for (let from = 0; from < events.length; from += EVENTS) {
    const part = events.slice(from, from + EVENTS)
    yield { path: '/v1/batch', body: segmentBatch(part, dayZeroMs), items: part.length }
  }
}

const read = (data: string, name: string): Iterable<string[]> => csvRows(join(cssimFolder(data), `${name}.csv.gz`))

export function lastDayOf(data: string): number {
  let last = 0
  for (const { day } of cssimEvents(data)) last = Math.max(last, day)
  return last
}

function* accountRequests(data: string, dayZeroMs: number): Generator<JsonRequest> {
  const cancelled = new Map<string, string>()
  for (const [account = '', day = ''] of read(data, 'outcomes')) if (day !== '') cancelled.set(account, day)
  const accounts = [...read(data, 'accounts')]
  const at = (day: string): string => new Date(dayZeroMs + Number(day) * DAY_MS).toISOString()
  const states = accounts.flatMap(([accountId = '', segment, seats, amount, start = '']) => {
    const state = { subscriptionId: accountId, accountId, segment, seats: Number(seats), mrr: amount, currency: 'USD' }
    const begun = { ...state, status: 'active', startedAt: at(start), updatedAt: at(start) }
    const end = cancelled.get(accountId)
    return end === undefined
      ? [begun]
      : [begun, { ...begun, status: 'cancelled', cancelledAt: at(end), updatedAt: at(end) }]
  })
  yield* parts('/v1/subscriptions', states)
  const groups = accounts.map(([accountId = '', segment, , , start = '']) => ({
    ...{ type: 'group', userId: `${accountId}-0`, groupId: accountId, messageId: `group-${accountId}` },
    ...{ timestamp: at(start), traits: { segment } },
  }))
  for (let from = 0; from < groups.length; from += EVENTS) {
    const batch = groups.slice(from, from + EVENTS)
    yield { path: '/v1/batch', body: Buffer.from(JSON.stringify({ batch })), items: batch.length }
  }
}

function* factRequests(data: string, dayZeroMs: number, lastDay: number): Generator<JsonRequest> {
  const at = (day = ''): string | null => (day === '' ? null : new Date(dayZeroMs + Number(day) * DAY_MS).toISOString())
  const tickets = Array.from(read(data, 'tickets'), ([ticketId, accountId, opened, severity, resolved, csat = '']) => ({
    ...{
      ticketId,
      accountId,
      severity,
      openedAt: at(opened),
      resolvedAt: at(resolved),
      updatedAt: at(resolved || opened),
    },
    ...(csat !== '' && { csat: Number(csat) }),
  }))
  yield* parts('/v1/tickets', tickets)
  const invoices = Array.from(read(data, 'invoices'), ([invoiceId, accountId, due, amount, status, paid = '']) => {
    const isToCome = paid !== '' && Number(paid) > lastDay
    const state = isToCome ? { status: 'open', paidAt: null } : { status, paidAt: at(paid) }
    const updatedAt = at(isToCome ? due : paid || due)
    return { invoiceId, accountId, amount, currency: 'USD', dueAt: at(due), updatedAt, ...state }
  })
  yield* parts('/v1/invoices', invoices)
  const answers = Array.from(read(data, 'nps'), ([accountId = '', userId = '', day = '', score]) => ({
    ...{ responseId: `${userId}-${day}`, accountId, userId, score: Number(score), answeredAt: at(day) },
  }))
  yield* parts('/v1/nps', answers)
}

function* parts(path: string, items: readonly object[]): Generator<JsonRequest> {
  for (let from = 0; from < items.length; from += FACTS) {
    const part = items.slice(from, from + FACTS)
    yield { path, body: Buffer.from(JSON.stringify(part)), items: part.length }
  }
}
