/** An account against itself: its last days beside its own 84 days before, freed of weekdays and of what all did. */

import { HISTORY_DAYS } from '../snapshot.ts'

/** The last 28 days are no baseline: a fall that has begun must not lower what it is measured against. */
const APART_DAYS = 28
/** With less than four weeks before those 28 days, all but the last two weeks has to do. */
const LEAST_BASELINE_DAYS = 28
const SHORT_APART_DAYS = 14
/** A baseline counts in full from eight weeks on. */
const FULL_BASELINE_DAYS = 56

export type Trend = {
  /** A day of usual season, in the recent days and in the baseline. */
  readonly nowPerDay: number
  readonly beforePerDay: number
  /** Recent over expected, drawn to 1 where little was expected. */
  readonly ratio: number
  /** 0 to 1: how much of a full baseline there was. */
  readonly enough: number
}

export type TrendOptions = {
  /** Days since the account began, the last one included: earlier days are no baseline. */
  readonly ageDays: number
  /** Whole weeks, so that every weekday counts alike. */
  readonly recentDays: number
  /** With as much expected, half of a change is believed (a Poisson rate shrunk by a gamma prior). */
  readonly prior: number
}

/**
 * @param daily one number a day, HISTORY_DAYS of them
 * @param season level of each of these days over all accounts, mean 1
 * @returns undefined with less than two weeks of baseline, or when nothing was ever to be expected
 */
export function trendOf(
  daily: ArrayLike<number>,
  season: Float64Array,
  { ageDays, recentDays, prior }: TrendOptions,
): Trend | undefined {
  const start = Math.max(0, HISTORY_DAYS - ageDays)
  const isLong = HISTORY_DAYS - APART_DAYS - start >= LEAST_BASELINE_DAYS
  const baselineDays = HISTORY_DAYS - (isLong ? APART_DAYS : SHORT_APART_DAYS) - start
  if (baselineDays < SHORT_APART_DAYS) return undefined
  const before = sums(daily, season, start, start + baselineDays)
  const now = sums(daily, season, HISTORY_DAYS - recentDays, HISTORY_DAYS)
  if (before.count === 0 || before.season === 0) return undefined
  const beforePerDay = before.count / before.season
  const expected = beforePerDay * now.season
  return {
    nowPerDay: now.season === 0 ? 0 : now.count / now.season,
    beforePerDay,
    ratio: (now.count + prior) / (expected + prior),
    enough: Math.min(1, baselineDays / FULL_BASELINE_DAYS),
  }
}

function sums(daily: ArrayLike<number>, season: Float64Array, from: number, to: number) {
  let count = 0
  let level = 0
  for (let i = from; i < to; i++) {
    count += daily[i] ?? 0
    level += season[i] ?? 0
  }
  return { count, season: level }
}
