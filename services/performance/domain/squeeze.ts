/**
 * Bytes <-> the same bytes with their zeros left out. Most of a detector is numbers it does not have: hours of a week
 * that is still to come, buckets that no request falls into, windows it has not seen yet.
 *
 * The first word holds the first byte, which tells versions apart, and how many bytes there were. Then comes for every 32
 * words a word with a bit for each that is not zero, and those that are not. The end is filled up with zeros, so that
 * what gains a few numbers fits where it was.
 */

const GROUP = 32
/** 128 bytes. */
const ROUND = 32

type Scratch = { readonly words: Uint32Array; readonly bytes: Uint8Array }

function createScratch(length: number): Scratch {
  const words = new Uint32Array(length)
  return { words, bytes: new Uint8Array(words.buffer) }
}

/** Where bytes are taken apart and put together, aligned: shared, used only inside one call. */
let whole = createScratch(2048)
let squeezed = createScratch(2048)

function reserve(wholeWords: number, squeezedWords: number): void {
  if (wholeWords > whole.words.length) whole = createScratch(2 * wholeWords)
  if (squeezedWords > squeezed.words.length) squeezed = createScratch(2 * squeezedWords)
}

/** In `into` when they fit it exactly, else in an array of their own. Takes up to 16 MB. */
export function squeeze(bytes: Uint8Array, into?: Uint8Array): Uint8Array {
  const count = Math.ceil(bytes.length / 4)
  reserve(count, 1 + count + Math.ceil(count / GROUP) + ROUND)
  const from = whole.words
  const to = squeezed.words
  if (count > 0) from[count - 1] = 0
  whole.bytes.set(bytes)
  to[0] = (bytes[0] ?? 0) + bytes.length * 256
  let at = 1
  for (let first = 0; first < count; first += GROUP) {
    const end = Math.min(count, first + GROUP)
    const bitsAt = at++
    let bits = 0
    for (let i = first; i < end; i++) {
      const word = from[i] ?? 0
      if (word === 0) continue
      bits |= 1 << (i - first)
      to[at++] = word
    }
    to[bitsAt] = bits
  }
  const length = Math.ceil(at / ROUND) * ROUND
  to.fill(0, at, length)
  const result = squeezed.bytes.subarray(0, 4 * length)
  if (into?.length !== result.length) return result.slice()
  into.set(result)
  return into
}

/** What was squeezed, valid until the next call. Throws RangeError for bytes that `squeeze` did not make. */
export function stretch(bytes: Uint8Array): Uint8Array {
  reserve(0, Math.ceil(bytes.length / 4))
  squeezed.bytes.set(bytes)
  const length = (squeezed.words[0] ?? 0) >>> 8
  const count = Math.ceil(length / 4)
  reserve(count, 0)
  const from = squeezed.words
  const to = whole.words
  to.fill(0, 0, count)
  let at = 1
  for (let first = 0; first < count; first += GROUP) {
    for (let bits = from[at++] ?? 0; bits !== 0; bits &= bits - 1) {
      to[first + 31 - Math.clz32(bits & -bits)] = from[at++] ?? 0
    }
  }
  if (bytes.length !== 4 * ROUND * Math.ceil(at / ROUND))
    throw new RangeError('saved state is cut off or has no zeros left out')
  return whole.bytes.subarray(0, length)
}
