const DAY_MS = 86_400_000

/** RFC 3339, also with a space, without a zone (UTC) or with the date alone, as exports of databases write it. */
const dateTime =
  /^(\d{4}-\d{2}-\d{2})(?:[Tt ](\d{2}:\d{2}(?::\d{2})?)(?:[.,](\d{1,9}))? ?([Zz]|UTC|[+-]\d{2}(?::?\d{2})?)?)?$/

/** As most senders write it; a day that every month has. */
const usual = /^\d{4}-\d\d-(?:[01]\d|2[0-8])T\d\d:\d\d:\d\d\.\d{3}Z$/

/** Numbers below are seconds since the epoch, above ms: 1e11 s is the year 5138, 1e11 ms is March 1973. */
const SECONDS_BELOW = 1e11
/** The times a calendar can show (ECMAScript, section 21.4.1.1). */
const LATEST_MS = 8.64e15

/**
 * A time as senders write it, in ms since the epoch with what lies below a ms as its fraction; undefined for anything
 * else.
 * @example timeOf('2026-01-02T03:04:05.678Z') // 1767323045678
 */
export function timeOf(value: unknown): number | undefined {
  if (typeof value === 'number') return epochOf(value)
  if (typeof value !== 'string') return undefined
  if (usual.test(value)) return dateOrNone(value)
  const text = value.trim()
  if (/^\d{9,16}(\.\d+)?$/.test(text)) return epochOf(Number(text))
  const [match, date = '', clock = '00:00', fraction = '', zone = 'Z'] = dateTime.exec(text) ?? []
  if (match === undefined) return undefined
  const time = dateOrNone(`${date}T${clock}${zoneOf(zone)}`)
  if (time === undefined || !isDay(date)) return undefined
  return time + Number(fraction.padEnd(9, '0')) / 1e6
}

function dateOrNone(text: string): number | undefined {
  const time = Date.parse(text)
  return Number.isNaN(time) ? undefined : time
}

/** Date.parse takes 30 February for 2 March. */
const isDay = (date: string): boolean =>
  date.slice(8) <= '28' || new Date(Date.parse(date)).toISOString().startsWith(date)

const zoneOf = (zone: string): string =>
  /^(z|utc)$/i.test(zone)
    ? 'Z'
    : zone.replace(/^([+-]\d{2}):?(\d{2})?$/, (_, hours, minutes) => `${hours}:${minutes ?? '00'}`)

function epochOf(value: number): number | undefined {
  const time = Math.abs(value) < SECONDS_BELOW ? value * 1_000 : value
  return Number.isFinite(time) && Math.abs(time) <= LATEST_MS ? time : undefined
}

/**
 * A time of a table, where a whole number may be a day: the days since `dayZero`.
 * @example tableTimeOf('49', Date.UTC(2025, 0, 1)) // 2025-02-19
 */
export function tableTimeOf(value: unknown, dayZero: number | undefined): number | undefined {
  const text = typeof value === 'number' ? String(value) : value
  if (typeof text === 'string' && /^-?\d{1,5}$/.test(text.trim())) {
    return dayZero === undefined ? undefined : dayZero + Number(text) * DAY_MS
  }
  return timeOf(text)
}
