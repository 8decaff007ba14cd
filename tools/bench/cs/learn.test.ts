import { createRandom } from '@plimsoll/customer-success/domain/learn/random.ts'
import { describe, expect, test } from 'vitest'
import { type Purchase, purchaseRows } from './cdnow.ts'
import { type Message, messageRows } from './collegemsg.ts'
import { bucketOf, sidesOf } from './learn.ts'

describe('nothing after the cut reaches the features', () => {
  test('messages', () => {
    const random = createRandom(1)
    const person = (): string => `p${Math.floor(random() * 20)}`
    const message = (at: number): Message => ({ from: person(), to: person(), at })
    const before = Array.from({ length: 300 }, (_, i) => message((40 * i) / 300))
    const after = (): Message[] => Array.from({ length: 200 }, (_, i) => message(40.01 + (30 * i) / 200))
    const [one, other] = [messageRows([...before, ...after()], [40]), messageRows([...before, ...after()], [40])]
    expect(one.entity.length).toBeGreaterThan(10)
    expect(other.columns).toEqual(one.columns)
    expect(messageRows(before, [40]).churned.every((y) => y === 1)).toBe(true)
    expect(one.churned.some((y) => y === 0)).toBe(true)
  })

  test('purchases', () => {
    const model = { r: 0.24, alpha: 4.4, a: 0.8, b: 2.4 }
    const cut = Date.UTC(1997, 8, 30) / 86_400_000
    const bought = (...days: number[]): Purchase[] => days.map((ago) => ({ day: cut - ago, items: 1, value: 10 + ago }))
    const customers = (more: Purchase[]) => new Map([['a', [...bought(200, 90, 0), ...more]]])
    const one = purchaseRows(customers([]), model)
    const other = purchaseRows(customers(bought(-1, -50)), model)
    expect(other.columns).toEqual(one.columns)
    expect([one.churned[0], other.churned[0]]).toEqual([1, 0])
  })
})

test('scores on buckets of 70 and above where some are there, else on the upper part of what is', () => {
  const keys = Array.from({ length: 500 }, (_, i) => `k${i}`)
  const all = sidesOf(keys)
  expect(keys.filter(all.isHeldOut)).toEqual(keys.filter((key) => bucketOf(key) >= 70))
  const some = keys.filter((key) => bucketOf(key) < 70)
  expect(some.filter(sidesOf(some).isHeldOut)).toEqual(some.filter((key) => bucketOf(key) >= 49))
  const upper = keys.filter((key) => bucketOf(key) >= 70)
  expect(upper.filter(sidesOf(upper).isHeldOut).length).toBeLessThan(upper.length / 2)
})
