import { postableAlert } from './alertmanager.ts'
import { cdeventDeployment, cdeventTypes, isCdevent } from './cdevents.ts'
import { readPlainDeployment } from './deployment.ts'
import { type Fact, type Mapped, mapped, type Reception } from './fact.ts'
import { type Parsed, parse, parseList, type Shape } from './shape.ts'

/** Types whose data this gateway understands. An event of another type is refused, never stored unread. */
export const cloudEventTypes = [
  'plimsoll.incident.v1.AlertReceived',
  'plimsoll.incident.v1.DeploymentRecorded',
  ...cdeventTypes,
] as const

/** The three forms of the HTTP binding, by the request's headers. */
export type CloudEventMode = 'structured' | 'batch' | 'binary'

/** Source: CloudEvents 1.0.2, HTTP protocol binding, section 3. Undefined: neither form. */
export function cloudEventMode(headers: Readonly<Record<string, unknown>>): CloudEventMode | undefined {
  const [type] = String(headers['content-type'] ?? '').split(';', 1)
  switch (type?.trim().toLowerCase()) {
    case 'application/cloudevents+json':
      return 'structured'
    case 'application/cloudevents-batch+json':
      return 'batch'
    default:
      return headers['ce-specversion'] === undefined ? undefined : 'binary'
  }
}

/** A binary-mode request as the structured event it stands for: `ce-*` headers are attributes, the body is the data. */
export function fromBinary(headers: Readonly<Record<string, unknown>>, data: unknown): Record<string, unknown> {
  const event: Record<string, unknown> = { data }
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith('ce-') && typeof value === 'string') event[name.slice(3)] = decoded(value)
  }
  return event
}

// Header values are percent-encoded outside printable ASCII (HTTP binding, section 3.1.3.2).
function decoded(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}

export const cloudEvent = (body: unknown, reception: Reception): Parsed<Mapped> =>
  parse(body, (event) => mapped(eventFacts(event, reception)))

/** All or nothing: a batch with one event that is refused stores none, and may be sent again whole. */
export function cloudEventBatch(body: unknown, reception: Reception): Parsed<Mapped> {
  const events = parseList(body, (event) => eventFacts(event, reception))
  return events.kind === 'read' ? { kind: 'read', value: mapped(events.value.flat()) } : events
}

function eventFacts(event: Shape, reception: Reception): readonly Fact[] {
  if (event.textOr('specversion', '') !== '1.0') event.refuse('specversion', '"1.0"')
  event.text('id')
  event.text('source')
  event.timeOr('time')
  const type = event.text('type')
  // An unknown type's data is not looked at: its fields would be problems of a form it never claimed.
  if (type === 'plimsoll.incident.v1.AlertReceived')
    return [postableAlert(event.inner('data'), 'cloudevent', reception)]
  if (type === 'plimsoll.incident.v1.DeploymentRecorded') return [readPlainDeployment(event.inner('data'), reception)]
  if (isCdevent(type)) return [cdeventDeployment(event.inner('data'), reception)]
  if (type !== '') event.refuse('type', `one of ${cloudEventTypes.join(', ')}`)
  return []
}
