import type { Shape } from './shape.ts'

/** The three forms of the HTTP binding, by the request's headers. */
export type CloudEventMode = 'structured' | 'batch' | 'binary'

/** Header names come in any case: Node's server lowers them, whatever stands before it may not. */
const lowered = (headers: Readonly<Record<string, unknown>>): [string, unknown][] =>
  Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])

/**
 * Source: CloudEvents 1.0.2, HTTP protocol binding, section 3. Undefined: no form of it that is JSON. Any ce-* header
 * makes it binary, so that one without ce-specversion is told what it lacks.
 */
export function cloudEventMode(headers: Readonly<Record<string, unknown>>): CloudEventMode | undefined {
  const entries = lowered(headers)
  const contentType = entries.find(([name]) => name === 'content-type')?.[1]
  const type =
    String(contentType ?? '')
      .split(';', 1)[0]
      ?.trim()
      .toLowerCase() ?? ''
  if (type === 'application/cloudevents+json') return 'structured'
  if (type === 'application/cloudevents-batch+json') return 'batch'
  if (type.startsWith('application/cloudevents')) return undefined
  return entries.some(([name]) => name.startsWith('ce-')) ? 'binary' : undefined
}

/** Of a binary request, these are what the body and Content-Type say (sections 3.1.1 and 3.1.2), not headers. */
const notHeaders = new Set(['data', 'data_base64', 'datacontenttype'])

/** A binary request as the structured event it stands for: `ce-*` headers are attributes, the body is `data`. */
export function fromBinary(
  headers: Readonly<Record<string, unknown>>,
  data: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const attributes = lowered(headers).flatMap(([name, value]) =>
    name.startsWith('ce-') && typeof value === 'string' && !notHeaders.has(name.slice(3))
      ? [[name.slice(3), decoded(value)]]
      : [],
  )
  return { ...Object.fromEntries(attributes), ...data }
}

/**
 * Section 3.1.3.2: a quoted value is unquoted first, then percent-encoding is undone, once. What is no percent-encoding
 * is left as it is: senders that do not encode are more common than attributes that hold a stray percent sign.
 */
function decoded(value: string): string {
  const text = /^".*"$/s.test(value) ? value.slice(1, -1).replaceAll(/\\(.)/gs, '$1') : value
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** An event whose attributes are what the specification says; what its data means is for the reader of its type. */
export type CloudEvent = {
  readonly id: string
  readonly source: string
  readonly type: string
  readonly subject: string
  /** As text, checked: a number of ms cannot hold all of it. Undefined: not stated. */
  readonly time: string | undefined
  readonly extensions: ReadonlyMap<string, string>
  /** JSON, or text where the content is none; undefined: the event has no data. */
  readonly data: unknown
}

const attributes = new Set([
  'specversion',
  'id',
  'source',
  'type',
  'subject',
  'time',
  'datacontenttype',
  'dataschema',
  'data',
  'data_base64',
])

/**
 * Reads and checks an event in the JSON format, noting what is wrong. Source: CloudEvents 1.0.2, sections "Context
 * Attributes" and "Type System"; JSON event format, section 3.1.
 */
export function readCloudEvent(event: Shape): CloudEvent {
  if (event.textOr('specversion', '') !== '1.0') event.refuse('specversion', '"1.0"')
  event.timeOr('time')
  event.textOr('dataschema', '')
  const source = event.text('source')
  const time = event.value('time')
  if (/\s/.test(source)) event.refuse('source', 'a URI reference')
  return {
    id: event.text('id'),
    source,
    type: event.text('type'),
    subject: event.textOr('subject', ''),
    time: typeof time === 'string' ? time : undefined,
    extensions: extensionsOf(event),
    data: dataOf(event),
  }
}

function extensionsOf(event: Shape): ReadonlyMap<string, string> {
  const extensions = new Map<string, string>()
  for (const name of event.names()) {
    if (attributes.has(name)) continue
    const value = event.value(name)
    if (!/^[a-z0-9]+$/.test(name)) event.refuse(name, 'named by lower-case letters and digits: it is an extension')
    if (typeof value === 'string' || typeof value === 'boolean' || Number.isInteger(value)) {
      extensions.set(name, String(value))
    } else event.refuse(name, 'text, a whole number or a boolean: objects belong into "data"')
  }
  return extensions
}

const isJson = (contentType: string): boolean => /^[^;]*[/+]json\s*(;|$)/i.test(contentType.trim())

function dataOf(event: Shape): unknown {
  const contentType = event.textOr('datacontenttype', '') || 'application/json'
  const data = event.value('data')
  const base64 = event.value('data_base64')
  if (base64 === undefined) return data
  if (data !== undefined) event.refuse('data_base64', 'left out where there is "data"')
  if (typeof base64 !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) {
    event.refuse('data_base64', 'text in base64')
    return undefined
  }
  if (!isJson(contentType)) return base64
  try {
    return JSON.parse(Buffer.from(base64, 'base64').toString('utf8'))
  } catch {
    event.refuse('data_base64', `${contentType}, as datacontenttype says`)
    return undefined
  }
}
