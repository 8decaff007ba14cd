import fc from 'fast-check'
import { expect, test } from 'vitest'
import { packColumn } from './columns.ts'
import { createStringTableBuilder, stringTable } from './strings.ts'

test('a table gives back what was interned, whether as text or as bytes, each string once', () => {
  const builder = createStringTableBuilder()
  const someTexts = fc.array(fc.tuple(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.boolean()), { maxLength: 900 })
  fc.assert(
    fc.property(someTexts, (texts) => {
      builder.reset()
      const refs = texts.map(([text, asBytes]) => {
        const bytes = Buffer.from(`..${text}.`)
        return asBytes ? builder.internBytes(bytes, 2, bytes.length - 1) : builder.intern(text)
      })
      const table = stringTable(builder.stringBytes(), builder.stringEnds())
      expect(refs.map((ref) => table.at(ref))).toEqual(texts.map(([text]) => text))
      expect(table.count).toBe(new Set([...texts.map(([text]) => text), '']).size)
    }),
    { numRuns: 60 },
  )
})

test('thousands of strings are kept apart while the tables grow', () => {
  const builder = createStringTableBuilder()
  const refs = Array.from({ length: 5_000 }, (_, i) => builder.intern(`instance-${i}`))
  expect(new Set(refs).size).toBe(5_000)
  const table = stringTable(builder.stringBytes(), builder.stringEnds())
  expect(table.at(refs[4_321] ?? -1)).toBe('instance-4321')
  expect(builder.intern('instance-4321')).toBe(refs[4_321])
})

test('string 0 is empty, also after a reset', () => {
  const builder = createStringTableBuilder()
  expect(builder.intern('')).toBe(0)
  builder.intern('a')
  builder.reset()
  expect(builder.internBytes(Buffer.from('a'), 0, 0)).toBe(0)
  expect(builder.intern('b')).toBe(1)
  expect(stringTable(builder.stringBytes(), builder.stringEnds()).at(0)).toBe('')
})

test('bytes outside their buffer are refused', () => {
  const builder = createStringTableBuilder()
  for (const [start, end] of [
    [0, 4],
    [2, 1],
    [-1, 2],
  ] as const) {
    expect(() => builder.internBytes(Buffer.from('abc'), start, end)).toThrow('outside a buffer of 3')
  }
})

test('a table that contradicts itself, and refs it has not, are refused', () => {
  const bytes = Buffer.from('abcd')
  const ends = (...values: number[]) => packColumn(Uint32Array.from(values))
  expect(() => stringTable(bytes, ends(0, 3, 2, 4))).toThrow('goes down at string 2')
  expect(() => stringTable(bytes, ends(0, 5))).toThrow('ends at 5, stringBytes has 4')
  expect(() => stringTable(bytes, ends(0, 3))).toThrow('ends at 3, stringBytes has 4')
  expect(() => stringTable(bytes, new Uint8Array(3))).toThrow('no multiple of 4')
  const table = stringTable(bytes, ends(0, 2, 4))
  for (const ref of [3, -1, 0.5, Number.NaN]) expect(() => table.at(ref)).toThrow('not one of the batch')
  expect(Buffer.from(table.bytesAt(2)).toString()).toBe('cd')
})
