import { expect, test } from 'vitest'
import { DAY_MS } from './day.ts'
import { usesOf, withoutAccount } from './privacy.ts'
import type { Person } from './usage-person.ts'

const person: Person = {
  isNobody: false,
  nodes: [1],
  memberships: [
    { node: 1, account: 7, atMs: 10 * DAY_MS },
    { node: 1, account: 8, atMs: 20 * DAY_MS },
  ],
  lists: [
    { node: 1, account: 0, feature: 0, first: 5, days: [5, 12, 21], counts: [1, 2, 3] },
    { node: 1, account: 7, feature: 0, first: 30, days: [30], counts: [4] },
    { node: 1, account: 0, feature: 3, first: 11, days: [11, 25], counts: [1, 1] },
    { node: 1, account: 0, feature: 4, first: 13, days: [13], counts: [1] },
  ],
}

test('a day belongs to the account its event named, else to that of the membership of the day', () => {
  expect([...usesOf(person)].map(({ account, day }) => [account, day])).toEqual([
    [0, 5],
    [7, 12],
    [8, 21],
    [7, 30],
    [7, 11],
    [8, 25],
    [7, 13],
  ])
  expect([...usesOf(person, 7)].map(({ day, count }) => [day, count])).toEqual([
    [12, 2],
    [30, 4],
    [11, 1],
    [13, 1],
  ])
})

test('without an account no use is left in it, and the uses of others stay where they were', () => {
  const left = withoutAccount(person, 7)
  expect(left.lists).toEqual([
    { node: 1, account: 0, feature: 0, first: 5, days: [5, 21], counts: [1, 3] },
    { node: 1, account: 0, feature: 3, first: 25, days: [25], counts: [1] },
  ])
  expect([...usesOf(left)]).toEqual([...usesOf(person)].filter(({ account }) => account !== 7))
})
