import { expect, test } from 'vitest'
import { type ColumnType, encodeArray, encodeCopy } from './binary.ts'

test('columns of different lengths are refused by name', () => {
  const columns = [
    { name: 'series', type: 'int4', values: [1, 2] },
    { name: 'total', type: 'float8', values: [1] },
  ] as const
  expect(() => encodeCopy(columns)).toThrow('column "total" has 1 values, "series" has 2')
})

test.each<[ColumnType, unknown, string]>([
  ['int8', 2 ** 60, 'give int8 a bigint'],
  ['int4', 1.5, '1.5 is not an integer'],
  ['int2', Number.NaN, 'NaN is not an integer'],
  ['int4', 2 ** 31, 'out of range'],
  ['timestamptz', Number.NaN, 'NaN is not a safe integer'],
  ['date', Number.NaN, 'NaN is not an integer'],
])('an %s does not take %s', (type, value, problem) => {
  const column = { name: 'n', type, values: [value] }
  expect(() => encodeArray(column)).toThrow(problem)
  expect(() => encodeCopy([column])).toThrow(problem)
})

test('a bigint holds what a number cannot', () => {
  const array = encodeArray({ name: 'n', type: 'int8', values: [2n ** 60n] })
  expect(array.readBigInt64BE(array.length - 8)).toBe(2n ** 60n)
})

test.each(['0001-01-01', '9999-12-31', '+275760-09-13'])('%s is a time as good as any', (day) => {
  const at = Date.parse(`${day}T00:00:00Z`)
  const array = encodeArray({ name: 'at', type: 'timestamptz', values: [at] })
  // Microseconds since 2000, as PostgreSQL's src/include/datatype/timestamp.h has it.
  expect(array.readBigInt64BE(array.length - 8)).toBe(BigInt(at - Date.UTC(2000, 0, 1)) * 1000n)
})

test('a value larger than a chunk is kept in one piece', () => {
  const value = new Uint8Array(1_000_000).fill(1)
  const length = encodeCopy([{ name: 'b', type: 'bytea', values: [value] }]).reduce(
    (sum, chunk) => sum + chunk.length,
    0,
  )
  expect(length).toBe(19 + 2 + 4 + value.length + 2)
})
