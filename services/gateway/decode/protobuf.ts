import { DecodeError } from './failure.ts'

/** A place in a protobuf message. Decoders walk it with the functions below and build no objects per field. */
export type Cursor = {
  readonly bytes: Uint8Array
  readonly view: DataView
  at: number
  readonly end: number
}

export const VARINT = 0
export const FIXED64 = 1
export const LENGTH = 2
export const FIXED32 = 5

export function cursorOf(bytes: Uint8Array): Cursor {
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), at: 0, end: bytes.length }
}

/** A message with this field does not parse; names the byte so that a sender's author can find it. */
export function malformedAt(at: number, what: string): DecodeError {
  return new DecodeError(`the message does not parse: ${what} at byte ${at}`)
}

/** Field number and wire type of the next field: `tag >>> 3` and `tag & 7`. */
export function readTag(cursor: Cursor): number {
  const byte = cursor.bytes[cursor.at]
  if (byte !== undefined && byte < 128) {
    if (byte < 8) throw malformedAt(cursor.at, 'field number 0')
    cursor.at++
    return byte
  }
  const at = cursor.at
  const tag = readVarint32(cursor)
  if (tag >>> 3 === 0) throw malformedAt(at, 'field number 0')
  return tag
}

/** The low 32 bits of a varint, unsigned. Ten bytes at most, as the encoding allows. */
export function readVarint32(cursor: Cursor): number {
  const { bytes } = cursor
  let at = cursor.at
  let byte = bytes[at++]
  if (byte === undefined) throw malformedAt(at - 1, 'it ends inside a number')
  if (byte < 128) {
    cursor.at = at
    return byte
  }
  let value = byte & 127
  let shift = 7
  for (let i = 1; i < 10; i++) {
    byte = bytes[at++]
    if (byte === undefined) throw malformedAt(at - 1, 'it ends inside a number')
    if (shift < 32) value |= (byte & 127) << shift
    if (byte < 128) {
      cursor.at = at
      return value >>> 0
    }
    shift += 7
  }
  throw malformedAt(cursor.at, 'a number longer than ten bytes')
}

/** An int64 varint as a number: exact to 2^53, negative values arrive as ten bytes of two's complement. */
export function readInt64(cursor: Cursor): number {
  const { bytes } = cursor
  let at = cursor.at
  // Three limbs of 28, 28 and 14 bits: each stays within what integer arithmetic on doubles does exactly.
  let low = 0
  for (let shift = 0; shift < 28; shift += 7) {
    const byte = bytes[at++] as number
    low |= (byte & 127) << shift
    if (byte < 128) {
      cursor.at = at
      return low
    }
  }
  let middle = 0
  for (let shift = 0; shift < 28; shift += 7) {
    const byte = bytes[at++] as number
    middle |= (byte & 127) << shift
    if (byte < 128) {
      cursor.at = at
      return low + middle * 2 ** 28
    }
  }
  const ninth = bytes[at++] as number
  const tenth = ninth < 128 ? 0 : (bytes[at++] as number)
  if (at > bytes.length) throw malformedAt(bytes.length, 'it ends inside a number')
  if (tenth >= 128) throw malformedAt(cursor.at, 'a number longer than ten bytes')
  cursor.at = at
  const top = (ninth & 127) | ((tenth & 1) << 7)
  if (top < 128) return low + middle * 2 ** 28 + top * 2 ** 56
  // Negative: complement the limbs first, so that small magnitudes stay exact.
  return -(0xfffffff - low + (0xfffffff - middle) * 2 ** 28 + (255 - top) * 2 ** 56 + 1)
}

/** A uint64 varint as a number, exact to 2^53. */
export function readUint64(cursor: Cursor): number {
  const value = readInt64(cursor)
  return value < 0 ? value + 2 ** 64 : value
}

/** A zig-zag sint64 as a number, exact to 2^52. */
export function readSint64(cursor: Cursor): number {
  const value = readUint64(cursor)
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2
}

export function readSint32(cursor: Cursor): number {
  const value = readVarint32(cursor)
  return (value >>> 1) ^ -(value & 1)
}

export function readDouble(cursor: Cursor): number {
  const { at } = cursor
  if (at + 8 > cursor.end) throw malformedAt(at, 'it ends inside a double')
  cursor.at = at + 8
  return cursor.view.getFloat64(at, true)
}

/** A fixed64 as a number, exact to 2^53. Nanosecond times exceed that: see `readNanosAsMs`. */
export function readFixed64(cursor: Cursor): number {
  const { at } = cursor
  if (at + 8 > cursor.end) throw malformedAt(at, 'it ends inside a 64-bit field')
  cursor.at = at + 8
  return cursor.view.getUint32(at, true) + cursor.view.getUint32(at + 4, true) * 2 ** 32
}

/** A fixed64 of nanoseconds as milliseconds with fractions, right to a microsecond although 2^53 ns is passed. */
export function readNanosAsMs(cursor: Cursor): number {
  const { at } = cursor
  if (at + 8 > cursor.end) throw malformedAt(at, 'it ends inside a 64-bit field')
  cursor.at = at + 8
  const low = cursor.view.getUint32(at, true)
  const high = cursor.view.getUint32(at + 4, true)
  if (high === 0 && low === 0) return 0
  return nanosToMs(high, low)
}

/** (high * 2^32 + low) ns in ms: whole milliseconds by exact division first, the remainder added after. */
export function nanosToMs(high: number, low: number): number {
  // 2^32 = 4294 * 10^6 + 967296, so high * 2^32 splits without leaving 2^53 for any high < 2^32 / 4294 * 2^20.
  const millis = high * 4294
  const rest = high * 967_296 + low
  return millis + rest / 1e6
}

/** Reads a length and checks it against the end; leaves the cursor at the first byte of the content. */
export function readLength(cursor: Cursor, end: number): number {
  const at = cursor.at
  const length = readVarint32(cursor)
  if (cursor.at + length > end) throw malformedAt(at, `a length of ${length} runs past the end`)
  return length
}

/** Passes over a length and its content. */
export function skipLength(cursor: Cursor, end: number): void {
  const length = readLength(cursor, end)
  cursor.at += length
}

/** Passes over a field of an unknown number. Groups are refused: no schema read here has them. */
export function skipField(cursor: Cursor, wireType: number, end: number): void {
  const at = cursor.at
  if (wireType === VARINT) readInt64(cursor)
  else if (wireType === LENGTH) skipLength(cursor, end)
  else if (wireType === FIXED64) cursor.at += 8
  else if (wireType === FIXED32) cursor.at += 4
  else throw malformedAt(at, `wire type ${wireType}`)
  if (cursor.at > end) throw malformedAt(at, 'a field runs past the end')
}
