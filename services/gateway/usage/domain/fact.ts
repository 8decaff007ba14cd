import { hash } from 'node:crypto'
import type { EventValue } from '@plimsoll/contracts/events.ts'
import { contactOf } from './contact.ts'
import { type FactFields, fieldsOf, type Notation } from './factfields.ts'
import type { Fields } from './fields.ts'
import { type Refusal, refused } from './verdict.ts'

const factTypes = {
  ticket: 'plimsoll.usage.v1.TicketRecorded',
  invoice: 'plimsoll.usage.v1.InvoiceRecorded',
  nps: 'plimsoll.usage.v1.NpsRecorded',
  subscription: 'plimsoll.usage.v1.SubscriptionRecorded',
  contact: 'plimsoll.usage.v1.ContactRecorded',
} as const

export type FactKind = keyof typeof factTypes
export type FactType = (typeof factTypes)[FactKind]

export const factKinds = Object.keys(factTypes) as readonly FactKind[]

/** A ticket, an invoice, an answer, a subscription or a contact, for USAGE. */
export type Fact = {
  readonly [T in FactType]: {
    readonly kind: 'fact'
    readonly type: T
    /** 32 hex digits over all that its sender stated: the same statement has the same id however often it comes. */
    readonly id: string
    readonly value: EventValue<T>
  }
}[FactType]

/** What a request, or an import's settings, add to the fields. */
export type FactReception = Notation & {
  readonly source: string
  /** ms since the epoch. */
  readonly receivedAt: number
  /** For amounts that state none. */
  readonly currency?: string | undefined
}

/** A state later than this cannot be one: it would win over every state to come. */
const AHEAD_MS = 24 * 3_600_000

export type Stated<T extends FactType> = Omit<EventValue<T>, 'source' | 'receivedAt' | 'updatedAt'>

/** Reads the fields named as in the schemas (contracts/avro/usage); refused with every problem there is. */
export function readFact(kind: FactKind, fields: Fields, reception: FactReception): Fact | Refusal {
  const { source, receivedAt } = reception
  const given = fieldsOf(fields, reception)
  const stated = readers[kind](given, reception)
  const updatedAt = given.time('updatedAt')
  if ((updatedAt ?? 0) > receivedAt + AHEAD_MS) given.refuse('updatedAt', 'a time that has come')
  const { problems, problemsOnRecord } = given
  if (problems.length > 0) return refused('invalid-fact', problems.join('; '), problemsOnRecord.join('; '))
  const type = factTypes[kind]
  const id = hash('sha256', JSON.stringify([type, source, stated, updatedAt])).slice(0, 32)
  const value = { ...stated, source, receivedAt, ...(kind === 'nps' ? {} : { updatedAt: updatedAt ?? receivedAt }) }
  // The table of readers pairs each kind with its type; the compiler cannot follow the pair through a union.
  return { kind: 'fact', type, id, value } as Fact
}

const readers: {
  readonly [K in FactKind]: (given: FactFields, reception: FactReception) => Stated<(typeof factTypes)[K]>
} = { ticket: ticketOf, invoice: invoiceOf, nps: npsOf, subscription: subscriptionOf, contact: contactOf }

function ticketOf(given: FactFields): Stated<'plimsoll.usage.v1.TicketRecorded'> {
  return {
    ticketId: given.id('ticketId'),
    accountId: given.id('accountId'),
    userId: given.idOr('userId', ''),
    severity: given.choice('severity', severities, 'normal'),
    openedAt: given.requiredTime('openedAt'),
    resolvedAt: given.time('resolvedAt') ?? null,
    reopened: given.count('reopened'),
    csat: given.number('csat', 1, 5) ?? null,
    text: given.text('text'),
  }
}

function invoiceOf(given: FactFields, reception: FactReception): Stated<'plimsoll.usage.v1.InvoiceRecorded'> {
  const paidAt = given.time('paidAt') ?? null
  const currency = currencyOf(given, reception)
  return {
    invoiceId: given.id('invoiceId'),
    accountId: given.id('accountId'),
    amountMinor:
      minorAmount(given, 'amount', currency) ?? given.missing('amountMinor', 'an amount in cents, or "amount"', 0),
    currency: currency || given.missing('currency', 'an ISO 4217 code such as EUR', ''),
    status: given.choice('status', invoiceStatuses, paidAt === null ? 'open' : 'paid'),
    dueAt: given.requiredTime('dueAt'),
    paidAt,
    attempts: given.count('attempts'),
  }
}

function npsOf(given: FactFields): Stated<'plimsoll.usage.v1.NpsRecorded'> {
  const accountId = given.id('accountId')
  const userId = given.idOr('userId', '')
  const answeredAt = given.requiredTime('answeredAt')
  const score = given.number('score', 0, 10)
  if (score !== undefined && !Number.isInteger(score)) given.refuse('score', 'a whole number')
  return {
    // Nobody answers twice at the same moment.
    responseId: given.idOr('responseId', `${accountId}|${userId}|${answeredAt}`),
    accountId,
    userId,
    score: score ?? given.missing('score', 'a whole number from 0 to 10', 0),
    comment: given.text('comment'),
    answeredAt,
  }
}

function subscriptionOf(given: FactFields, reception: FactReception): Stated<'plimsoll.usage.v1.SubscriptionRecorded'> {
  const accountId = given.id('accountId')
  const cancelledAt = given.time('cancelledAt') ?? null
  const currency = currencyOf(given, reception)
  const running = given.flag('isTrial') ? 'trialing' : 'active'
  const ended = cancelledAt !== null && cancelledAt <= reception.receivedAt
  const mrrMinor = minorAmount(given, 'mrr', currency) ?? 0
  if (mrrMinor !== 0 && currency === '') given.refuse('currency', 'an ISO 4217 code such as EUR')
  return {
    // Most organisations have one contract an account.
    subscriptionId: given.idOr('subscriptionId', accountId),
    accountId,
    status: given.choice('status', subscriptionStatuses, ended ? 'cancelled' : running),
    plan: given.text('plan'),
    segment: given.text('segment'),
    seats: given.count('seats'),
    mrrMinor,
    currency,
    startedAt: given.requiredTime('startedAt'),
    renewsAt: given.time('renewsAt') ?? null,
    cancelledAt,
    reason: given.text('reason'),
  }
}

function currencyOf(given: FactFields, reception: FactReception): string {
  const currency = (given.text('currency') || (reception.currency ?? '')).toUpperCase()
  if (currency !== '' && !/^[A-Z]{3}$/.test(currency)) given.refuse('currency', 'an ISO 4217 code such as EUR')
  return currency
}

/** `<name>Minor` as it is, else `<name>` in the currency's main unit. */
function minorAmount(given: FactFields, name: string, currency: string): number | undefined {
  const minor = given.number(`${name}Minor`)
  if (minor !== undefined) {
    if (!Number.isSafeInteger(minor)) given.refuse(`${name}Minor`, 'a whole number of cents')
    return Math.trunc(minor)
  }
  const main = given.number(name)
  if (main === undefined) return undefined
  const inMinor = Math.round(main * 10 ** (minorDigits[currency] ?? 2))
  if (Number.isSafeInteger(inMinor)) return inMinor
  given.refuse(name, `an amount of at most ${Number.MAX_SAFE_INTEGER} cents`)
  return 0
}

/** ISO 4217, table A.1, column "minor unit": those that have not two digits. */
const minorDigits: Readonly<Record<string, number>> = Object.fromEntries([
  ...'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'.split(' ').map((code) => [code, 0]),
  ...'BHD IQD JOD KWD LYD OMR TND'.split(' ').map((code) => [code, 3]),
  ...'CLF UYW'.split(' ').map((code) => [code, 4]),
])

/** Our words and those of common help desks and billing systems for them. */
const severities = {
  low: 'low',
  minor: 'low',
  p4: 'low',
  normal: 'normal',
  medium: 'normal',
  moderate: 'normal',
  p3: 'normal',
  high: 'high',
  major: 'high',
  p2: 'high',
  urgent: 'urgent',
  critical: 'urgent',
  blocker: 'urgent',
  p1: 'urgent',
} as const

const invoiceStatuses = {
  open: 'open',
  draft: 'open',
  pending: 'open',
  unpaid: 'open',
  overdue: 'open',
  past_due: 'open',
  paid: 'paid',
  succeeded: 'paid',
  failed: 'failed',
  payment_failed: 'failed',
  final_failed: 'final_failed',
  uncollectible: 'final_failed',
  refunded: 'refunded',
  void: 'void',
  voided: 'void',
  canceled: 'void',
  cancelled: 'void',
} as const

const subscriptionStatuses = {
  trialing: 'trialing',
  trial: 'trialing',
  active: 'active',
  past_due: 'past_due',
  unpaid: 'past_due',
  cancel_requested: 'cancel_requested',
  pending_cancel: 'cancel_requested',
  cancelled: 'cancelled',
  canceled: 'cancelled',
  churned: 'cancelled',
  expired: 'cancelled',
} as const
