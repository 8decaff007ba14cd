// @ts-check
const noBreak = '\u00a0'

/**
 * Three significant digits, grouped, never in exponents: 0.042, 4.2, 243, 12 400.
 * @param {number} value
 */
export function number(value) {
  if (!Number.isFinite(value)) return '–'
  const digits = Math.abs(value) >= 1000 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 3 }
  return new Intl.NumberFormat('en', digits).format(value).replaceAll(',', '\u2009')
}

/**
 * A value with its unit; milliseconds move on to seconds or back to microseconds.
 * @param {number | null} value
 * @param {string} unit
 */
export function quantity(value, unit) {
  if (value === null) return '–'
  if (unit === 'ms' && Math.abs(value) >= 10_000) return `${number(value / 1000)}${noBreak}s`
  if (unit === 'ms' && value !== 0 && Math.abs(value) < 0.1) return `${number(value * 1000)}${noBreak}µs`
  if (unit === '%') return `${number(value)}${noBreak}%`
  return unit === '' ? number(value) : `${number(value)}${noBreak}${unit}`
}

/**
 * How many times as large, as people say it: ×2.1, or for small changes +18 %.
 * @param {number} before
 * @param {number} after
 */
export function change(before, after) {
  if (!(before > 0) || !Number.isFinite(after)) return ''
  const ratio = after / before
  if (ratio >= 2) return `×${number(Math.round(ratio * 10) / 10)}`
  const percent = Math.round((ratio - 1) * 100)
  return `${percent < 0 ? '−' : '+'}${Math.abs(percent)}${noBreak}%`
}

/**
 * @param {number} ms
 * @returns {string} the largest unit that fits, and the next when it matters: 42 s, 4 min, 3 h 10 min, 2 d 4 h
 */
export function duration(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 60) return `${seconds}${noBreak}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes}${noBreak}min`
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return withRest(hours, 'h', minutes % 60, 'min')
  return withRest(Math.floor(hours / 24), 'd', hours % 24, 'h')
}

/** @param {number} n @param {string} unit @param {number} rest @param {string} restUnit */
const withRest = (n, unit, rest, restUnit) =>
  `${n}${noBreak}${unit}${rest > 0 ? `${noBreak}${rest}${noBreak}${restUnit}` : ''}`

/**
 * Local time of day, with the date when it is not today.
 * @param {string | number} time
 * @param {number} [now]
 */
export function clockTime(time, now = Date.now()) {
  const date = new Date(time)
  const sameDay = date.toDateString() === new Date(now).toDateString()
  const clock = { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' }
  return new Intl.DateTimeFormat(
    'en-GB',
    /** @type {Intl.DateTimeFormatOptions} */ (sameDay ? clock : { day: 'numeric', month: 'short', ...clock }),
  ).format(date)
}

/**
 * @param {number} n
 * @param {string} one
 * @param {string} [many]
 */
export const plural = (n, one, many = `${one}s`) => `${number(n)}${noBreak}${n === 1 ? one : many}`

/** A change as it is told, its arrow in one piece with what was before. @param {string} text */
export const withArrows = (text) => text.replaceAll(' -> ', `${noBreak}→ `)

/** What people call a series: GET /cart, or the service as a whole. @param {{ method: string, endpoint: string }} series */
export const seriesName = ({ method, endpoint }) =>
  endpoint === '*' || endpoint === '' ? 'all endpoints' : `${method} ${endpoint}`.trim()

/** A day, in UTC as days are counted; with the year when it is not this one. @param {string | number} time @param {number} [now] */
export function dayName(time, now = Date.now()) {
  const date = new Date(time)
  const isThisYear = date.getUTCFullYear() === new Date(now).getUTCFullYear()
  return new Intl.DateTimeFormat('en-GB', {
    day: 'numeric',
    month: 'short',
    ...(isThisYear ? {} : { year: 'numeric' }),
    timeZone: 'UTC',
  }).format(date)
}

/**
 * Money in the minor unit as people write it, without the fraction: €1,499. A currency that is none is left out.
 * @param {number} minor
 * @param {string} currency ISO 4217; may be empty
 */
export function money(minor, currency) {
  if (!/^[a-z]{3}$/i.test(currency)) return number(minor / 100)
  const { maximumFractionDigits: digits = 2 } = new Intl.NumberFormat('en', {
    style: 'currency',
    currency,
  }).resolvedOptions()
  return new Intl.NumberFormat('en', { style: 'currency', currency, maximumFractionDigits: 0 }).format(
    minor / 10 ** digits,
  )
}

/** Points of a score with their sign: +4.2, −13. @param {number | null} points */
export function signed(points) {
  if (points === null) return '–'
  const rounded = Math.round(points * 10) / 10
  if (rounded === 0) return '0'
  return rounded < 0 ? `−${number(-rounded)}` : `+${number(rounded)}`
}
