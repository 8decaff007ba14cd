import { type CloudEvent, readCloudEvent } from '../../hooks/domain/envelope.ts'
import { parse } from '../../hooks/domain/shape.ts'
import { type FieldNames, type Read, usage } from './draft.ts'
import { type FactKind, type FactReception, readFact } from './fact.ts'
import { type Fields, fieldsOr, firstText, isFields, textOf } from './fields.ts'
import { refused } from './verdict.ts'

/** `cs.ticket`, `cs.invoice.paid`, `cs.nps.answered.v1`: facts, whatever the sender calls what happened to them. */
const factType = /^cs\.(ticket|invoice|nps|subscription)(\.|$)/
const called: FieldNames = {
  time: 'time',
  account: 'accountid',
  person: 'data.userId, data.anonymousId',
  alias: 'data.userId and data.previousId',
}
/** Our own type for what a product's users do: the data says what. */
const USAGE_TYPE = 'cs.usage'

/**
 * Usage as CloudEvents, OpenMeter's included: an event of a person is what that person did, one without is metered usage
 * of its subject. The account is the extension `accountid`, else the data's accountId, else the subject.
 */
export function cloudEventUsage(event: unknown, reception: FactReception): Read {
  const parsed = parse(event, readCloudEvent)
  if (parsed.kind === 'refused') {
    const problems = parsed.problems.map(({ field, expected }) => `${field || 'the event'} must be ${expected}`)
    return refused('invalid-cloudevent', problems.join('; '))
  }
  const { value } = parsed
  const [, factKind] = factType.exec(value.type) ?? []
  return factKind === undefined ? usageOf(value, event) : factOf(value, factKind as FactKind, reception)
}

function usageOf({ id, source, type, subject, time, extensions, data }: CloudEvent, given: unknown): Read {
  const properties: Fields = isFields(data) ? data : data === undefined ? {} : { data }
  const userId = firstText(properties.userId, properties.user_id, extensions.get('userid'))
  const anonymousId = textOf(properties.anonymousId)
  const metered = userId === '' && anonymousId === ''
  const amount = [properties.quantity, properties.value].find((value) => Number.isFinite(value))
  return usage({
    kind: metered ? 'quantity' : 'track',
    name: type === USAGE_TYPE ? firstText(properties.event, properties.feature, type) : type,
    userId,
    anonymousId,
    accountId: firstText(extensions.get('accountid'), properties.accountId, subject),
    messageId: id,
    idScope: source,
    time,
    sentAt: undefined,
    quantity: metered && typeof amount === 'number' ? amount : 1,
    properties,
    context: { libraryName: '', libraryVersion: '', plan: textOf(extensions.get('plan')), ip: '' },
    called,
    given,
  })
}

function factOf({ id, subject, time, extensions, data }: CloudEvent, kind: FactKind, reception: FactReception): Read {
  const accountId = firstText(extensions.get('accountid'), subject)
  const fact = readFact(kind, { accountId, updatedAt: time, ...fieldsOr(data) }, reception)
  return fact.kind === 'refused' ? fact : { kind: 'fact', fact, messageId: id }
}
