/** Who is missed: of all people of an account, the one whose silence is the least likely at their own pace. */

import type { ChampionState } from '../snapshot.ts'

/** The pace is taken over the eight weeks up to the day a person was last seen. */
export const PACE_DAYS = 56
/** Fewer active days, or over fewer days than two weeks, are no pace. */
const LEAST_ACTIVE_DAYS = 6
const LEAST_SPAN_DAYS = 14

export type Presence = {
  readonly userId: string
  readonly firstDay: number
  readonly lastDay: number
  /** Active days in the `PACE_DAYS` up to `lastDay`, which is one of them. */
  readonly activeDays: number
}

/**
 * If visits come at a steady pace, the chance of none in a gap falls with the exponential of the visits expected in it
 * (Poisson), so the largest expectation is the most telling silence whatever the pace of each.
 * @example championOf([{ userId: 'a', firstDay: 0, lastDay: 55, activeDays: 28 }], 65) // 5 missed days
 */
export function championOf(people: Iterable<Presence>, day: number): ChampionState | undefined {
  let champion: ChampionState | undefined
  for (const { userId, firstDay, lastDay, activeDays } of people) {
    const spanDays = Math.min(PACE_DAYS, lastDay - firstDay + 1)
    if (activeDays < LEAST_ACTIVE_DAYS || spanDays < LEAST_SPAN_DAYS) continue
    const missedDays = ((day - lastDay) * activeDays) / spanDays
    if (champion === undefined || missedDays > champion.missedDays) champion = { userId, lastDay, missedDays }
  }
  return champion
}
