import { expect, test } from 'vitest'
import { crc64 } from './crc64.ts'
import { canonicalForm, fingerprintOf, type Schema } from './schema.ts'

/** From Apache Avro's own share/test/data/schema-tests.txt: schema, canonical form, fingerprint as a signed long. */
const VECTORS: readonly (readonly [string, string, bigint])[] = [
  ['"null"', '"null"', 7195948357588979594n],
  ['{"type":"boolean"}', '"boolean"', -6970731678124411036n],
  ['"int"', '"int"', 8247732601305521295n],
  ['{"type":"long"}', '"long"', -3434872931120570953n],
  ['"float"', '"float"', 5583340709985441680n],
  ['"double"', '"double"', -8181574048448539266n],
  ['"bytes"', '"bytes"', 5746618253357095269n],
  ['"string"', '"string"', -8142146995180207161n],
  ['[ ]', '[]', -1241056759729112623n],
  ['[ "int" , {"type":"boolean"} ]', '["int","boolean"]', 5392556393470105090n],
  ['{"fields":[],"type":"record","name":"foo"}', '{"name":"foo","type":"record","fields":[]}', -4824392279771201922n],
  [
    '{"fields":[], "type":"record", "name":"foo", "namespace":"x.y"}',
    '{"name":"x.y.foo","type":"record","fields":[]}',
    5916914534497305771n,
  ],
  [
    '{"fields":[], "type":"record", "name":"a.b.foo", "namespace":"x.y"}',
    '{"name":"a.b.foo","type":"record","fields":[]}',
    -4616218487480524110n,
  ],
  [
    '{"fields":[{"type":"boolean","aliases":[],"name":"f1","default":true},{"order":"descending","name":"f2","doc":"Hello","type":"int"}],"type":"record","name":"foo"}',
    '{"name":"foo","type":"record","fields":[{"name":"f1","type":"boolean"},{"name":"f2","type":"int"}]}',
    -4860222112080293046n,
  ],
  [
    '{"namespace":"x.y.z", "type":"enum", "name":"foo", "doc":"foo bar", "symbols":["A1", "A2"]}',
    '{"name":"x.y.z.foo","type":"enum","symbols":["A1","A2"]}',
    -4448647247586288245n,
  ],
  ['{ "items":{"type":"null"}, "type":"array"}', '{"type":"array","items":"null"}', -589620603366471059n],
  ['{ "values":"string", "type":"map"}', '{"type":"map","values":"string"}', -8732877298790414990n],
  [
    '{"name":"PigValue","type":"record","fields":[{"name":"value", "type":["null", "int", "long", "PigValue"]}]}',
    '{"name":"PigValue","type":"record","fields":[{"name":"value","type":["null","int","long","PigValue"]}]}',
    -1759257747318642341n,
  ],
]

test.each(VECTORS)('%s has the canonical form and the fingerprint of the specification', (text, canonical, signed) => {
  const schema = JSON.parse(text) as Schema
  expect(canonicalForm(schema)).toBe(canonical)
  expect(fingerprintOf(schema)).toBe(BigInt.asUintN(64, signed))
})

test('the fingerprint of nothing is the polynomial', () => {
  expect(crc64(new Uint8Array(0))).toBe(0xc15d213aa4d7a795n)
})

test('nested names take the namespace around them, logical types and defaults leave no trace', () => {
  const schema: Schema = {
    type: 'record',
    name: 'Outer',
    namespace: 'a.b',
    fields: [
      { name: 'first', type: { type: 'record', name: 'Inner', fields: [] } },
      { name: 'second', type: ['null', 'Inner'], default: null },
      { name: 'third', type: { type: 'long', logicalType: 'timestamp-millis' } },
    ],
  }
  expect(canonicalForm(schema)).toBe(
    '{"name":"a.b.Outer","type":"record","fields":[' +
      '{"name":"first","type":{"name":"a.b.Inner","type":"record","fields":[]}},' +
      '{"name":"second","type":["null","a.b.Inner"]},{"name":"third","type":"long"}]}',
  )
})
