import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { decodeCursor, encodeCursor, page } from './paging.ts'

const position = Type.Object({ at: Type.Number(), id: Type.String() })
const rows = [1, 2, 3].map((at) => ({ at, id: `r${at}` }))

test('a row more than asked for means another page, which starts where this one ends', () => {
  const { items, next } = page(rows, 2, ({ at, id }) => ({ at, id }))
  expect(items).toEqual(rows.slice(0, 2))
  expect(decodeCursor(next ?? undefined, position)).toEqual({ at: 2, id: 'r2' })
})

test('the last page has no next', () => {
  expect(page(rows, 3, ({ id }) => id).next).toBeNull()
  expect(page([], 3, () => 0)).toEqual({ items: [], next: null })
})

test('no cursor means the first page', () => {
  expect(decodeCursor(undefined, position)).toBeUndefined()
})

const tampered = [{ at: 'now' }, null, { at: 1, id: 'a\0' }].map(encodeCursor)
test.each(['', 'nonsense', ...tampered])('the cursor "%s" is refused', (cursor) => {
  expect(() => decodeCursor(cursor, position)).toThrow(expect.objectContaining({ code: 'bad-request' }))
})
