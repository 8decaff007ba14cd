import type { EnumSchema, FieldSchema, RecordSchema, Schema } from '@plimsoll/contracts/schema.ts'
import { describe, expect, test } from 'vitest'
import { incompatibilities } from './compatibility.ts'

const KIND: EnumSchema = { type: 'enum', name: 'Kind', symbols: ['a', 'b'] }

function thing(...fields: FieldSchema[]): RecordSchema {
  return {
    type: 'record',
    name: 'Thing',
    namespace: 'plimsoll.demo.v1',
    fields: [{ name: 'id', type: 'string' }, ...fields],
  }
}

const field = (type: Schema, more: Partial<FieldSchema> = {}): FieldSchema => ({ name: 'x', type, ...more })

/** Which direction fails: `new reads old`, `old reads new`. */
function broken(older: RecordSchema, newer: RecordSchema): string[] {
  return incompatibilities(older, newer).map((problem) => problem.slice(0, problem.indexOf(': ')))
}

const NEW_READS_OLD = 'the new schema cannot read what the old one wrote'
const OLD_READS_NEW = 'the old schema cannot read what the new one writes'

describe('allowed', () => {
  const cases: readonly (readonly [string, RecordSchema, RecordSchema])[] = [
    ['no change', thing(field('int')), thing(field('int'))],
    ['another doc', thing(field('int')), thing(field('int', { doc: 'new words' }))],
    ['a field added with a default', thing(), thing(field('int', { default: 0 }))],
    ['a field with a default removed', thing(field('int', { default: 0 })), thing()],
    [
      'fields in another order',
      thing(field('int'), { name: 'y', type: 'string' }),
      thing({ name: 'y', type: 'string' }, field('int')),
    ],
    [
      'a symbol added to an enum that had a default',
      thing(field({ ...KIND, default: 'a' })),
      thing(field({ ...KIND, symbols: ['a', 'b', 'c'], default: 'a' })),
    ],
    [
      'a record named before it is used again',
      thing(field(nested('int')), { name: 'y', type: 'Inner' }),
      thing(field(nested('int')), { name: 'y', type: 'Inner' }),
    ],
  ]
  test.each(cases)('%s', (_, older, newer) => {
    expect(incompatibilities(older, newer)).toEqual([])
  })
})

describe('refused', () => {
  const cases: readonly (readonly [string, RecordSchema, RecordSchema, readonly string[]])[] = [
    ['a field added without a default', thing(), thing(field('int')), [NEW_READS_OLD]],
    ['a field without a default removed', thing(field('int')), thing(), [OLD_READS_NEW]],
    ['a type changed', thing(field('int')), thing(field('string')), [NEW_READS_OLD, OLD_READS_NEW]],
    ['a type widened: old readers are left behind', thing(field('int')), thing(field('long')), [OLD_READS_NEW]],
    ['a type narrowed', thing(field('double')), thing(field('float')), [NEW_READS_OLD]],
    ['a field made nullable', thing(field('int')), thing(field(['null', 'int'])), [OLD_READS_NEW]],
    ['a nullable field made certain', thing(field(['null', 'int'])), thing(field('int')), [NEW_READS_OLD]],
    [
      'a symbol added to an enum without a default',
      thing(field(KIND)),
      thing(field({ ...KIND, symbols: ['a', 'b', 'c'] })),
      [OLD_READS_NEW],
    ],
    ['a symbol removed', thing(field(KIND)), thing(field({ ...KIND, symbols: ['a'] })), [NEW_READS_OLD]],
    ['an enum renamed', thing(field(KIND)), thing(field({ ...KIND, name: 'Sort' })), [NEW_READS_OLD, OLD_READS_NEW]],
    [
      'items of an array changed',
      thing(field({ type: 'array', items: 'int' })),
      thing(field({ type: 'array', items: 'string' })),
      [NEW_READS_OLD, OLD_READS_NEW],
    ],
    [
      'an array made a map',
      thing(field({ type: 'array', items: 'int' })),
      thing(field({ type: 'map', values: 'int' })),
      [NEW_READS_OLD, OLD_READS_NEW],
    ],
    [
      'a change inside a nested record',
      thing(field(nested('int'))),
      thing(field(nested('string'))),
      [NEW_READS_OLD, OLD_READS_NEW],
    ],
    [
      'another meaning of the same bytes, which no fingerprint shows',
      thing(field({ type: 'bytes', logicalType: 'u32-le' })),
      thing(field({ type: 'bytes', logicalType: 'f64-le' })),
      [NEW_READS_OLD, OLD_READS_NEW],
    ],
    ['the record renamed', thing(), { ...thing(), name: 'Other' }, [NEW_READS_OLD, OLD_READS_NEW]],
  ]
  test.each(cases)('%s', (_, older, newer, directions) => {
    expect(broken(older, newer)).toEqual(directions)
  })

  test('in a sentence that names the field', () => {
    expect(incompatibilities(thing(), thing(field('int')))).toEqual([
      `${NEW_READS_OLD}: Thing.x is not in it and has no default`,
    ])
    expect(incompatibilities(thing(field(KIND)), thing(field({ ...KIND, symbols: ['a', 'b', 'c'] })))).toEqual([
      `${OLD_READS_NEW}: Thing.x may be c, which its reader's enum has not and has no default for`,
    ])
  })
})

function nested(type: Schema): RecordSchema {
  return { type: 'record', name: 'Inner', fields: [{ name: 'value', type }] }
}
