import { expect, test } from 'vitest'
import { compareMatched, type Matchable } from './matching.ts'

const account = (id: number, value: number, reached: boolean, segment = 'smb'): Matchable => ({
  accountId: String(id),
  segment,
  measures: [value],
  reached,
})

test('an account is compared with those like it, not with everybody', () => {
  // What is measured decides; the action does nothing. Acted on were the good ones.
  const others = Array.from({ length: 200 }, (_, i) => account(i, i, i >= 100))
  const acted = Array.from({ length: 40 }, (_, i) => account(1_000 + i, 150 + i, true))
  const naive = 1 - 100 / 200
  const { effect, matched, interval } = compareMatched(acted, others)
  expect(naive).toBe(0.5)
  expect(matched).toBe(40)
  expect(effect).toBe(0)
  expect(interval.high).toBeGreaterThan(0)
})

test('an account like no other is left out and counted', () => {
  const others = [account(1, 0, false), account(2, 1, false), account(3, 0.5, true, 'enterprise')]
  expect(compareMatched([account(9, 0.5, true), account(10, 50, true)], others)).toMatchObject({
    matched: 1,
    unmatched: 1,
    effect: 1,
  })
})
