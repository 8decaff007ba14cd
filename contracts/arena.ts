import { ContractError } from './errors.ts'

/**
 * Aligned room for all columns of one batch. Avro puts columns at any offset and typed arrays need multiples of their
 * width, so a batch's columns are copied once, into one buffer, instead of each into its own.
 */
export type Arena = { buffer: ArrayBuffer; bytes: Uint8Array; used: number }

const ALIGNMENT = 8

/**
 * An arena to pass to batch views again and again: it saves the allocation, which costs more than the copy, but each
 * view then lives only until the arena's next use.
 */
export function createArena(): Arena {
  return { buffer: new ArrayBuffer(0), bytes: new Uint8Array(0), used: 0 }
}

/** Makes room for every `bytes` column of a record, forgetting what the arena held. */
export function reserve(arena: Arena, record: Readonly<Record<string, unknown>>): Arena {
  let size = 0
  for (const value of Object.values(record)) if (value instanceof Uint8Array) size += value.byteLength + ALIGNMENT
  if (size > arena.bytes.byteLength) {
    const bytes = Buffer.allocUnsafeSlow(arena.bytes.byteLength === 0 ? size : size * 2)
    arena.buffer = bytes.buffer
    arena.bytes = bytes
  }
  arena.used = 0
  return arena
}

export function f64(arena: Arena, bytes: Uint8Array, name: string, rows: number): Float64Array {
  return new Float64Array(arena.buffer, place(arena, bytes, name, rows, 8), rows)
}

export function u32(arena: Arena, bytes: Uint8Array, name: string, rows: number): Uint32Array {
  return new Uint32Array(arena.buffer, place(arena, bytes, name, rows, 4), rows)
}

export function i32(arena: Arena, bytes: Uint8Array, name: string, rows: number): Int32Array {
  return new Int32Array(arena.buffer, place(arena, bytes, name, rows, 4), rows)
}

export function u16(arena: Arena, bytes: Uint8Array, name: string, rows: number): Uint16Array {
  return new Uint16Array(arena.buffer, place(arena, bytes, name, rows, 2), rows)
}

export function i8(arena: Arena, bytes: Uint8Array, name: string, rows: number): Int8Array {
  return new Int8Array(arena.buffer, place(arena, bytes, name, rows, 1), rows)
}

/** Rows of `width` bytes as they are: u8, bytes8 and bytes16 columns, and text. */
export function raw(arena: Arena, bytes: Uint8Array, name: string, rows: number, width = 1): Uint8Array {
  return new Uint8Array(arena.buffer, place(arena, bytes, name, rows, width), rows * width)
}

/** 64-bit rows as pairs of numbers, low half first (see u64Column). */
export function u64(arena: Arena, bytes: Uint8Array, name: string, rows: number): Uint32Array {
  return new Uint32Array(arena.buffer, place(arena, bytes, name, rows, 8), rows * 2)
}

/** How many rows a column has by its own length. */
export function rowsOf(bytes: Uint8Array, name: string, width: number): number {
  if (bytes.byteLength % width !== 0) throw invalid(`${name} has ${bytes.byteLength} bytes, no multiple of ${width}`)
  return bytes.byteLength / width
}

function place(arena: Arena, bytes: Uint8Array, name: string, rows: number, width: number): number {
  if (bytes.byteLength !== rows * width) {
    throw invalid(`${name} has ${bytes.byteLength} bytes where ${rows} rows of ${width} are due`)
  }
  const offset = arena.used
  arena.bytes.set(bytes, offset)
  arena.used = (offset + bytes.byteLength + ALIGNMENT - 1) & -ALIGNMENT
  return offset
}

/**
 * Refuses a column that points outside a table of `limit` rows (below 2^31). Refs are the most numerous thing to check,
 * so the sign bits of all rows are gathered without a branch, half the time of comparing: `last - ref` has it set when
 * ref lies behind the table, and `ref` itself from 2^31 on, where the difference wraps around.
 */
export function checkRefs(refs: Uint32Array, limit: number, name: string): void {
  const last = (limit - 1) | 0
  let signs = 0
  for (let i = 0; i < refs.length; i++) {
    const ref = refs[i] ?? 0
    signs |= ref | (last - ref)
  }
  if (signs < 0) throw invalid(`${name} points at row ${refs.find((ref) => ref >= limit)} of ${limit}`)
}

/** Refuses ends that go down, split an entry of `width` rows, or do not cover their table exactly. */
export function checkEnds(ends: Uint32Array, total: number, name: string, width = 1): void {
  let previous = 0
  for (let i = 0; i < ends.length; i++) {
    const end = ends[i] ?? 0
    if (end < previous) throw invalid(`${name} goes down at row ${i}`)
    if (end % width !== 0) throw invalid(`${name} splits an entry of ${width} rows at row ${i}`)
    previous = end
  }
  if (previous !== total) throw invalid(`${name} ends at ${previous}, its table has ${total} rows`)
}

/** Refuses NaN and infinities where a window could not be found for them. */
export function checkFinite(values: Float64Array, name: string): void {
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) throw invalid(`${name} is ${values[i]} at row ${i}`)
  }
}

export function invalid(message: string): ContractError {
  return new ContractError('contract.invalid', message)
}
