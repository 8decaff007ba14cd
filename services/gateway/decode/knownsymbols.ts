import { crc32 } from 'node:zlib'
import { createByteTable, resized } from '../batch/bytetable.ts'
import type { SeriesHandle, SeriesRegistry } from '../batch/registry.ts'

/** Where each symbol of a request stands, and its text ref, -1 until it is looked up. */
export type Symbols = {
  count: number
  readonly start: Uint32Array
  readonly end: Uint32Array
  readonly text: Int32Array
}

export function createSymbols(capacity: number): Symbols {
  const column = () => new Uint32Array(capacity)
  return { count: 0, start: column(), end: column(), text: new Int32Array(capacity) }
}

/**
 * The symbols that a request begins with, of a sender that sends the same ones again and again. Under the same symbols
 * the same refs mean the same series, so that neither symbols nor refs have to be read.
 */
export type KnownSymbols = {
  /** The bytes of the request up to its first series. */
  readonly head: Buffer
  readonly symbols: Symbols
  /** The float series of a known form, -1 when it is not known. */
  find(bytes: Uint8Array, view: DataView, form: SeriesForm): SeriesHandle
  remember(bytes: Uint8Array, view: DataView, form: SeriesForm, series: SeriesHandle): void
}

/** Where a series states its label refs, and what stands behind its samples: its metadata, or nothing. */
export type SeriesForm = { refsStart: number; refsEnd: number; restStart: number; end: number }

/** Heads of one registry, bytes: a sender of a million series has some 64 MiB, and is not worth as much again. */
const MAX_HEAD_BYTES = 16 * 1024 * 1024
/** Heads that came once. */
const MAX_MET = 1024

type Heads = { known: KnownSymbols[]; bytes: number; readonly met: Set<number> }

const headsOf = new WeakMap<SeriesRegistry, Heads>()

/** What is known of a request that begins like an earlier one. Comparing ends at the first byte that differs. */
export function findKnownSymbols(registry: SeriesRegistry, bytes: Uint8Array): KnownSymbols | undefined {
  return headsOf
    .get(registry)
    ?.known.find(({ head }) => head.length <= bytes.length && head.compare(bytes, 0, head.length) === 0)
}

/** Keeps what a request begins with when it comes the second time: many senders never begin the same way twice. */
export function keepSymbols(registry: SeriesRegistry, bytes: Uint8Array, symbols: Symbols): KnownSymbols | undefined {
  const heads = headsOf.get(registry) ?? { known: [], bytes: 0, met: new Set() }
  headsOf.set(registry, heads)
  const check = crc32(bytes)
  if (!heads.met.has(check)) {
    if (heads.met.size === MAX_MET) heads.met.clear()
    heads.met.add(check)
    return undefined
  }
  if (heads.bytes + bytes.length > MAX_HEAD_BYTES) {
    heads.known = []
    heads.bytes = 0
  }
  const known = createKnownSymbols(Buffer.from(bytes), symbols)
  heads.known.push(known)
  heads.bytes += bytes.length
  return known
}

function createKnownSymbols(head: Buffer, { count, start, end }: Symbols): KnownSymbols {
  const allRefs = createByteTable()
  const rests = createByteTable(16)
  /** By number of the refs. */
  let series = new Int32Array(1024)
  let restOf = new Int32Array(1024)
  return {
    head,
    symbols: { count, start: start.slice(0, count), end: end.slice(0, count), text: new Int32Array(count).fill(-1) },
    find(bytes, view, form) {
      const refs = allRefs.findNext(bytes, view, form.refsStart, form.refsEnd)
      if (refs < 0 || restOf[refs] !== rests.findNext(bytes, view, form.restStart, form.end)) return -1
      return series[refs] as number
    },
    remember(bytes, view, form, handle) {
      const refs = allRefs.intern(bytes, view, form.refsStart, form.refsEnd)
      if (refs >= series.length) {
        series = resized(series, refs * 2)
        restOf = resized(restOf, refs * 2)
      }
      series[refs] = handle
      restOf[refs] = rests.intern(bytes, view, form.restStart, form.end)
    },
  }
}
