import { accountOf } from './account.ts'
import { type DraftContext, type FieldNames, type Read, usage } from './draft.ts'
import { type Fields, fieldsOr, firstText, isFields, textOf, without } from './fields.ts'
import { refusedField } from './verdict.ts'

/** What an address of Mixpanel's takes: events, or changes to the profile of a person or a group. */
export type MixpanelKind = 'event' | 'person' | 'group'

/** Properties that say the same as a field of the canonical event. */
const moved = new Set([
  'token',
  'distinct_id',
  'time',
  'mp_lib',
  '$lib_version',
  '$insert_id',
  '$user_id',
  '$device_id',
  'ip',
])

const called: FieldNames = {
  time: 'properties.time',
  account: '$group_id',
  person: 'properties.distinct_id',
  alias: 'properties.distinct_id and properties.alias, or two properties.$distinct_ids',
}
const calledInProfiles: FieldNames = { ...called, time: '$time', person: '$distinct_id' }

/** One object or an array of them. Source: Mixpanel's ingestion API reference. */
export function mixpanelEvents(body: unknown, kind: MixpanelKind, accountKeys: readonly string[]): readonly Read[] {
  const given: readonly unknown[] = Array.isArray(body) ? body : [body]
  return given.map((one) => {
    if (!isFields(one))
      return refusedField('not-an-object', `every ${kind === 'event' ? kind : 'change'}`, 'an object', one)
    return kind === 'event' ? readEvent(one, accountKeys) : readProfile(one, kind)
  })
}

function readEvent(event: Fields, accountKeys: readonly string[]): Read {
  const properties = fieldsOr(event.properties)
  const name = textOf(event.event)
  const distinctId = textOf(properties.distinct_id)
  const shared = {
    name: '',
    accountId: accountOf(properties, accountKeys),
    messageId: textOf(properties.$insert_id),
    // "Events with identical values for (event, time, distinct_id, $insert_id) are considered duplicates" (import API).
    idScope: JSON.stringify([name, textOf(properties.time), distinctId]),
    time: properties.time ?? undefined,
    sentAt: undefined,
    quantity: 1,
    context: contextOf(properties),
    called,
    given: event,
  }
  if (name === '$create_alias' || name === '$merge') {
    const [previous, current] =
      name === '$merge' && Array.isArray(properties.$distinct_ids)
        ? properties.$distinct_ids
        : [properties.distinct_id, properties.alias]
    const ids = { userId: textOf(current), anonymousId: '' }
    return usage({ kind: 'alias', ...shared, ...ids, properties: { previousId: textOf(previous) } })
  }
  if (name === '$identify') {
    const ids = { userId: textOf(properties.$identified_id), anonymousId: textOf(properties.$anon_id) }
    return usage({ kind: 'identify', ...shared, ...ids, properties: {} })
  }
  // "$device:" is how the browser's SDK marks somebody who has not signed in.
  const unknownPerson = distinctId.startsWith('$device:')
  return usage({
    kind: 'track',
    ...shared,
    name,
    userId: textOf(properties.$user_id) || (unknownPerson ? '' : distinctId),
    anonymousId: textOf(properties.$device_id) || (unknownPerson ? distinctId : ''),
    properties: without(properties, moved),
  })
}

const notOperations = new Set([
  '$set',
  '$set_once',
  '$token',
  '$time',
  '$ip',
  '$ignore_time',
  '$distinct_id',
  '$group_key',
  '$group_id',
])

/** Operations but `$set` and `$set_once` are kept under their names: what they come to is for whoever keeps profiles. */
function readProfile(change: Fields, kind: 'person' | 'group'): Read {
  const { $set, $set_once, $time, $ip, $distinct_id, $group_id } = change
  const properties = { ...fieldsOr($set_once), ...fieldsOr($set), ...without(change, notOperations) }
  return usage({
    kind: kind === 'person' ? 'identify' : 'group',
    name: '',
    userId: kind === 'person' ? textOf($distinct_id) : '',
    anonymousId: '',
    accountId: kind === 'person' ? '' : textOf($group_id),
    messageId: '',
    idScope: '',
    time: $time ?? undefined,
    sentAt: undefined,
    quantity: 1,
    properties,
    context: {
      libraryName: '',
      libraryVersion: '',
      plan: firstText(properties.plan, properties.$plan),
      ip: textOf($ip),
    },
    called: calledInProfiles,
    given: change,
  })
}

const contextOf = (properties: Fields): DraftContext => ({
  libraryName: textOf(properties.mp_lib),
  libraryVersion: textOf(properties.$lib_version),
  plan: '',
  ip: textOf(properties.ip),
})
