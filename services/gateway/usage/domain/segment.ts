import { accountOf } from './account.ts'
import { type FieldNames, type Read, type UsageKind, usage } from './draft.ts'
import { type Fields, fieldsOr, firstText, isFields, textOf } from './fields.ts'
import { refusedField } from './verdict.ts'

/** Calls of Segment's specification, which RudderStack and Jitsu share. */
export const segmentCalls = ['track', 'identify', 'group', 'page', 'screen', 'alias'] as const
export type SegmentCall = (typeof segmentCalls)[number]

const called: FieldNames = {
  time: 'timestamp',
  account: 'groupId',
  person: 'userId, anonymousId',
  alias: 'userId and previousId',
}
const calledByOlder: FieldNames = { ...called, time: 'originalTimestamp' }

const isCall = (text: string): text is SegmentCall => (segmentCalls as readonly string[]).includes(text)

/**
 * A batch, an array of calls or one call; `path` is the call that the address names, for a body that does not.
 * Source: Segment's "Spec" and "HTTP API source" documentation; RudderStack and Jitsu differ only in what is noted here.
 */
export function segmentEvents(body: unknown, path: string, accountKeys: readonly string[]): readonly Read[] {
  const batch = isFields(body) && Array.isArray(body.batch) ? body : undefined
  const calls: readonly unknown[] =
    batch !== undefined ? (batch.batch as unknown[]) : Array.isArray(body) ? body : [body]
  const shared = fieldsOr(batch?.context)
  return calls.map((call) => readCall(call, { path, sentAt: batch?.sentAt, shared, accountKeys }))
}

type Surroundings = {
  readonly path: string
  readonly sentAt: unknown
  /** Context of the batch: what a call's own does not state. */
  readonly shared: Fields
  readonly accountKeys: readonly string[]
}

function readCall(call: unknown, { path, sentAt, shared, accountKeys }: Surroundings): Read {
  if (!isFields(call)) return refusedField('not-an-object', 'every call', 'an object', call)
  const type = textOf(call.type) || path
  if (!isCall(type)) return refusedField('unknown-type', 'type', `one of ${segmentCalls.join(', ')}`, call.type)
  const own = fieldsOr(call.context)
  const context = { ...shared, ...own }
  const library = fieldsOr(context.library)
  const traits = fieldsOr(call.traits)
  const properties = type === 'identify' || type === 'group' ? traits : fieldsOr(call.properties)
  return usage({
    kind: type,
    name: nameOf(type, call),
    userId: textOf(call.userId),
    anonymousId: textOf(call.anonymousId),
    // Jitsu keeps the group of a session at the top of each call.
    accountId: firstText(call.groupId, context.groupId) || accountOf(properties, accountKeys),
    messageId: textOf(call.messageId),
    idScope: '',
    time: call.timestamp ?? call.originalTimestamp ?? undefined,
    sentAt: call.sentAt ?? sentAt,
    quantity: 1,
    properties: type === 'alias' ? { previousId: textOf(call.previousId) } : properties,
    context: {
      libraryName: textOf(library.name),
      libraryVersion: textOf(library.version),
      plan: firstText(context.plan, traits.plan, fieldsOr(context.traits).plan),
      ip: textOf(context.ip),
    },
    called: call.timestamp === undefined || call.timestamp === null ? calledByOlder : called,
    given: call,
  })
}

function nameOf(type: UsageKind, call: Fields): string {
  switch (type) {
    case 'track':
      return textOf(call.event)
    case 'page':
    case 'screen':
      // Older SDKs state a category beside the name.
      return [textOf(call.category), textOf(call.name)].filter((part) => part !== '').join(' ')
    default:
      return ''
  }
}
