/** One person who left, or everybody who comes less? A few visits less look alike; what the others did tells them apart. */

import type { AccountSnapshot } from '../snapshot.ts'
import { trendOf } from './baseline.ts'
import type { Book } from './book.ts'

const RECENT_DAYS = 14
/** Where everybody comes less, it is at most this share of before: above it nothing has fallen. */
const LEAST_FALL = 0.8
const MOST_FALL = 0.3

/**
 * The probability, 0 to 1, that the most regular person of an account is away and the others are as before. Three stories
 * of equal weight, visits Poisson: the person left alone; all come at the pace the others have now; nothing happened. In the
 * latter two the silence is chance, and the most telling of n silences had n chances.
 */
export function leftAlone({ activity, champion, day, startedDay }: AccountSnapshot, book: Book): number {
  const options = { recentDays: RECENT_DAYS, prior: 0, ageDays: day - startedDay + 1 }
  const people = trendOf(activity.users, book.season, options)
  const gapDays = champion === undefined ? 0 : day - champion.lastDay
  if (champion === undefined || people === undefined || gapDays === 0) return 0
  const pace = champion.missedDays / gapDays
  const own = pace * Math.max(0, RECENT_DAYS - gapDays)
  const others = Math.max(0, people.nowPerDay * RECENT_DAYS - own)
  const expected = Math.max(0, people.beforePerDay - pace) * RECENT_DAYS
  const fall = expected === 0 ? LEAST_FALL : Math.min(LEAST_FALL, Math.max(MOST_FALL, others / expected))
  const chances = Math.max(1, activity.users84)
  // Likelihoods over that of the first story; the factorials cancel.
  const allFell = chances * Math.exp((1 - fall) * expected + others * Math.log(fall) - fall * champion.missedDays)
  const nothing = chances * Math.exp(-champion.missedDays)
  return 1 / (1 + allFell + nothing)
}
