/**
 * Active persons of an interval by what they did before it: new, returning from the interval before, or resurrecting
 * after a pause; dormant are those of the interval before who are missing. The four classes are PostHog's.
 */

import { blockOf, blockStart, weekOf, weekStart } from './usage-cells.ts'

export type IntervalKind = 'day' | 'week' | 'month'

/** Lengths of intervals, days: windows of these and of twice these are counted. A month is four weeks. */
export const INTERVAL_DAYS: Readonly<Record<IntervalKind, number>> = { day: 1, week: 7, month: 28 }

/** First day of the interval that holds a day. */
export function intervalStart(kind: IntervalKind, day: number): number {
  switch (kind) {
    case 'day':
      return day
    case 'week':
      return weekStart(weekOf(day))
    case 'month':
      return blockStart(blockOf(day))
  }
}

export type IntervalCounts = {
  /** Active in the interval, in the one before, and in either. */
  readonly active: number
  readonly activeBefore: number
  readonly activeInEither: number
  /** Whose first day is in the interval. */
  readonly firsts: number
}

export type Lifecycle = {
  readonly new: number
  readonly returning: number
  readonly resurrecting: number
  readonly dormant: number
}

/** @example lifecycleOf({ active: 5, activeBefore: 4, activeInEither: 6, firsts: 1 }).returning // 3 */
export function lifecycleOf({ active, activeBefore, activeInEither, firsts }: IntervalCounts): Lifecycle {
  const returning = active + activeBefore - activeInEither
  return {
    new: firsts,
    returning,
    resurrecting: active - returning - firsts,
    dormant: activeBefore - returning,
  }
}
