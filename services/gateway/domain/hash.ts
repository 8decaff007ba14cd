/**
 * 64 bits of MurmurHash3 x86 128 (Austin Appleby, public domain): the identity of a series on the wire. It is part of
 * the contract, so it never changes; hash tables in memory use a seeded hash of their own.
 */
export type Hash64 = { readonly low: number; readonly high: number }

const C1 = 0x239b961b
const C2 = 0xab0e9789
const C3 = 0x38b34ae5
const C4 = 0xa1e38b93

/** @example hash64(new TextEncoder().encode('up')) // { low, high }: two unsigned 32-bit halves */
export function hash64(bytes: Uint8Array): Hash64 {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const whole = bytes.length - (bytes.length % 16)
  let h1 = 0
  let h2 = 0
  let h3 = 0
  let h4 = 0
  for (let at = 0; at < whole; at += 16) {
    h1 ^= mix(view.getInt32(at, true), C1, 15, C2)
    h1 = Math.imul(rotate(h1, 19) + h2, 5) + 0x561ccd1b
    h2 ^= mix(view.getInt32(at + 4, true), C2, 16, C3)
    h2 = Math.imul(rotate(h2, 17) + h3, 5) + 0x0bcaa747
    h3 ^= mix(view.getInt32(at + 8, true), C3, 17, C4)
    h3 = Math.imul(rotate(h3, 15) + h4, 5) + 0x96cd1c35
    h4 ^= mix(view.getInt32(at + 12, true), C4, 18, C1)
    h4 = Math.imul(rotate(h4, 13) + h1, 5) + 0x32ac3b17
  }
  const tail = new Uint8Array(16)
  tail.set(bytes.subarray(whole))
  const last = new DataView(tail.buffer)
  const left = bytes.length - whole
  if (left > 12) h4 ^= mix(last.getInt32(12, true), C4, 18, C1)
  if (left > 8) h3 ^= mix(last.getInt32(8, true), C3, 17, C4)
  if (left > 4) h2 ^= mix(last.getInt32(4, true), C2, 16, C3)
  if (left > 0) h1 ^= mix(last.getInt32(0, true), C1, 15, C2)
  h1 ^= bytes.length
  h2 ^= bytes.length
  h3 ^= bytes.length
  h4 ^= bytes.length
  h1 = (h1 + h2 + h3 + h4) | 0
  h2 = (h2 + h1) | 0
  h3 = (h3 + h1) | 0
  h4 = (h4 + h1) | 0
  h1 = finish(h1)
  h2 = finish(h2)
  h3 = finish(h3)
  h4 = finish(h4)
  h1 = (h1 + h2 + h3 + h4) | 0
  h2 = (h2 + h1) | 0
  return { low: h1 >>> 0, high: h2 >>> 0 }
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits))
}

function mix(word: number, first: number, bits: number, second: number): number {
  return Math.imul(rotate(Math.imul(word, first), bits), second)
}

function finish(hash: number): number {
  let h = hash
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}
