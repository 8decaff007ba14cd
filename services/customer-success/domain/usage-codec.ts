/** Cells and persons as bytes: LEB128 numbers, ascending ones as the gaps between them. */

import { type Cells, FEATURES } from './usage-cells.ts'
import type { Person } from './usage-person.ts'

export type CellBlock = { readonly block: number; readonly bytes: Uint8Array }

/** The cells that are not 0, block by block. */
export function encodeCells(cells: Cells): CellBlock[] {
  const byBlock = Map.groupBy([...cells.keys()].sort(ascending), (key) => Math.floor(key / FEATURES))
  return [...byBlock].flatMap(([block, keys]) => {
    const out = createWriter()
    for (const key of keys) {
      const kept = [...(cells.get(key) ?? [])].filter(([, n]) => n !== 0).sort(([a], [b]) => a - b)
      if (kept.length === 0) continue
      out.put(key % FEATURES)
      out.put(kept.length)
      let before = 0
      for (const [cell, n] of kept) {
        out.put(cell - before)
        out.put(zigzag(n))
        before = cell
      }
    }
    const bytes = out.bytes()
    return bytes.length === 0 ? [] : [{ block, bytes }]
  })
}

/** Adds an encoded block to what is there; of one feature alone where that is all that is asked for. */
export function addEncoded(cells: Cells, { block, bytes }: CellBlock, only?: number): void {
  const input = createReader(bytes)
  while (input.more()) {
    const feature = input.take()
    let left = input.take()
    if (only !== undefined && feature !== only) {
      for (; left > 0; left--) input.skip(2)
      continue
    }
    const key = block * FEATURES + feature
    const page = cells.get(key) ?? new Map<number, number>()
    cells.set(key, page)
    let cell = 0
    for (; left > 0; left--) {
      cell += input.take()
      page.set(cell, (page.get(cell) ?? 0) + unzigzag(input.take()))
    }
  }
}

export function encodePerson(person: Person): Uint8Array {
  const out = createWriter()
  out.put(person.isNobody ? 1 : 0)
  out.put(person.nodes.length)
  for (const node of person.nodes) out.put(node)
  out.put(person.memberships.length)
  for (const { node, account, atMs } of person.memberships) {
    out.put(node)
    out.put(account)
    out.put(zigzag(atMs))
  }
  out.put(person.lists.length)
  for (const { node, account, feature, first, days, counts } of person.lists) {
    out.put(node)
    out.put(account)
    out.put(feature)
    out.put(zigzag(first))
    out.put(days.length)
    let before = first
    days.forEach((day, i) => {
      out.put(day - before)
      out.put(counts[i] ?? 0)
      before = day
    })
  }
  return out.bytes()
}

export function decodePerson(bytes: Uint8Array): Person {
  const { take } = createReader(bytes)
  const isNobody = take() === 1
  const nodes: number[] = []
  for (let left = take(); left > 0; left--) nodes.push(take())
  const memberships: Person['memberships'] = []
  for (let left = take(); left > 0; left--) {
    memberships.push({ node: take(), account: take(), atMs: unzigzag(take()) })
  }
  const lists: Person['lists'] = []
  for (let left = take(); left > 0; left--) {
    const [node, account, feature, first] = [take(), take(), take(), unzigzag(take())]
    const days: number[] = []
    const counts: number[] = []
    let day = first
    for (let entries = take(); entries > 0; entries--) {
      day += take()
      days.push(day)
      counts.push(take())
    }
    lists.push({ node, account, feature, first, days, counts })
  }
  return { isNobody, nodes, memberships, lists }
}

const ascending = (a: number, b: number): number => a - b
const zigzag = (n: number): number => (n < 0 ? -2 * n - 1 : 2 * n)
const unzigzag = (n: number): number => (n % 2 === 1 ? -(n + 1) / 2 : n / 2)

/** Whole numbers below 2^53: times in ms and ids do not fit 32 bits. */
function createWriter() {
  let buffer = new Uint8Array(256)
  let length = 0
  return {
    put(value: number): void {
      if (length + 8 > buffer.length) {
        const grown = new Uint8Array(buffer.length * 2)
        grown.set(buffer)
        buffer = grown
      }
      let rest = value
      while (rest > 127) {
        buffer[length++] = (rest % 128) + 128
        rest = Math.floor(rest / 128)
      }
      buffer[length++] = rest
    },
    bytes: (): Uint8Array => buffer.slice(0, length),
  }
}

function createReader(bytes: Uint8Array) {
  let at = 0
  return {
    more: (): boolean => at < bytes.length,
    skip(numbers: number): void {
      for (let left = numbers; left > 0; at++) if ((bytes[at] ?? 0) < 128) left--
    },
    take(): number {
      let value = 0
      for (let scale = 1; ; scale *= 128) {
        const byte = bytes[at++]
        if (byte === undefined) throw new RangeError('usage bytes end within a number')
        value += (byte & 127) * scale
        if (byte < 128) return value
      }
    },
  }
}
