import type { TextTable } from './registry.ts'

/** The strings of one batch: refs of a text table -> refs of the batch, each string's bytes copied once. */
export type StringDictionary = {
  ref(text: number): number
  /** Valid until the next dictionary over the same texts is made. */
  bytes(): Uint8Array
  ends(): Uint32Array
}

/** Scratch that outlives one batch; batches are encoded one at a time. */
type Scratch = {
  batch: number
  /** Per text: number of the batch that took it last, and its ref there. Side by side: one cache line for both. */
  marks: Uint32Array
  bytes: Uint8Array
  ends: Uint32Array
}

const scratches = new WeakMap<TextTable, Scratch>()

export function createStringDictionary(texts: TextTable): StringDictionary {
  const scratch = scratches.get(texts) ?? {
    batch: 0,
    marks: new Uint32Array(0),
    bytes: new Uint8Array(64 * 1024),
    ends: new Uint32Array(1024),
  }
  scratches.set(texts, scratch)
  const { table } = texts
  if (scratch.marks.length < table.size * 2) {
    scratch.marks = new Uint32Array(table.size * 4)
    scratch.batch = 0
  }
  const batch = ++scratch.batch
  const { marks } = scratch
  // String 0 of every batch is empty, and so is text 0.
  marks[0] = batch
  marks[1] = 0
  scratch.ends[0] = 0
  let count = 1
  let used = 0

  function add(text: number): number {
    const start = table.start(text)
    const length = table.end(text) - start
    if (used + length > scratch.bytes.length) {
      const grown = new Uint8Array(Math.max(scratch.bytes.length * 2, used + length))
      grown.set(scratch.bytes.subarray(0, used))
      scratch.bytes = grown
    }
    if (count === scratch.ends.length) {
      const grown = new Uint32Array(count * 2)
      grown.set(scratch.ends)
      scratch.ends = grown
    }
    const arena = table.arena()
    if (length > 48) scratch.bytes.set(arena.subarray(start, start + length), used)
    else for (let i = 0; i < length; i++) scratch.bytes[used + i] = arena[start + i] as number
    used += length
    scratch.ends[count] = used
    marks[2 * text] = batch
    marks[2 * text + 1] = count
    return count++
  }

  return {
    ref: (text) => (marks[2 * text] === batch ? (marks[2 * text + 1] as number) : add(text)),
    bytes: () => scratch.bytes.subarray(0, used),
    ends: () => scratch.ends.subarray(0, count),
  }
}
