import { postableAlert } from './alertmanager.ts'
import { cdeventDeployment, cdeventTypes, isCdevent } from './cdevents.ts'
import { readPlainDeployment } from './deployment.ts'
import { readCloudEvent } from './envelope.ts'
import { type Fact, type Mapped, mapped, type Reception } from './fact.ts'
import { type Parsed, parse, parseList, type Shape } from './shape.ts'

/** Types whose data this gateway understands. An event of another type is refused, never stored unread. */
export const cloudEventTypes = [
  'plimsoll.incident.v1.AlertReceived',
  'plimsoll.incident.v1.DeploymentRecorded',
  ...cdeventTypes,
] as const

export const cloudEvent = (body: unknown, reception: Reception): Parsed<Mapped> =>
  parse(body, (event) => mapped(eventFacts(event, reception)))

/** All or nothing: a batch with one event that is refused stores none, and may be sent again whole. */
export function cloudEventBatch(body: unknown, reception: Reception): Parsed<Mapped> {
  const events = parseList(body, (event) => eventFacts(event, reception))
  return events.kind === 'read' ? { kind: 'read', value: mapped(events.value.flat()) } : events
}

function eventFacts(event: Shape, reception: Reception): readonly Fact[] {
  const { type } = readCloudEvent(event)
  // An unknown type's data is not looked at: its fields would be problems of a form it never claimed.
  if (type === 'plimsoll.incident.v1.AlertReceived')
    return [postableAlert(event.inner('data'), 'cloudevent', reception)]
  if (type === 'plimsoll.incident.v1.DeploymentRecorded') return [readPlainDeployment(event.inner('data'), reception)]
  if (isCdevent(type)) return [cdeventDeployment(event.inner('data'), reception)]
  if (type !== '') event.refuse('type', `one of ${cloudEventTypes.join(', ')}`)
  return []
}
