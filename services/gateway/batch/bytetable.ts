/**
 * Byte strings -> small integers, in typed arrays: an arena of bytes, open addressing, byte comparison on every hit. A
 * hash alone may merge two series; hashing through JavaScript strings costs 3.5 times as much in a loaded process.
 */
export type ByteTable = {
  readonly size: number
  /** Bytes of keys held. */
  readonly bytes: number
  /** Number of the key, -1 when it is not known. */
  find(source: Uint8Array, view: DataView, start: number, end: number): number
  /**
   * The same, looking first (as `intern` does) at the key that followed this table's last answer the last time: senders repeat their order,
   * and a guess that is right costs a comparison of neighbouring memory instead of a hash and three cache misses.
   */
  findNext(source: Uint8Array, view: DataView, start: number, end: number): number
  /** Number of the key, which is remembered if it is new. */
  intern(source: Uint8Array, view: DataView, start: number, end: number): number
  start(index: number): number
  end(index: number): number
  /** The arena; valid until the next `intern`. */
  arena(): Uint8Array
}

// Seeded per process, so that a sender cannot prepare keys that all share one slot.
const SEED = (Math.random() * 0x7fffffff) | 0

export function createByteTable(expectedKeys = 1024): ByteTable {
  let capacity = 16
  while (capacity < expectedKeys * 2) capacity *= 2
  let slots = new Int32Array(capacity)
  let hashes = new Int32Array(capacity / 2)
  /** `ends[i]` is where key i ends and key i + 1 begins. */
  let ends = new Uint32Array(capacity / 2 + 1)
  let arena = new Uint8Array(expectedKeys * 32)
  let arenaView = new DataView(arena.buffer)
  let successors = new Int32Array(capacity / 2)
  let last = 0
  let size = 0
  let used = 0

  function holds(index: number, source: Uint8Array, view: DataView, start: number, end: number): boolean {
    const from = index === 0 ? 0 : (ends[index - 1] as number)
    return (ends[index] as number) - from === end - start && same(arenaView, arena, from, view, source, start, end)
  }

  function lookUp(hash: number, view: DataView, source: Uint8Array, start: number, end: number): number {
    const mask = capacity - 1
    let slot = hash & mask
    for (;;) {
      const entry = slots[slot] as number
      if (entry === 0) return ~slot
      const index = entry - 1
      if (hashes[index] === hash && holds(index, source, view, start, end)) return index
      slot = (slot + 1) & mask
    }
  }

  function grow(): void {
    capacity *= 2
    slots = new Int32Array(capacity)
    hashes = resized(hashes, capacity / 2)
    successors = resized(successors, capacity / 2)
    const grownEnds = new Uint32Array(capacity / 2 + 1)
    grownEnds.set(ends)
    ends = grownEnds
    for (let index = 0; index < size; index++) {
      let slot = (hashes[index] as number) & (capacity - 1)
      while (slots[slot] !== 0) slot = (slot + 1) & (capacity - 1)
      slots[slot] = index + 1
    }
  }

  return {
    get size() {
      return size
    },
    get bytes() {
      return used
    },
    find(source, view, start, end) {
      const found = lookUp(hashOf(view, source, start, end), view, source, start, end)
      return found < 0 ? -1 : found
    },
    findNext(source, view, start, end) {
      const guess = successors[last] as number
      if (guess < size && holds(guess, source, view, start, end)) {
        last = guess
        return guess
      }
      const found = lookUp(hashOf(view, source, start, end), view, source, start, end)
      if (found < 0) return -1
      successors[last] = found
      last = found
      return found
    },
    intern(source, view, start, end) {
      const guess = successors[last] as number
      if (guess < size && holds(guess, source, view, start, end)) {
        last = guess
        return guess
      }
      const hash = hashOf(view, source, start, end)
      const found = lookUp(hash, view, source, start, end)
      if (found >= 0) {
        successors[last] = found
        last = found
        return found
      }
      const index = size++
      successors[last] = index
      last = index
      const length = end - start
      if (used + length > arena.length) {
        const grown = new Uint8Array(Math.max(arena.length * 2, used + length))
        grown.set(arena.subarray(0, used))
        arena = grown
        arenaView = new DataView(arena.buffer)
      }
      arena.set(source.subarray(start, end), used)
      used += length
      ends[index] = used
      hashes[index] = hash
      slots[~found] = index + 1
      if (size * 2 >= capacity) grow()
      return index
    },
    start: (index) => (index === 0 ? 0 : (ends[index - 1] as number)),
    end: (index) => ends[index] as number,
    arena: () => arena,
  }
}

export function resized(array: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(length)
  grown.set(array)
  return grown
}

/** Murmur-like, four bytes a step; the tail is folded in byte by byte. */
function hashOf(view: DataView, source: Uint8Array, start: number, end: number): number {
  let hash = SEED ^ (end - start)
  let at = start
  for (const whole = end - 3; at < whole; at += 4) {
    hash = Math.imul(hash ^ view.getInt32(at, true), 0x2c1b3c6d)
    hash ^= hash >>> 15
  }
  for (; at < end; at++) hash = Math.imul(hash ^ (source[at] as number), 0x297a2d39)
  hash = Math.imul(hash ^ (hash >>> 13), 0x85ebca6b)
  return hash ^ (hash >>> 16)
}

function same(
  arenaView: DataView,
  arena: Uint8Array,
  from: number,
  view: DataView,
  source: Uint8Array,
  start: number,
  end: number,
): boolean {
  const shift = from - start
  let at = start
  // Sixteen bytes to a branch: half the time of four.
  for (const whole = end - 15; at < whole; at += 16) {
    const to = at + shift
    const differing =
      (view.getInt32(at, true) ^ arenaView.getInt32(to, true)) |
      (view.getInt32(at + 4, true) ^ arenaView.getInt32(to + 4, true)) |
      (view.getInt32(at + 8, true) ^ arenaView.getInt32(to + 8, true)) |
      (view.getInt32(at + 12, true) ^ arenaView.getInt32(to + 12, true))
    if (differing !== 0) return false
  }
  for (const whole = end - 3; at < whole; at += 4) {
    if (view.getInt32(at, true) !== arenaView.getInt32(at + shift, true)) return false
  }
  // The last one to three bytes with the ones before them: one comparison instead of three.
  if (end - start >= 4) return view.getInt32(end - 4, true) === arenaView.getInt32(end - 4 + shift, true)
  for (; at < end; at++) if (source[at] !== arena[at + shift]) return false
  return true
}
