import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { expectedOf, problemsOf } from './schema.ts'

test.each([
  [Type.Integer({ minimum: 1, maximum: 500 }), 'an integer from 1 to 500'],
  [Type.Number({ exclusiveMinimum: 0 }), 'a number above 0'],
  [Type.Union([Type.Literal('asc'), Type.Literal('desc')]), 'one of asc, desc'],
  [Type.Union([Type.String(), Type.Null()]), 'a text, or null'],
  [Type.String({ minLength: 1 }), 'a text, not empty'],
  [Type.Array(Type.Integer(), { maxItems: 3 }), 'a list of an integer of at most 3 items'],
  [Type.Boolean(), 'true or false'],
])('a schema is told in words', (schema, words) => {
  expect(expectedOf(schema)).toBe(words)
})

const order = Type.Object(
  { id: Type.String(), lines: Type.Array(Type.Object({ count: Type.Integer({ minimum: 1 }) })) },
  { additionalProperties: false },
)

test('a value that fits has no problem', () => {
  expect(problemsOf(order, { id: 'a', lines: [{ count: 1 }] })).toEqual([])
})

test('every part that does not fit is named with what it should be', () => {
  expect(problemsOf(order, { lines: [{ count: 0 }, { count: 'x' }], colour: 'red' })).toEqual(
    expect.arrayContaining([
      { field: '/id', expected: 'a text; it is missing' },
      { field: '/lines/0/count', expected: 'an integer of at least 1' },
      { field: '/lines/1/count', expected: 'an integer of at least 1' },
      { field: '/colour', expected: 'nothing of that name; the names are id, lines' },
    ]),
  )
})
