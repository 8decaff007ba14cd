import { accountOf } from './account.ts'
import { type Draft, type DraftContext, type FieldNames, type Read, type UsageKind, usage } from './draft.ts'
import { type Fields, fieldsOr, firstText, isFields, textOf, without } from './fields.ts'
import { timeOf } from './time.ts'
import { refusedField } from './verdict.ts'

/** Properties that say the same as a field of the canonical event. */
const moved = new Set(['$lib', '$lib_version', '$groups', '$insert_id', '$ip', 'distinct_id', 'token', '$time'])

const called: FieldNames = {
  time: 'timestamp',
  account: 'properties.$group_key',
  person: 'distinct_id',
  alias: 'distinct_id and properties.alias',
}

/**
 * A batch (`/batch/`), an array (`/e/`) or one event (`/capture/`). PostHog's own names mean calls of ours: `$identify`,
 * `$set`, `$groupidentify`, `$create_alias`, `$pageview`, `$screen`. Source: PostHog's capture API documentation.
 */
export function posthogEvents(body: unknown, accountKeys: readonly string[], receivedAt: number): readonly Read[] {
  const batch = isFields(body) && Array.isArray(body.batch) ? body : undefined
  const events: readonly unknown[] =
    batch !== undefined ? (batch.batch as unknown[]) : Array.isArray(body) ? body : [body]
  return events.map((event) => readEvent(event, batch?.sent_at, accountKeys, receivedAt))
}

function readEvent(event: unknown, sentAt: unknown, accountKeys: readonly string[], receivedAt: number): Read {
  if (!isFields(event)) return refusedField('not-an-object', 'every event', 'an object', event)
  const properties = fieldsOr(event.properties)
  const name = textOf(event.event)
  const set = { ...fieldsOr(properties.$set_once ?? event.$set_once), ...fieldsOr(properties.$set ?? event.$set) }
  const distinctId = firstText(event.distinct_id, properties.distinct_id)
  const unknownPerson = distinctId === properties.$device_id
  const person = {
    userId: unknownPerson ? '' : distinctId,
    anonymousId: unknownPerson ? distinctId : textOf(properties.$anon_distinct_id),
    accountId: accountOf(properties, accountKeys),
  }
  const draft = (kind: UsageKind, rest: Partial<Draft> = {}): Read =>
    usage({
      kind,
      name: '',
      ...person,
      messageId: firstText(event.uuid, properties.$insert_id),
      idScope: '',
      time: timeStated(event, receivedAt),
      sentAt: event.sent_at ?? sentAt,
      quantity: 1,
      properties: without(properties, moved),
      context: contextOf(properties, set),
      called,
      given: event,
      ...rest,
    })
  switch (name) {
    case '$identify':
    case '$set':
      return draft('identify', { properties: set })
    case '$groupidentify': {
      // Its distinct id is made up from the group: nobody did anything.
      const group = { userId: '', anonymousId: '', accountId: textOf(properties.$group_key) }
      return draft('group', { ...group, properties: fieldsOr(properties.$group_set) })
    }
    case '$create_alias':
      return draft('alias', { properties: { previousId: textOf(properties.alias) } })
    case '$pageview':
      return draft('page', { name: firstText(properties.title, properties.$pathname) })
    case '$screen':
      return draft('screen', { name: textOf(properties.$screen_name) })
    default:
      return draft('track', { name })
  }
}

/** The browser's SDK states how long ago it happened, in ms, where it does not state when. */
function timeStated(event: Fields, receivedAt: number): unknown {
  const { timestamp, offset } = event
  if (timestamp !== undefined && timestamp !== null) return timestamp
  return typeof offset === 'number' ? timeOf(receivedAt - offset) : undefined
}

const contextOf = (properties: Fields, set: Fields): DraftContext => ({
  libraryName: textOf(properties.$lib),
  libraryVersion: textOf(properties.$lib_version),
  plan: textOf(set.plan),
  ip: textOf(properties.$ip),
})
