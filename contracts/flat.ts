import { ContractError } from './errors.ts'
import type { FieldSchema, Schema } from './schema.ts'

/**
 * Avro binary encoding of flat records: fields of string, long and bytes only, as the batches are. Byte for byte what
 * avsc writes (tested), but decoding takes views of the message where avsc copies each column, and encoding fills one
 * buffer of the exact size.
 */
export type FlatCodec = {
  /** One buffer: `prefixLength` bytes left free for the caller's header, then the record. */
  encode(value: Readonly<Record<string, unknown>>, prefixLength: number): Uint8Array
  /** Columns are views into `bytes`. Throws ContractError when the record ends early, or bytes are left over. */
  decode(bytes: Uint8Array, start: number): Record<string, unknown>
}

type FlatKind = 'string' | 'long' | 'bytes'
type FlatField = { readonly name: string; readonly kind: FlatKind }

/** The codec of a record with these fields, undefined when it is not flat. */
export function flatCodec(recordName: string, fields: readonly FieldSchema[]): FlatCodec | undefined {
  const flat: FlatField[] = []
  for (const field of fields) {
    const kind = flatKind(field.type)
    if (kind === undefined) return undefined
    flat.push({ name: field.name, kind })
  }
  return {
    encode: (value, prefixLength) => encodeFlat(recordName, flat, value, prefixLength),
    decode: (bytes, start) => decodeFlat(recordName, flat, bytes, start),
  }
}

function flatKind(schema: Schema): FlatKind | undefined {
  const name = typeof schema === 'object' && 'type' in schema ? schema.type : schema
  return name === 'string' || name === 'long' || name === 'bytes' ? name : undefined
}

function encodeFlat(
  recordName: string,
  fields: readonly FlatField[],
  value: Readonly<Record<string, unknown>>,
  prefixLength: number,
): Uint8Array {
  let size = prefixLength
  for (const { name, kind } of fields) {
    const item = value[name]
    if (kind === 'bytes' && item instanceof Uint8Array) size += lengthPrefixSize(item.byteLength) + item.byteLength
    else if (kind === 'string' && typeof item === 'string') {
      const length = Buffer.byteLength(item)
      size += lengthPrefixSize(length) + length
    } else if (kind === 'long' && Number.isSafeInteger(item)) size += longSize(item as number)
    else throw invalidField(recordName, name, kind, item)
  }
  const bytes = Buffer.allocUnsafeSlow(size)
  let at = prefixLength
  for (const { name } of fields) {
    const item = value[name]
    if (item instanceof Uint8Array) {
      at = writeLong(bytes, at, item.byteLength)
      bytes.set(item, at)
      at += item.byteLength
    } else if (typeof item === 'string') {
      at = writeLong(bytes, at, Buffer.byteLength(item))
      at += bytes.write(item, at, 'utf8')
    } else at = writeLong(bytes, at, item as number)
  }
  // Not the Buffer: its `slice` is a view where that of a Uint8Array is a copy.
  return new Uint8Array(bytes.buffer)
}

function decodeFlat(
  recordName: string,
  fields: readonly FlatField[],
  bytes: Uint8Array,
  start: number,
): Record<string, unknown> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const cursor = { at: start }
  const record: Record<string, unknown> = {}
  for (const { name, kind } of fields) {
    const number = readLong(buffer, cursor, recordName, name)
    if (kind === 'long') {
      record[name] = number
      continue
    }
    const from = cursor.at
    const to = from + number
    if (!(number >= 0 && to <= buffer.length)) throw malformed(recordName, `ends inside ${name}`)
    record[name] =
      kind === 'string'
        ? buffer.toString('utf8', from, to)
        : new Uint8Array(bytes.buffer, bytes.byteOffset + from, number)
    cursor.at = to
  }
  if (cursor.at !== buffer.length) throw malformed(recordName, `is followed by ${buffer.length - cursor.at} more bytes`)
  return record
}

/** Zig-zag, then seven bits a byte, least significant first. Multiplication, as 32-bit shifts would lose timestamps. */
function writeLong(bytes: Uint8Array, start: number, value: number): number {
  let rest = value < 0 ? -2 * value - 1 : 2 * value
  let at = start
  while (rest >= 128) {
    bytes[at++] = (rest % 128) | 128
    rest = Math.floor(rest / 128)
  }
  bytes[at++] = rest
  return at
}

function longSize(value: number): number {
  let rest = value < 0 ? -2 * value - 1 : 2 * value
  let size = 1
  while (rest >= 128) {
    rest = Math.floor(rest / 128)
    size++
  }
  return size
}

const lengthPrefixSize = longSize

function readLong(bytes: Uint8Array, cursor: { at: number }, recordName: string, field: string): number {
  let value = 0
  let factor = 1
  for (;;) {
    const byte = bytes[cursor.at++]
    if (byte === undefined) throw malformed(recordName, `ends inside ${field}`)
    value += (byte & 127) * factor
    if (byte < 128) break
    factor *= 128
    if (factor > 2 ** 56) throw malformed(recordName, `has a number of more than 8 bytes in ${field}`)
  }
  const number = value % 2 === 0 ? value / 2 : -(value + 1) / 2
  if (!Number.isSafeInteger(number)) throw malformed(recordName, `has a number beyond 2^53 in ${field}`)
  return number
}

function invalidField(recordName: string, field: string, kind: FlatKind, item: unknown): ContractError {
  const wanted = { string: 'a string', long: 'a whole number', bytes: 'a Uint8Array (see packColumn)' }[kind]
  const given = item === null ? 'null' : typeof item === 'number' ? String(item) : typeof item
  return new ContractError('contract.invalid', `${recordName}.${field} must be ${wanted}, not ${given}`)
}

function malformed(recordName: string, problem: string): ContractError {
  return new ContractError('contract.malformed', `${recordName} ${problem}`)
}
