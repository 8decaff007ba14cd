/** Calendar days as whole numbers: days since 1970-01-01, in UTC. What usage is counted by. */

export const DAY_MS = 86_400_000

/** @example dayOf(Date.UTC(1970, 0, 2, 12)) // 1 */
export const dayOf = (timeMs: number): number => Math.floor(timeMs / DAY_MS)

/** First millisecond of a day. */
export const startOf = (day: number): number => day * DAY_MS

/** @example isoDay(0) // '1970-01-01' */
export const isoDay = (day: number): string => new Date(startOf(day)).toISOString().slice(0, 10)

/** @example daysUpTo(3, 5) // [3, 4, 5] */
export const daysUpTo = (first: number, last: number): number[] =>
  Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i)
