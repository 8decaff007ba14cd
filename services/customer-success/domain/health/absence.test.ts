import { expect, test } from 'vitest'
import { type AccountSnapshot, HISTORY_DAYS } from '../snapshot.ts'
import { leftAlone } from './absence.ts'
import { bookOf } from './book.ts'
import { quietAccount } from './testing.ts'

/** Ten people a day, and `now` of them in the last 14 days, in which the most regular one was not seen. */
function account(now: number, silentDays: number): AccountSnapshot {
  const users = Uint32Array.from({ length: HISTORY_DAYS }, (_, i) => (i < HISTORY_DAYS - 14 ? 10 : now))
  return {
    ...quietAccount,
    activity: { ...quietAccount.activity, users, users84: 12 },
    champion: { userId: 'ann', lastDay: quietAccount.day - silentDays, missedDays: silentDays },
  }
}
const book = bookOf([
  { ...quietAccount, activity: { ...quietAccount.activity, users: new Uint32Array(HISTORY_DAYS).fill(10) } },
])

test('one person of ten who stays away left alone', () => {
  expect(leftAlone(account(9, 14), book)).toBeGreaterThan(0.99)
})

test('where all come less, nobody left alone', () => {
  expect(leftAlone(account(4, 14), book)).toBeLessThan(0.01)
})

test('two days are no absence, and nobody known to be regular is none', () => {
  expect(leftAlone(account(9, 2), book)).toBeLessThan(0.5)
  expect(leftAlone(quietAccount, book)).toBe(0)
})
