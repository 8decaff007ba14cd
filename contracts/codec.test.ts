import avro from 'avsc'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createCodec } from './codec.ts'
import { ContractError } from './errors.ts'
import { decodeEvent, type EventType, encodeEvent, eventCatalogue } from './events.ts'
import { examples } from './examples.ts'
import { flatCodec } from './flat.ts'
import { publishedSchemas } from './generated/schemas.ts'
import { fingerprintOf, fullName, type RecordSchema } from './schema.ts'

const TYPES = Object.keys(eventCatalogue) as EventType[]
const currentSchema = (type: EventType): RecordSchema | undefined =>
  publishedSchemas.find(({ current, schema }) => current && fullName(schema.name, schema.namespace) === type)?.schema

/** A value without classes: bytes as hexadecimal text, records as plain objects. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return `hex ${Buffer.from(value).toString('hex')}`
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]))
}

test.each(TYPES)('the example of %s comes back as it was sent', (type) => {
  const event = decodeEvent(encodeEvent(type, examples[type]))
  expect(event.type).toBe(type)
  expect(plain(event.value)).toEqual(plain(examples[type]))
})

test.each(TYPES)('%s starts with C3 01 and the fingerprint of its schema, little-endian', (type) => {
  const bytes = encodeEvent(type, examples[type])
  const header = new DataView(bytes.buffer, bytes.byteOffset, 10)
  expect(header.getUint16(0)).toBe(0xc301)
  expect(header.getBigUint64(2, true)).toBe(fingerprintOf(currentSchema(type) ?? 'null'))
})

test.each(TYPES)('%s cut short or followed by something is refused', (type) => {
  const bytes = encodeEvent(type, examples[type])
  for (let length = 0; length < bytes.length; length++) {
    expect(() => decodeEvent(bytes.subarray(0, length))).toThrow(ContractError)
  }
  expect(() => decodeEvent(Buffer.concat([bytes, Buffer.of(0)]))).toThrow(ContractError)
})

test('refusals say what is wrong', () => {
  const bytes = encodeEvent('plimsoll.telemetry.v1.MetricBatch', examples['plimsoll.telemetry.v1.MetricBatch'])
  expect(() => decodeEvent(Buffer.from('{"json": true}'))).toThrow('does not start with C3 01')
  const foreign = Buffer.from(bytes)
  foreign.fill(0xab, 2, 10)
  expect(() => decodeEvent(foreign)).toThrow('schema abababababababab was never published here')
  expect(() => decodeEvent(bytes.subarray(0, 40))).toThrow('plimsoll.telemetry.v1.MetricBatch ends inside stringBytes')
})

test('a value that does not fit names its field', () => {
  const resolved = examples['plimsoll.performance.v1.RegressionResolved']
  const batch = examples['plimsoll.telemetry.v1.MetricBatch']
  const send = (value: unknown) => () => encodeEvent('plimsoll.performance.v1.RegressionResolved', value as never)
  expect(send({ ...resolved, afterValue: '12' })).toThrow('RegressionResolved.afterValue must be double, not "12"')
  expect(send({ ...resolved, metric: 'speed' })).toThrow('RegressionResolved.metric must be enum, not "speed"')
  expect(() => encodeEvent('plimsoll.telemetry.v1.MetricBatch', { ...batch, sampleTime: [1] as never })).toThrow(
    'MetricBatch.sampleTime must be a Uint8Array',
  )
  expect(() => encodeEvent('plimsoll.telemetry.v1.MetricBatch', { ...batch, receivedAt: 1.5 })).toThrow(
    'MetricBatch.receivedAt must be a whole number, not 1.5',
  )
})

describe('flat records', () => {
  const schema: RecordSchema = {
    type: 'record',
    name: 'Flat',
    fields: [
      { name: 'text', type: 'string' },
      { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
      { name: 'first', type: 'bytes' },
      { name: 'second', type: { type: 'bytes', logicalType: 'f64-le' } },
    ],
  }
  const reference = avro.Type.forSchema(schema as never)
  const flat = flatCodec('Flat', schema.fields)
  const values = fc.record({
    text: fc.string({ unit: 'grapheme', maxLength: 200 }),
    at: fc.integer({ min: -(2 ** 52), max: 2 ** 52 }),
    first: fc.uint8Array({ maxLength: 300 }),
    second: fc.uint8Array(),
  })

  test('are written as avsc writes them, and read back', () => {
    fc.assert(
      fc.property(values, fc.integer({ min: 0, max: 12 }), (value, prefix) => {
        const expected = reference.toBuffer({
          ...value,
          first: Buffer.from(value.first),
          second: Buffer.from(value.second),
        })
        const bytes = flat?.encode(value, prefix) ?? new Uint8Array(0)
        expect(Buffer.from(bytes.subarray(prefix)).equals(expected)).toBe(true)
        expect(flat?.decode(bytes, prefix)).toEqual(value)
      }),
    )
  })

  test('hold columns that are views of the message', () => {
    const bytes = flat?.encode({ text: '', at: 0, first: Uint8Array.of(1, 2), second: new Uint8Array(8) }, 0)
    const first = flat?.decode(bytes ?? new Uint8Array(0), 0).first
    expect(first instanceof Uint8Array && first.buffer === bytes?.buffer).toBe(true)
  })

  test('made of random bytes are refused or read, never overrun', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          const { first, second } = flat?.decode(bytes, 0) ?? {}
          expect((first as Uint8Array).byteLength + (second as Uint8Array).byteLength).toBeLessThanOrEqual(bytes.length)
        } catch (error) {
          expect(error).toBeInstanceOf(ContractError)
        }
      }),
      { numRuns: 2_000 },
    )
  })

  test('are only those of strings, longs and bytes', () => {
    expect(flatCodec('Other', [{ name: 'a', type: ['null', 'string'] }])).toBeUndefined()
    expect(flatCodec('Other', [{ name: 'a', type: 'double' }])).toBeUndefined()
  })
})

describe('evolution', () => {
  const older: RecordSchema = {
    type: 'record',
    name: 'Thing',
    namespace: 'plimsoll.demo.v1',
    fields: [
      { name: 'id', type: 'string' },
      { name: 'kind', type: { type: 'enum', name: 'Kind', symbols: ['small', 'other'], default: 'other' } },
      { name: 'column', type: { type: 'bytes', logicalType: 'u8' } },
    ],
  }
  const newer: RecordSchema = {
    ...older,
    fields: [
      { name: 'id', type: 'string' },
      { name: 'kind', type: { type: 'enum', name: 'Kind', symbols: ['small', 'other', 'large'], default: 'other' } },
      { name: 'column', type: { type: 'bytes', logicalType: 'u8' } },
      { name: 'note', type: ['null', 'string'], default: null },
      { name: 'extra', type: { type: 'bytes', logicalType: 'u8' }, default: '' },
    ],
  }
  const publish = (schema: RecordSchema, current: boolean) => ({ fingerprint: fingerprintOf(schema), current, schema })
  const before = createCodec([publish(older, true), publish(newer, false)])
  const after = createCodec([publish(older, false), publish(newer, true)])
  const type = 'plimsoll.demo.v1.Thing'

  test('a new reader fills what an old writer did not know with defaults', () => {
    const bytes = before.encode(type, { id: 'a', kind: 'small', column: Uint8Array.of(1, 2) })
    const { value } = after.decode(bytes)
    expect(plain(value)).toEqual({ id: 'a', kind: 'small', column: 'hex 0102', note: null, extra: 'hex ' })
  })

  test('an old reader leaves out what a new writer added', () => {
    const bytes = after.encode(type, {
      id: 'a',
      kind: 'large',
      column: Uint8Array.of(9),
      note: 'n',
      extra: Uint8Array.of(7),
    })
    expect(plain(before.decode(bytes).value)).toEqual({ id: 'a', kind: 'other', column: 'hex 09' })
  })

  test('a flat record of an older schema is read through resolution', () => {
    const flatOlder: RecordSchema = { ...older, fields: [{ name: 'id', type: 'string' }] }
    const flatNewer: RecordSchema = {
      ...older,
      fields: [
        { name: 'id', type: 'string' },
        { name: 'column', type: { type: 'bytes', logicalType: 'u8' }, default: '' },
      ],
    }
    const writer = createCodec([publish(flatOlder, true)])
    const reader = createCodec([publish(flatOlder, false), publish(flatNewer, true)])
    expect(plain(reader.decode(writer.encode(type, { id: 'a' })).value)).toEqual({ id: 'a', column: 'hex ' })
  })
})
