/** One thing wrong with one field of a body; `field` is a JSON pointer (RFC 6901). */
export type Problem = { readonly field: string; readonly expected: string }

export type Parsed<T> =
  | { readonly kind: 'read'; readonly value: T }
  | { readonly kind: 'refused'; readonly problems: readonly Problem[] }

/**
 * A JSON object being read. Every accessor notes a problem and goes on with a harmless value, so that one pass names
 * everything that is wrong; null counts as absent.
 */
export type Shape = {
  /** Non-empty text. */
  text(name: string): string
  /** Text, or `fallback` where the field is absent or empty. */
  textOr(name: string, fallback: string): string
  /** Text or number, as text: some senders write ids as numbers. Non-empty. */
  id(name: string): string
  idOr(name: string, fallback: string): string
  /** A time, in ms since the epoch. */
  time(name: string): number
  /** A time, or undefined where it is absent or Go's zero time (year 1), which means "not yet" in Go's JSON. */
  timeOr(name: string): number | undefined
  texts(name: string): Record<string, string>
  inner(name: string): Shape
  innerOr(name: string): Shape | undefined
  list(name: string): readonly Shape[]
  listOr(name: string): readonly Shape[]
  /** Names of the fields that are there. */
  names(): readonly string[]
  /** Whatever the field is; undefined where it is absent. */
  value(name: string): unknown
  /** Says what is wrong with a field that is present and of the right type. */
  refuse(name: string, expected: string): void
}

/**
 * Reads `value` with `read`; refused with every problem found, else what `read` returned.
 * @example
 * parse({ id: 7 }, (body) => body.id('id')) // { kind: 'read', value: '7' }
 * parse({}, (body) => body.id('id'))        // refused: /id, expected text or a number
 */
export function parse<T>(value: unknown, read: (body: Shape) => T): Parsed<T> {
  const problems: Problem[] = []
  const result = read(objectAt(value, '', problems))
  return problems.length === 0 ? { kind: 'read', value: result } : { kind: 'refused', problems }
}

/** The same for a body that is an array of objects. */
export function parseList<T>(value: unknown, read: (item: Shape) => T): Parsed<readonly T[]> {
  if (!Array.isArray(value)) return { kind: 'refused', problems: [{ field: '', expected: 'an array of objects' }] }
  const problems: Problem[] = []
  const items = value.map((item, index) => read(objectAt(item, `/${index}`, problems)))
  return problems.length === 0 ? { kind: 'read', value: items } : { kind: 'refused', problems }
}

function objectAt(value: unknown, at: string, problems: Problem[]): Shape {
  const fields = isObject(value) ? value : {}
  if (!isObject(value)) problems.push({ field: at, expected: 'an object' })
  const pointer = (name: string) => `${at}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
  const refuse = (name: string, expected: string) => {
    problems.push({ field: pointer(name), expected })
  }
  // A value that is not even an object was named above: its missing fields would only repeat that.
  const missing = (name: string, expected: string) => {
    if (isObject(value)) refuse(name, expected)
  }
  const present = (name: string) => Object.hasOwn(fields, name) && fields[name] !== undefined && fields[name] !== null

  const textOr = (name: string, fallback: string) => {
    const field = fields[name]
    if (!present(name) || field === '') return fallback
    if (typeof field === 'string') return field
    refuse(name, 'text')
    return fallback
  }
  const idOr = (name: string, fallback: string) => {
    const field = fields[name]
    return typeof field === 'number' && Number.isFinite(field) ? String(field) : textOr(name, fallback)
  }
  const timeOr = (name: string) => {
    if (!present(name)) return undefined
    const time = timeOf(fields[name])
    if (time === undefined) refuse(name, 'an RFC 3339 time such as 2026-11-23T10:15:00Z')
    return time === undefined || time <= goZeroTime ? undefined : time
  }
  const required = <T>(name: string, expected: string, read: () => T): T => {
    if (!present(name) || fields[name] === '') missing(name, expected)
    return read()
  }
  const list = (name: string): readonly Shape[] => {
    const field = fields[name]
    if (!present(name)) return []
    if (Array.isArray(field)) return field.map((item, index) => objectAt(item, `${pointer(name)}/${index}`, problems))
    refuse(name, 'an array of objects')
    return []
  }

  return {
    text: (name) => required(name, 'text that is not empty', () => textOr(name, '')),
    textOr,
    id: (name) => required(name, 'text or a number', () => idOr(name, '')),
    idOr,
    time: (name) => required(name, 'an RFC 3339 time such as 2026-11-23T10:15:00Z', () => timeOr(name) ?? 0),
    timeOr,
    texts(name) {
      const field = fields[name]
      if (!present(name)) return {}
      if (isObject(field) && Object.values(field).every((entry) => typeof entry === 'string')) {
        return field as Record<string, string>
      }
      refuse(name, 'an object whose values are all text')
      return {}
    },
    inner(name) {
      if (!present(name)) {
        missing(name, 'an object')
        return objectAt({}, pointer(name), [])
      }
      return objectAt(fields[name], pointer(name), problems)
    },
    innerOr: (name) => (present(name) ? objectAt(fields[name], pointer(name), problems) : undefined),
    list: (name) => required(name, 'an array of objects', () => list(name)),
    listOr: list,
    names: () => Object.keys(fields).filter(present),
    value: (name) => (present(name) ? fields[name] : undefined),
    refuse,
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const goZeroTime = Date.UTC(1900, 0)

// RFC 3339, and the "2021-04-28 21:50:00 +0200" and "... UTC" that GitLab writes into pipelines.
const timeText = /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?) ?(Z|z|UTC|[+-]\d{2}:?\d{2})$/

function timeOf(value: unknown): number | undefined {
  const match = typeof value === 'string' ? timeText.exec(value) : null
  if (match === null) return undefined
  const [, date, clock, zone = 'Z'] = match
  const offset = /^(z|utc)$/i.test(zone) ? 'Z' : zone.replace(/^([+-]\d{2}):?(\d{2})$/, '$1:$2')
  const time = Date.parse(`${date}T${clock}${offset}`)
  return Number.isNaN(time) ? undefined : time
}
