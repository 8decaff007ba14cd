import { expect, test } from 'vitest'
import { encodeCopy } from './binary.ts'

test('columns of different lengths are refused by name', () => {
  const columns = [
    { name: 'series', type: 'int4', values: [1, 2] },
    { name: 'total', type: 'float8', values: [1] },
  ] as const
  expect(() => encodeCopy(columns)).toThrow('column "total" has 1 values, "series" has 2')
})

test('an int8 that a number cannot hold is refused, as a bigint it is not', () => {
  expect(() => encodeCopy([{ name: 'n', type: 'int8', values: [2 ** 60] }])).toThrow('give int8 a bigint')
  expect(() => encodeCopy([{ name: 'n', type: 'int8', values: [2n ** 60n] }])).not.toThrow()
})

test('a value larger than a chunk is kept in one piece', () => {
  const value = new Uint8Array(1_000_000).fill(1)
  const length = encodeCopy([{ name: 'b', type: 'bytea', values: [value] }]).reduce(
    (sum, chunk) => sum + chunk.length,
    0,
  )
  expect(length).toBe(19 + 2 + 4 + value.length + 2)
})
