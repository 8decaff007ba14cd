import { hash } from 'node:crypto'
import { USAGE_KIND, type UsageEvent } from '@plimsoll/contracts/usage-batch.ts'
import type { Draft } from './draft.ts'
import { type Fields, mostBytes } from './fields.ts'
import { timeOf } from './time.ts'
import { type Refusal, refused, refusedField, type UsageCode } from './verdict.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** Clocks closer than this need no correction: the way of the request takes some of it. */
export const CLOCK_TOLERANCE_MS = 60_000
export const OLDEST_MS = 400 * DAY_MS
export const AHEAD_MS = DAY_MS

const MAX_EVENT_BYTES = 32 * 1024
const MAX_PROPERTIES_BYTES = 16 * 1024
/** A consumer's index takes about 2,700 bytes a row: two ids and a name of this length fit in, whatever their script. */
const MAX_TEXT_LENGTH = 255
const MAX_DEPTH = 32
/** How long an event that states neither id nor time is taken for a repeat of one like it. */
const REPEAT_MS = 10 * 60_000

/** What a request adds to its events. */
export type Reception = {
  readonly source: string
  /** ms since the epoch. */
  readonly receivedAt: number
  /** Of the request's whole body: smaller than an event may be, no event has to be measured. */
  readonly bodyBytes: number
  /** Stands for an address without telling it. */
  readonly ipHash: (ip: string) => string
}

export type Checked =
  | { readonly kind: 'event'; readonly event: UsageEvent }
  | { readonly kind: 'quarantined'; readonly event: UsageEvent; readonly code: UsageCode; readonly detail: string }
  | Refusal

/**
 * The canonical event of a draft. Quarantined ones are whole, but their time is not believable: they are kept apart until
 * somebody says that it is right.
 */
export function checkDraft(draft: Draft, reception: Reception): Checked {
  const refusal = contentRefusal(draft) ?? sizeRefusal(draft, reception)
  if (refusal !== undefined) return refusal
  const times = timesOf(draft, reception.receivedAt)
  if (times === undefined) {
    const expected = 'a time such as 2026-11-23T10:15:00Z, or ms since 1970'
    return refusedField('invalid-time', draft.called.time, expected, draft.time)
  }
  const properties = jsonText(draft.properties)
  if (Buffer.byteLength(properties) > MAX_PROPERTIES_BYTES) {
    return refused(
      'properties-too-large',
      `properties and traits may take 16 KB as JSON, these take ${properties.length}`,
    )
  }
  const event: UsageEvent = {
    messageId: messageIdOf(draft, reception),
    ...times,
    kind: USAGE_KIND[draft.kind],
    name: storable(draft.name),
    accountId: storable(draft.accountId),
    userId: storable(draft.userId),
    anonymousId: storable(draft.anonymousId),
    quantity: draft.quantity,
    properties,
    context: contextText(draft, reception),
  }
  const { timeMs } = times
  if (timeMs < reception.receivedAt - OLDEST_MS) {
    return {
      kind: 'quarantined',
      event,
      code: 'too-old',
      detail: 'it happened more than 400 days ago: replay it if so',
    }
  }
  if (timeMs > reception.receivedAt + AHEAD_MS) {
    const detail = 'it happens more than 24 hours from now: check the clock of the sender'
    return { kind: 'quarantined', event, code: 'too-far-ahead', detail }
  }
  return { kind: 'event', event }
}

function contentRefusal(draft: Draft): Refusal | undefined {
  const { kind, name, accountId, userId, anonymousId, properties, called } = draft
  if (name === '' && (kind === 'track' || kind === 'quantity')) {
    return refused('missing-name', 'say what happened: "event" must be text that is not empty')
  }
  if (kind === 'group' && accountId === '') {
    return refused('missing-account', `say which account it is: ${called.account} must be text that is not empty`)
  }
  if (kind === 'alias' && (userId === '' || properties.previousId === '')) {
    return refused('missing-previous-id', `an alias needs ${called.alias}`)
  }
  if (userId === '' && anonymousId === '' && (kind === 'identify' || accountId === '')) {
    return refused('missing-identity', `say who it was: ${called.person} or, but for identify, an account`)
  }
  for (const [field, text] of Object.entries({ name, accountId, userId, anonymousId })) {
    if (text.length > MAX_TEXT_LENGTH) {
      return refusedField('text-too-long', field, `text of at most ${MAX_TEXT_LENGTH} characters`, text)
    }
  }
  return undefined
}

function sizeRefusal({ given }: Draft, { bodyBytes }: Reception): Refusal | undefined {
  const most = mostBytes(given, MAX_DEPTH)
  if (most === undefined) return refused('nested-too-deep', `an event may be nested ${MAX_DEPTH} deep`)
  if (Math.min(bodyBytes, most) <= MAX_EVENT_BYTES) return undefined
  const bytes = Buffer.byteLength(JSON.stringify(given))
  return bytes > MAX_EVENT_BYTES
    ? refused('event-too-large', `an event may take 32 KB, this one takes ${bytes} B`)
    : undefined
}

type Times = Pick<UsageEvent, 'timeMs' | 'originalTimeMs' | 'sentTimeMs'>

/** Undefined when the stated time is none. A sentAt that is none counts as not stated: it only corrects. */
function timesOf({ time, sentAt }: Draft, receivedAt: number): Times | undefined {
  const sentTimeMs = timeOf(sentAt) ?? 0
  if (time === undefined) {
    return { timeMs: receivedAt, originalTimeMs: receivedAt, sentTimeMs }
  }
  const originalTimeMs = timeOf(time)
  if (originalTimeMs === undefined) return undefined
  const skew = sentTimeMs === 0 ? 0 : receivedAt - sentTimeMs
  const correction = Math.abs(skew) > CLOCK_TOLERANCE_MS ? skew : 0
  return { timeMs: Math.floor(originalTimeMs) + correction, originalTimeMs, sentTimeMs }
}

/**
 * 16 bytes of SHA-256 over source and sender's id, or over the whole event. One that states neither id nor time can only
 * be told from a repeat by when it comes.
 */
function messageIdOf({ messageId, idScope, time, kind, given }: Draft, { source, receivedAt }: Reception): Uint8Array {
  const period = time === undefined ? Math.floor(receivedAt / REPEAT_MS) : ''
  const whole = () => `${kind}|${period}|${JSON.stringify(given)}`
  const identity = messageId === '' ? whole() : idScope === '' ? messageId : JSON.stringify([idScope, messageId])
  // As text and back: a hash as a buffer takes three times as long.
  return Buffer.from(hash('sha256', `${source}|${identity}`, 'binary').slice(0, 16), 'latin1')
}

function contextText({ context, time }: Draft, { ipHash }: Reception): string {
  const { libraryName, libraryVersion, plan, ip } = context
  // A number of ms cannot hold it.
  const fineTime = typeof time === 'string' && /[.,]\d{4}/.test(time) ? time : undefined
  if (libraryName === '' && plan === '' && ip === '' && fineTime === undefined) return ''
  // JSON leaves out what is undefined.
  return jsonText({
    library: libraryName === '' ? undefined : { name: libraryName, version: libraryVersion || undefined },
    plan: plan || undefined,
    ip: ip === '' ? undefined : ipHash(ip),
    time: fineTime,
  })
}

/** PostgreSQL's text and jsonb hold neither a zero character nor half of a surrogate pair. */
const storable = (text: string): string =>
  /[\0\ud800-\udfff]/.test(text) ? text.replaceAll('\0', '\uFFFD').toWellFormed() : text

// JSON.stringify escapes control characters and halves of pairs as \u with lower-case digits, and a backslash by another.
const unstorable = /(?<!\\)((?:\\\\)*)\\u(?:0000|d[89a-f][\da-f]{2})/g

function jsonText(value: Fields): string {
  const text = JSON.stringify(value)
  return text.includes('\\u') ? text.replace(unstorable, '$1\uFFFD') : text
}
