import type { TextTable } from '../batch/registry.ts'
import {
  type Cursor,
  malformedAt,
  readDouble,
  readInt64,
  readLength,
  readTag,
  readVarint32,
  skipField,
} from './protobuf.ts'

/** A key or value longer than this is cut, at a character's edge: a statement of megabytes tells nobody more. */
const MAX_TEXT_BYTES = 32 * 1024
/** Values nest; senders nest two or three deep, attackers thousands. */
const MAX_DEPTH = 32

/** A text of at most 32 KiB as a ref. */
export function internCut(texts: TextTable, cursor: Cursor, start: number, end: number): number {
  let to = end
  if (end - start > MAX_TEXT_BYTES) {
    to = start + MAX_TEXT_BYTES
    while (to > start && ((cursor.bytes[to] as number) & 0xc0) === 0x80) to--
  }
  return texts.intern(cursor.bytes, cursor.view, start, to)
}

/** An `AnyValue` as text: strings as they are, numbers in decimal, lists and maps as JSON (OpenTelemetry, "AnyValue to string"). */
export function readValueText(cursor: Cursor, end: number, texts: TextTable): number {
  const start = cursor.at
  const tag = cursor.at < end ? readTag(cursor) : 0
  if (tag === 0x0a) {
    const length = readLength(cursor, end)
    if (cursor.at + length === end) {
      const text = internCut(texts, cursor, cursor.at, end)
      cursor.at = end
      return text
    }
  }
  cursor.at = start
  const value = readValue(cursor, end, 0)
  const text = typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value)
  return texts.internString(text.length > MAX_TEXT_BYTES ? text.slice(0, MAX_TEXT_BYTES / 4) : text)
}

type Value = string | number | boolean | undefined | readonly Value[] | { readonly [key: string]: Value }

export function readValue(cursor: Cursor, end: number, depth: number): Value {
  if (depth > MAX_DEPTH) throw malformedAt(cursor.at, `a value nested deeper than ${MAX_DEPTH}`)
  let value: Value
  while (cursor.at < end) {
    const tag = readTag(cursor)
    switch (tag) {
      case 0x0a:
        value = readText(cursor, end)
        break
      case 0x10:
        value = readVarint32(cursor) !== 0
        break
      case 0x18:
        value = readInt64(cursor)
        break
      case 0x21:
        value = readDouble(cursor)
        break
      case 0x2a:
        value = readList(cursor, readLength(cursor, end) + cursor.at, depth)
        break
      case 0x32:
        value = readMap(cursor, readLength(cursor, end) + cursor.at, depth)
        break
      case 0x3a: {
        const length = readLength(cursor, end)
        value = Buffer.from(cursor.bytes.subarray(cursor.at, cursor.at + length)).toString('base64')
        cursor.at += length
        break
      }
      default:
        skipField(cursor, tag & 7, end)
    }
  }
  if (cursor.at !== end) throw malformedAt(cursor.at, 'a value runs past its end')
  return value
}

function readText(cursor: Cursor, end: number): string {
  const length = readLength(cursor, end)
  const bytes = cursor.bytes.subarray(cursor.at, cursor.at + length)
  cursor.at += length
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
}

function readList(cursor: Cursor, end: number, depth: number): Value[] {
  const list: Value[] = []
  while (cursor.at < end) {
    const tag = readTag(cursor)
    if (tag === 0x0a) list.push(readValue(cursor, readLength(cursor, end) + cursor.at, depth + 1))
    else skipField(cursor, tag & 7, end)
  }
  if (cursor.at !== end) throw malformedAt(cursor.at, 'a list runs past its end')
  return list
}

function readMap(cursor: Cursor, end: number, depth: number): { [key: string]: Value } {
  const entries: [string, Value][] = []
  while (cursor.at < end) {
    const tag = readTag(cursor)
    if (tag !== 0x0a) {
      skipField(cursor, tag & 7, end)
      continue
    }
    const entryEnd = readLength(cursor, end) + cursor.at
    let key = ''
    let value: Value
    while (cursor.at < entryEnd) {
      const part = readTag(cursor)
      if (part === 0x0a) key = readText(cursor, entryEnd)
      else if (part === 0x12) value = readValue(cursor, readLength(cursor, entryEnd) + cursor.at, depth + 1)
      else skipField(cursor, part & 7, entryEnd)
    }
    if (cursor.at !== entryEnd) throw malformedAt(cursor.at, 'an entry runs past its end')
    entries.push([key, value])
  }
  if (cursor.at !== end) throw malformedAt(cursor.at, 'a map runs past its end')
  // No prototype: a key may be called __proto__.
  return Object.assign(Object.create(null) as { [key: string]: Value }, Object.fromEntries(entries))
}

/** One `KeyValue` as a pair of text refs, appended to `into`. */
export function readAttribute(cursor: Cursor, end: number, texts: TextTable, into: number[]): void {
  let key = 0
  let value = 0
  while (cursor.at < end) {
    const tag = readTag(cursor)
    if (tag === 0x0a) {
      const length = readLength(cursor, end)
      key = internCut(texts, cursor, cursor.at, cursor.at + length)
      cursor.at += length
    } else if (tag === 0x12) value = readValueText(cursor, readLength(cursor, end) + cursor.at, texts)
    else skipField(cursor, tag & 7, end)
  }
  if (cursor.at !== end) throw malformedAt(cursor.at, 'an attribute runs past its end')
  into.push(key, value)
}

/** The attributes of a Resource message (field 1 of it), or of a scope where `field` is 3. */
export function readAttributes(cursor: Cursor, end: number, field: number, texts: TextTable, into: number[]): void {
  while (cursor.at < end) {
    const tag = readTag(cursor)
    if (tag === field * 8 + 2) readAttribute(cursor, readLength(cursor, end) + cursor.at, texts, into)
    else skipField(cursor, tag & 7, end)
  }
  if (cursor.at !== end) throw malformedAt(cursor.at, 'attributes run past their end')
}

/** Calls `each` with the end of every submessage `field`, the cursor at its start; other fields are passed over. */
export function eachMessage(cursor: Cursor, end: number, field: number, each: (end: number) => void): void {
  const wanted = field * 8 + 2
  while (cursor.at < end) {
    const tag = readTag(cursor)
    if (tag === wanted) {
      const messageEnd = readLength(cursor, end) + cursor.at
      each(messageEnd)
      if (cursor.at !== messageEnd) throw malformedAt(cursor.at, 'a message runs past its end')
    } else skipField(cursor, tag & 7, end)
  }
  if (cursor.at !== end) throw malformedAt(cursor.at, 'a message runs past its end')
}
