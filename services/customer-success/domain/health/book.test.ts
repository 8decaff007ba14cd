import { expect, test } from 'vitest'
import { type AccountSnapshot, HISTORY_DAYS } from '../snapshot.ts'
import { bookOf, rankOf, valueAtRank } from './book.ts'
import { quietAccount } from './testing.ts'

const withDays = (activeDays: number, segment: string): AccountSnapshot => ({
  ...quietAccount,
  segment,
  activity: {
    ...quietAccount.activity,
    users: new Uint32Array(HISTORY_DAYS).fill(1, HISTORY_DAYS - activeDays),
  },
})

test('a rank is the share of the segment below, ties half', () => {
  const smb = Array.from({ length: 20 }, (_, i) => withDays(i, 'smb'))
  const book = bookOf([...smb, ...smb.map(() => withDays(28, 'big'))])
  expect(rankOf(book, 'smb', 'activeDays', 10)).toBe((10 + 0.5) / 20)
  expect(valueAtRank(book, 'smb', 'activeDays', 0.5)).toBe(10)
})

test('a small segment is compared with all accounts', () => {
  const book = bookOf([withDays(3, 'few'), withDays(9, 'other')])
  expect(rankOf(book, 'few', 'activeDays', 9)).toBe(0.75)
})

test('the season is weekday times what that day differed from it, over accounts that were there all the time', () => {
  const users = Uint32Array.from({ length: HISTORY_DAYS }, (_, i) => (i % 7 < 5 ? 1_000 : 100))
  users[HISTORY_DAYS - 1] = 0
  const newcomer = { ...quietAccount, startedDay: quietAccount.day - 20 }
  const { season } = bookOf([{ ...quietAccount, activity: { ...quietAccount.activity, users } }, newcomer])
  expect((season[4] ?? 0) / (season[5] ?? 1)).toBeCloseTo(10, 0)
  expect(season[HISTORY_DAYS - 1]).toBeLessThan((season[HISTORY_DAYS - 8] ?? 0) / 2)
})
