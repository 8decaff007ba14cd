/**
 * Distinct counts over sliding windows, exact whatever order days arrive in.
 *
 * A person is in a window of W days that ends at t when the last active day up to t is after t - W. So each active day d,
 * followed by n, keeps its person in the window for the days [d, min(d + W - 1, n - 1)]: the shares of all days are
 * disjoint, and a new day between p and n adds just [max(d, p + W), min(d + W - 1, n - 1)] (the neighbour rule,
 * customer-success.md section 2.4). Summed over persons that is DAU, WAU, MAU.
 */

/** Lengths counted, days. 28 is the month; twice an interval's length tells who was active in both of two (lifecycle). */
export const WINDOWS = [1, 2, 7, 14, 28, 30, 56, 84] as const

/** Told about a range of days, both ends included, in which one person more is in the window of `width` days. */
export type AddRange = (width: number, from: number, to: number) => void

/** By how much every window grows with a day that is not among ascending `days`, and whose place is before index `at`. */
export function eachGain(
  days: readonly number[],
  at: number,
  day: number,
  widths: readonly number[],
  add: AddRange,
): void {
  const [previous, next] = [days[at - 1], days[at]]
  for (const width of widths) {
    const from = previous === undefined ? day : Math.max(day, previous + width)
    const to = next === undefined ? day + width - 1 : Math.min(day + width, next) - 1
    if (from <= to) add(width, from, to)
  }
}

/** The shares of all of ascending `days`: what `eachGain` tells of them, one after the other. */
export function eachShare(days: readonly number[], widths: readonly number[], add: AddRange): void {
  days.forEach((day, i) => {
    const next = days[i + 1] ?? Infinity
    for (const width of widths) add(width, day, Math.min(day + width - 1, next - 1))
  })
}

/** Puts a value at an index; mostly it is the last. */
export function insertAt(values: number[], at: number, value: number): void {
  if (at === values.length) values.push(value)
  else values.splice(at, 0, value)
}

/** Index of the first of ascending `days` that is `day` or later. */
export function placeOf(days: readonly number[], day: number): number {
  let [low, high] = [0, days.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((days[middle] ?? 0) < day) low = middle + 1
    else high = middle
  }
  return low
}
