import { expect, test } from 'vitest'
import { tableTimeOf, timeOf } from './time.ts'

const at = Date.UTC(2026, 0, 2, 3, 4, 5)

test.each<[unknown, number | undefined]>([
  ['2026-01-02T03:04:05Z', at],
  ['2026-01-02t03:04:05z', at],
  ['2026-01-02 03:04:05', at],
  ['2026-01-02T05:04:05+02:00', at],
  ['2026-01-02 05:04:05 +0200', at],
  ['2026-01-02T05:04:05+02', at],
  ['2026-01-02T03:04:05.678Z', at + 678],
  ['2026-01-02T03:04:05.6789Z', at + 678.9],
  ['2026-01-02T03:04', at - 5_000],
  ['2026-01-02', Date.UTC(2026, 0, 2)],
  [at, at],
  [at / 1_000, at],
  [String(at), at],
  ['2026-02-30', undefined],
  ['2026-01-02T25:00:00Z', undefined],
  ['02/01/2026', undefined],
  ['', undefined],
  [Number.NaN, undefined],
  [1e300, undefined],
  [null, undefined],
])('%j', (value, expected) => {
  expect(timeOf(value)).toBe(expected)
})

test.each<[unknown, number | undefined, number | undefined]>([
  ['1', at, at + 86_400_000],
  [-1, at, at - 86_400_000],
  ['1', undefined, undefined],
  ['2026-01-02', at, Date.UTC(2026, 0, 2)],
])('in a table, %j from day 0 %j', (value, dayZero, expected) => {
  expect(tableTimeOf(value, dayZero)).toBe(expected)
})
