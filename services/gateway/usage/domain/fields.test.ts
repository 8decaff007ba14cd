import { expect, test } from 'vitest'
import { mostBytes } from './fields.ts'

const values = [
  '\u0000"\\\ud800',
  '\u20ac\ud83d\ude00',
  -1.7976931348623157e308,
  false,
  null,
  [],
  {},
  [[1, 'a'], { '\u0001': { 'b"': [true] } }],
]

test.each(values)('a value takes no more bytes as JSON than said: %j', (value) => {
  expect(mostBytes(value, 9)).toBeGreaterThanOrEqual(Buffer.byteLength(JSON.stringify(value)))
})

test('what is nested deeper than the levels has no size', () => {
  expect(mostBytes([[1]], 2)).toBeDefined()
  expect(mostBytes([{ a: [] }], 2)).toBeUndefined()
})
