import { DecodeError } from './failure.ts'

/**
 * Snappy block format (github.com/google/snappy, format_description.txt), as remote write uses it. Not the framed
 * format. The native binding returns a fresh external buffer per call, which costs more in page faults than it saves;
 * this one writes into one scratch buffer that grows to the largest body seen.
 */
export type SnappyDecoder = {
  /**
   * The decompressed bytes: a view of the scratch buffer, valid until the next call.
   * Throws `DecodeError` when the input is not snappy or says it is longer than `maxBytes`.
   */
  decode(input: Uint8Array): Uint8Array
}

/** Copies run in steps of eight bytes and may write this far past the end. */
const SLACK = 8

/** @example createSnappyDecoder(1 << 20).decode(encodeSnappy(Buffer.from('hello'))) // the bytes of 'hello' */
export function createSnappyDecoder(maxBytes: number): SnappyDecoder {
  let scratch = new Uint8Array(64 * 1024 + SLACK)
  let view = new DataView(scratch.buffer)
  return {
    decode(input) {
      const header = readLength(input)
      if (header.length > maxBytes) {
        throw new DecodeError(
          `the body says it inflates to ${header.length} bytes; the limit is ${maxBytes}`,
          'too-large',
        )
      }
      // The densest element, a copy of 64 bytes in three, bounds what the input can hold: a header that claims more
      // lies, and no memory is set aside for it.
      if (header.length > input.length * 22) throw malformed(0, 'the stated length is longer than the input could hold')
      if (scratch.length < header.length + SLACK) {
        scratch = new Uint8Array(Math.min(maxBytes, Math.ceil(header.length * 1.5)) + SLACK)
        view = new DataView(scratch.buffer)
      }
      decodeBlock(input, header.at, scratch, view, header.length)
      return scratch.subarray(0, header.length)
    },
  }
}

function malformed(at: number, what: string): DecodeError {
  return new DecodeError(`the body is not snappy block format: ${what} (byte ${at})`)
}

function readLength(input: Uint8Array): { length: number; at: number } {
  let length = 0
  let factor = 1
  for (let at = 0; at < 5; at++) {
    const byte = input[at]
    if (byte === undefined) throw malformed(at, 'it ends inside the length')
    length += (byte & 127) * factor
    if (byte < 128) {
      if (length > 0xffffffff) throw malformed(at, 'the length does not fit 32 bits')
      return { length, at: at + 1 }
    }
    factor *= 128
  }
  throw malformed(5, 'the length does not fit 32 bits')
}

function decodeBlock(input: Uint8Array, start: number, out: Uint8Array, view: DataView, length: number): void {
  const source = new DataView(input.buffer, input.byteOffset, input.byteLength)
  const end = input.length
  let from = start
  let to = 0
  while (from < end) {
    const tag = input[from++] as number
    if ((tag & 3) === 0) {
      let size = (tag >>> 2) + 1
      if (size > 60) {
        const extra = size - 60
        if (from + extra > end) throw malformed(from, 'it ends inside the length of a literal')
        size = 1
        for (let i = 0, factor = 1; i < extra; i++, factor *= 256) size += (input[from + i] as number) * factor
        from += extra
      }
      if (from + size > end) throw malformed(from, 'a literal runs past the end')
      if (to + size > length) throw malformed(from, 'a literal runs past the stated length')
      if (size <= 64 && from + size + SLACK <= end) {
        // Compiled to plain 64-bit moves: no BigInt is made.
        for (let i = 0; i < size; i += 8) view.setBigInt64(to + i, source.getBigInt64(from + i, true), true)
      } else {
        out.set(input.subarray(from, from + size), to)
      }
      from += size
      to += size
      continue
    }
    let size: number
    let offset: number
    if ((tag & 3) === 1) {
      if (from >= end) throw malformed(from, 'it ends inside a copy')
      size = ((tag >>> 2) & 7) + 4
      offset = ((tag >>> 5) << 8) | (input[from++] as number)
    } else if ((tag & 3) === 2) {
      if (from + 2 > end) throw malformed(from, 'it ends inside a copy')
      size = (tag >>> 2) + 1
      offset = source.getUint16(from, true)
      from += 2
    } else {
      if (from + 4 > end) throw malformed(from, 'it ends inside a copy')
      size = (tag >>> 2) + 1
      offset = source.getUint32(from, true)
      from += 4
    }
    if (offset === 0 || offset > to) throw malformed(from, 'a copy points before the start')
    if (to + size > length) throw malformed(from, 'a copy runs past the stated length')
    const back = to - offset
    // Reading what an earlier step of this same copy wrote is right here: the source stays at least one step behind.
    if (offset >= 8) {
      for (let i = 0; i < size; i += 8) view.setBigInt64(to + i, view.getBigInt64(back + i, true), true)
    } else if (offset >= 4) {
      for (let i = 0; i < size; i += 4) view.setInt32(to + i, view.getInt32(back + i, true), true)
    } else {
      for (let i = 0; i < size; i++) out[to + i] = out[back + i] as number
    }
    to += size
  }
  if (to !== length) throw malformed(end, `it holds ${to} bytes and states ${length}`)
}

const HASH_BITS = 14
/** Blocks of this size keep every copy offset within two bytes, as the reference encoder does. */
const BLOCK = 1 << 16

/** Compresses for tests, replays and load: greedy matching, the format's usual 64 KiB blocks. */
export function encodeSnappy(input: Uint8Array): Uint8Array {
  const out = new Uint8Array(10 + input.length + Math.ceil(input.length / 6))
  let to = 0
  let rest = input.length
  while (rest >= 128) {
    out[to++] = (rest % 128) | 128
    rest = Math.floor(rest / 128)
  }
  out[to++] = rest
  for (let start = 0; start < input.length; start += BLOCK) {
    to = encodeBlock(input, start, Math.min(input.length, start + BLOCK), out, to)
  }
  return out.subarray(0, to)
}

function encodeBlock(input: Uint8Array, start: number, end: number, out: Uint8Array, outAt: number): number {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength)
  const table = new Int32Array(1 << HASH_BITS).fill(-1)
  let to = outAt
  let literal = start
  let at = start
  while (at + 4 <= end) {
    const word = view.getInt32(at, true)
    const slot = Math.imul(word, 0x1e35a7bd) >>> (32 - HASH_BITS)
    const candidate = table[slot] as number
    table[slot] = at
    if (candidate < start || view.getInt32(candidate, true) !== word) {
      // The longer nothing matched, the bigger the steps: incompressible input costs little.
      at += 1 + ((at - literal) >> 5)
      continue
    }
    let size = 4
    while (at + size < end && input[candidate + size] === input[at + size]) size++
    to = writeLiteral(input, literal, at, out, to)
    to = writeCopy(out, to, at - candidate, size)
    at += size
    literal = at
  }
  return writeLiteral(input, literal, end, out, to)
}

function writeLiteral(input: Uint8Array, from: number, end: number, out: Uint8Array, at: number): number {
  const size = end - from
  if (size === 0) return at
  let to = at
  if (size <= 60) out[to++] = (size - 1) << 2
  else if (size <= 256) {
    out[to++] = 60 << 2
    out[to++] = size - 1
  } else {
    out[to++] = 61 << 2
    out[to++] = (size - 1) & 255
    out[to++] = (size - 1) >>> 8
  }
  out.set(input.subarray(from, end), to)
  return to + size
}

function writeCopy(out: Uint8Array, at: number, offset: number, size: number): number {
  let to = at
  let rest = size
  while (rest > 0) {
    const part = Math.min(64, rest)
    out[to++] = ((part - 1) << 2) | 2
    out[to++] = offset & 255
    out[to++] = offset >>> 8
    rest -= part
  }
  return to
}
