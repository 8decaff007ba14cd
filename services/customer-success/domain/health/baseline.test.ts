import { expect, test } from 'vitest'
import { HISTORY_DAYS } from '../snapshot.ts'
import { trendOf } from './baseline.ts'

const FLAT = new Float64Array(HISTORY_DAYS).fill(1)
const options = { ageDays: 1_000, recentDays: 14, prior: 0 }
/** `before` a day, and `now` in the last 14 days. */
const daily = (before: number, now: number) =>
  Float64Array.from({ length: HISTORY_DAYS }, (_, i) => (i < HISTORY_DAYS - 14 ? before : now))

test('half as much as before is a ratio of one half', () => {
  expect(trendOf(daily(6, 3), FLAT, options)).toMatchObject({ ratio: 0.5, beforePerDay: 6, nowPerDay: 3, enough: 1 })
})

test('a day on which all did half is nobody’s fall', () => {
  const season = Float64Array.from(FLAT, (_, i) => (i < HISTORY_DAYS - 14 ? 1 : 0.5))
  expect(trendOf(daily(6, 3), season, options)?.ratio).toBe(1)
})

test('where little was to be expected, little of a change is believed', () => {
  expect(trendOf(daily(1, 0), FLAT, { ...options, prior: 14 })?.ratio).toBe(0.5)
})

test('days before the account began are no baseline', () => {
  const lateStart = daily(6, 6).fill(0, 0, HISTORY_DAYS - 60)
  expect(trendOf(lateStart, FLAT, { ...options, ageDays: 60 })?.ratio).toBe(1)
  expect(trendOf(lateStart, FLAT, { ...options, ageDays: 27 })).toBeUndefined()
})
