import { expect, test } from 'vitest'
import { championOf } from './champion.ts'

const person = (userId: string, activeDays: number, lastDay: number, firstDay = 0) => ({
  userId,
  firstDay,
  lastDay,
  activeDays,
})

test('ten days without somebody who came every second day are five visits missed', () => {
  expect(championOf([person('a', 28, 155)], 165)).toEqual({ userId: 'a', lastDay: 155, missedDays: 5 })
})

test('the regular one is missed, not the one who is away longest', () => {
  const rare = person('rare', 7, 100)
  expect(championOf([rare, person('daily', 56, 150)], 165)?.userId).toBe('daily')
})

test('a pace is taken over the days somebody has been there', () => {
  expect(championOf([person('new', 10, 159, 140)], 161)?.missedDays).toBe(1)
})

test('nobody is missed who has never been regular', () => {
  expect(championOf([person('once', 1, 10), person('fortnight', 6, 112, 100)], 165)).toBeUndefined()
})
