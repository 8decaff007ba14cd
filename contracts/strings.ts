import { type Arena, raw, rowsOf, u32 } from './arena.ts'
import { u32Column } from './columns.ts'
import { ContractError } from './errors.ts'

/** The strings of a batch, by ref. */
export type StringTable = {
  readonly count: number
  /** Decoded on first use and kept. Throws ContractError when the batch has no such string. */
  at(ref: number): string
  /** UTF-8 bytes of a string, a view into the batch. */
  bytesAt(ref: number): Uint8Array
}

/**
 * Reads a batch's `stringBytes` and `stringEnds`. Checked once here: ends ascend and stay inside the bytes.
 * @example stringTable(batch.stringBytes, batch.stringEnds).at(1) // 'http_requests_total'
 */
export function stringTable(stringBytes: Uint8Array, stringEnds: Uint8Array | Uint32Array): StringTable {
  const ends = stringEnds instanceof Uint32Array ? stringEnds : u32Column(stringEnds)
  const text = Buffer.from(stringBytes.buffer, stringBytes.byteOffset, stringBytes.byteLength)
  let previous = 0
  for (let i = 0; i < ends.length; i++) {
    const end = ends[i] ?? 0
    if (end < previous) throw invalid(`stringEnds goes down at string ${i}`)
    previous = end
  }
  if (previous !== text.length) throw invalid(`stringEnds ends at ${previous}, stringBytes has ${text.length} bytes`)
  const known: (string | undefined)[] = new Array(ends.length)

  const startOf = (ref: number): number => {
    if (ref >>> 0 !== ref || ref >= ends.length) throw invalid(`string ${ref} is not one of the batch's ${ends.length}`)
    return ref === 0 ? 0 : (ends[ref - 1] ?? 0)
  }
  return {
    count: ends.length,
    at(ref) {
      const start = startOf(ref)
      const string = known[ref] ?? text.toString('utf8', start, ends[ref])
      known[ref] = string
      return string
    },
    bytesAt: (ref) => text.subarray(startOf(ref), ends[ref]),
  }
}

/** The strings of a batch whose columns are being copied into `arena`. */
export function stringsIn(
  arena: Arena,
  { stringBytes, stringEnds }: { readonly stringBytes: Uint8Array; readonly stringEnds: Uint8Array },
): StringTable {
  const bytes = raw(arena, stringBytes, 'stringBytes', stringBytes.byteLength)
  return stringTable(bytes, u32(arena, stringEnds, 'stringEnds', rowsOf(stringEnds, 'stringEnds', 4)))
}

/** Gathers the strings of a batch, each once. String 0 is the empty one. Reused batch after batch by `reset`. */
export type StringTableBuilder = {
  readonly count: number
  readonly byteLength: number
  intern(text: string): number
  /** Interns `bytes[start..end)`, taken to be UTF-8. Gives the ref that `intern` gives for the same text. */
  internBytes(bytes: Uint8Array, start: number, end: number): number
  /** For a batch's `stringBytes`; a view that the next `intern` or `reset` may overwrite: encode first. */
  stringBytes(): Uint8Array
  /** For a batch's `stringEnds`; a view like `stringBytes`. */
  stringEnds(): Uint8Array
  reset(): void
}

/** An unpredictable start keeps a sender from choosing strings that all share one slot. */
const SEED = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0

/**
 * @example
 * const strings = createStringTableBuilder()
 * strings.intern('') // 0
 * strings.intern('checkout') // 1
 * strings.internBytes(Buffer.from('checkout'), 0, 8) // 1
 */
export function createStringTableBuilder(): StringTableBuilder {
  let bytes = Buffer.allocUnsafeSlow(4096)
  let ends = new Uint32Array(256)
  let hashes = new Uint32Array(256)
  /** Open addressing, at most half full: ref + 1, 0 = free. */
  let slots = new Uint32Array(512)
  let count = 0
  let length = 0
  const byText = new Map<string, number>()

  function reset(): void {
    slots.fill(0)
    byText.clear()
    length = 0
    // Ref 0 is the empty string and is found without the table.
    ends[0] = 0
    count = 1
  }

  function reserveBytes(extra: number): void {
    if (length + extra <= bytes.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(bytes.length * 2, length + extra))
    grown.set(bytes.subarray(0, length))
    bytes = grown
  }

  function place(ref: number, hash: number): void {
    const mask = slots.length - 1
    let slot = hash & mask
    while (slots[slot] !== 0) slot = (slot + 1) & mask
    slots[slot] = ref + 1
  }

  function append(size: number, hash: number): number {
    if (count === ends.length) {
      ends = grow(ends)
      hashes = grow(hashes)
    }
    if (count * 2 >= slots.length) {
      slots = new Uint32Array(slots.length * 2)
      for (let ref = 1; ref < count; ref++) place(ref, hashes[ref] ?? 0)
    }
    const ref = count++
    length += size
    ends[ref] = length
    hashes[ref] = hash
    place(ref, hash)
    return ref
  }

  function find(from: Uint8Array, start: number, end: number, hash: number): number {
    const mask = slots.length - 1
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const ref = (slots[slot] ?? 0) - 1
      if (ref < 0) return -1
      if (hashes[ref] === hash && sameBytes(from, start, end, ref)) return ref
    }
  }

  function sameBytes(from: Uint8Array, start: number, end: number, ref: number): boolean {
    let at = ends[ref - 1] ?? 0
    if ((ends[ref] ?? 0) - at !== end - start) return false
    for (let i = start; i < end; i++) if (from[i] !== bytes[at++]) return false
    return true
  }

  reset()
  return {
    get count() {
      return count
    },
    get byteLength() {
      return length
    },
    intern(text) {
      if (text === '') return 0
      const known = byText.get(text)
      if (known !== undefined) return known
      // Written behind the table's end: interning is then keeping or forgetting what is already there.
      reserveBytes(text.length * 3)
      const size = bytes.write(text, length, 'utf8')
      const hash = hashOf(bytes, length, length + size)
      const found = find(bytes, length, length + size, hash)
      const ref = found >= 0 ? found : append(size, hash)
      byText.set(text, ref)
      return ref
    },
    internBytes(from, start, end) {
      if (start === end) return 0
      if (!(start >= 0 && end > start && end <= from.length)) {
        throw invalid(`bytes ${start}..${end} are outside a buffer of ${from.length}`)
      }
      const hash = hashOf(from, start, end)
      const found = find(from, start, end, hash)
      if (found >= 0) return found
      const size = end - start
      reserveBytes(size)
      for (let i = 0; i < size; i++) bytes[length + i] = from[start + i] ?? 0
      return append(size, hash)
    },
    stringBytes: () => bytes.subarray(0, length),
    stringEnds: () => new Uint8Array(ends.buffer, 0, count * 4),
    reset,
  }
}

/** FNV-1a from a random start, with a last mix so that the low bits used by the table depend on all of it. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = SEED
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ (bytes[i] ?? 0), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b)
  return (hash ^ (hash >>> 13)) >>> 0
}

function grow(column: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const grown = new Uint32Array(column.length * 2)
  grown.set(column)
  return grown
}

function invalid(message: string): ContractError {
  return new ContractError('contract.invalid', message)
}
