/** Cells and persons as bytes: LEB128 numbers, ascending ones as the gaps between them. */

import { BLOCK_DAYS, type Cells, FEATURES, increase, type Page, pageOf } from './usage-cells.ts'
import type { Person } from './usage-person.ts'

export type CellBlock = { readonly block: number; readonly bytes: Uint8Array }

/** The cells that are not 0, block by block. */
export function encodeCells(cells: Cells): CellBlock[] {
  const byBlock = Map.groupBy([...cells.keys()].sort(ascending), (key) => Math.floor(key / FEATURES))
  return [...byBlock].flatMap(([block, keys]) => {
    begin()
    for (const key of keys) putPage(key % FEATURES, cells.get(key) ?? [])
    const bytes = written()
    return bytes.length === 0 ? [] : [{ block, bytes }]
  })
}

function putPage(feature: number, page: Page): void {
  let kept = 0
  for (const days of page) for (let at = 0; days !== undefined && at < BLOCK_DAYS; at++) if (days[at] !== 0) kept++
  if (kept === 0) return
  put(feature)
  put(kept)
  let before = 0
  for (let number = 0; number < page.length; number++) {
    const days = page[number]
    for (let at = 0; days !== undefined && at < BLOCK_DAYS; at++) {
      const n = days[at] ?? 0
      if (n === 0) continue
      put(number * BLOCK_DAYS + at - before)
      put(zigzag(n))
      before = number * BLOCK_DAYS + at
    }
  }
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
    const page = pageOf(cells, block, feature)
    let cell = 0
    for (; left > 0; left--) {
      cell += input.take()
      increase(page, Math.floor(cell / BLOCK_DAYS), cell % BLOCK_DAYS, unzigzag(input.take()))
    }
  }
}

export function encodePerson(person: Person): Uint8Array {
  begin()
  put(person.isNobody ? 1 : 0)
  put(person.nodes.length)
  for (const node of person.nodes) put(node)
  put(person.memberships.length)
  for (const { node, account, atMs } of person.memberships) {
    put(node)
    put(account)
    put(zigzag(atMs))
  }
  put(person.lists.length)
  for (const { node, account, feature, first, days, counts } of person.lists) {
    put(node)
    put(account)
    put(feature)
    put(zigzag(first))
    put(days.length)
    let before = first
    for (let i = 0; i < days.length; i++) {
      const day = days[i] ?? 0
      put(day - before)
      put(counts[i] ?? 0)
      before = day
    }
  }
  return written()
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

/** What is being written, in one piece of memory for all: a buffer each costs more than what is written. */
let buffer = new Uint8Array(4096)
let length = 0

function begin(): void {
  length = 0
}

/** Whole numbers below 2^53: times in ms and ids do not fit 32 bits. */
function put(value: number): void {
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
}

/** A copy of what was written, out of Node's pool. */
const written = (): Uint8Array => Buffer.from(buffer.subarray(0, length))

function createReader(bytes: Uint8Array) {
  let at = 0
  const next = (): number => {
    const byte = bytes[at++]
    if (byte === undefined) throw new RangeError('usage bytes end within a number')
    return byte
  }
  return {
    more: (): boolean => at < bytes.length,
    skip(numbers: number): void {
      for (let left = numbers; left > 0; at++) if ((bytes[at] ?? 0) < 128) left--
    },
    take(): number {
      let byte = next()
      // Most numbers are one byte, and are not to become floating point.
      if (byte < 128) return byte
      let value = byte & 127
      for (let scale = 128; byte >= 128; scale *= 128) {
        byte = next()
        value += (byte & 127) * scale
      }
      return value
    },
  }
}
