import { isUtf8 } from 'node:buffer'
import { laneOf, metricLaneKey } from '@plimsoll/contracts/lane.ts'
import type { SeriesKind } from '@plimsoll/contracts/metric-batch.ts'
import { canonicalSeries, type Label, type LabelRefusal, seriesId } from '../domain/series.ts'
import { serviceOf } from '../domain/service.ts'
import { type ByteTable, createByteTable } from './bytetable.ts'

/** Number of a series within its registry. */
export type SeriesHandle = number

/** Why a series was not taken up; one of a fixed set. */
export type SeriesRefusal = LabelRefusal | 'invalid-utf8' | 'labels-too-long' | 'series-budget'

/** A series larger than this could not share a message with anything; names and values of real ones stay below 4 KB. */
const MAX_LABEL_BYTES = 64 * 1024

/** What a series takes in the columns of a batch beside its strings; name and unit each with an end offset. */
const SERIES_BYTES = 8 + 1 + 4 + 4 + 4 + 8
/** A ref and an end offset. */
const TEXT_BYTES = 8

export type SeriesDefinition = {
  /** Text refs: name, value, name, value ... as sent. */
  readonly labels: ArrayLike<number>
  readonly labelCount: number
  readonly kind: (metricName: string) => SeriesKind
  /** Text ref, 0 = not stated. */
  readonly unit: number
}

/**
 * All series and strings of one source, decoded once. A series is known by the raw bytes its protocol identifies it
 * with (`keyspace`), so a sample of a known series costs a hash and a comparison; its labels, identity and lane are
 * worked out when it is first seen.
 *
 * It only grows. The owner drops it whole when it is full and starts another (`sources.ts`): series still being sent
 * are decoded once more, the others are forgotten. Batches under way keep the registry they were filled from.
 */
export type SeriesRegistry = {
  readonly source: string
  /** Among which `columns.lane` chooses. */
  readonly lanes: number
  readonly seriesCount: number
  /** Bytes held in strings and keys. */
  readonly bytes: number
  readonly texts: TextTable
  keyspace(name: Keyspace): SeriesKeys
  define(definition: SeriesDefinition): SeriesHandle | SeriesRefusal
  /** By handle. The arrays are replaced as they grow: read them from here each time. */
  readonly columns: SeriesColumns
}

/** What series are identified by: raw label bytes, or refs into this registry's texts. Floats and histograms apart. */
export type Keyspace = 'labels' | 'labels-histogram' | 'refs' | 'refs-histogram' | 'otlp' | 'given'

export type SeriesColumns = {
  idLow: Uint32Array
  idHigh: Uint32Array
  kind: Uint8Array
  lane: Uint8Array
  name: Uint32Array
  unit: Uint32Array
  labelEnd: Uint32Array
  /** Most bytes the series can add to a batch, its strings included. */
  weight: Uint32Array
  labelRefs: Uint32Array
  /** Row in the batch being filled, valid where `rowBatch` is that batch's number. */
  row: Int32Array
  rowBatch: Int32Array
  /** When the last batch that describes the series was made, once that is in the log; -Infinity = never. */
  describedAtMs: Float64Array
  /** Batches since then that left its description out. */
  leftOut: Uint8Array
}

export type SeriesKeys = {
  /** Handle of the series with this key, -1 when it is not known. */
  find(source: Uint8Array, view: DataView, start: number, end: number): SeriesHandle
  remember(source: Uint8Array, view: DataView, start: number, end: number, handle: SeriesHandle): void
}

/** Strings by number. Number 0 is the empty string, as in every batch. */
export type TextTable = {
  readonly table: ByteTable
  intern(source: Uint8Array, view: DataView, start: number, end: number): number
  internString(text: string): number
  /** Undefined when the bytes are not UTF-8. */
  text(ref: number): string | undefined
  /** Whether it is UTF-8; checked once per text, without making a string of it. */
  valid(ref: number): boolean
  /** Its length in UTF-8, bytes. */
  size(ref: number): number
}

export function createTextTable(): TextTable {
  const table = createByteTable(4096)
  const texts: (string | undefined)[] = []
  /** 0 not looked at, 1 UTF-8, 2 not. */
  let checked = new Uint8Array(4096)
  const bytesOf = (ref: number) => table.arena().subarray(table.start(ref), table.end(ref))
  const empty = new Uint8Array(0)
  table.intern(empty, new DataView(empty.buffer), 0, 0)

  function valid(ref: number): boolean {
    if (ref >= checked.length) checked = grownUint8(checked, ref)
    if (checked[ref] === 0) checked[ref] = isUtf8(bytesOf(ref)) ? 1 : 2
    return checked[ref] === 1
  }

  return {
    table,
    valid,
    size: (ref) => table.end(ref) - table.start(ref),
    intern: (source, view, start, end) => table.intern(source, view, start, end),
    internString(text) {
      const bytes = Buffer.from(text, 'utf8')
      return table.intern(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length)
    },
    text(ref) {
      const known = texts[ref]
      if (known !== undefined || !valid(ref)) return known
      const bytes = bytesOf(ref)
      const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
      texts[ref] = text
      return text
    },
  }
}

export function createSeriesRegistry(source: string, maxSeries: number, lanes: number): SeriesRegistry {
  const texts = createTextTable()
  const keyspaces = new Map<Keyspace, { table: ByteTable; keys: SeriesKeys }>()
  const columns = createSeriesColumns()
  let count = 0
  let refs = 0

  function createKeys(): { table: ByteTable; keys: SeriesKeys } {
    const table = createByteTable(1024)
    let handles = new Int32Array(1024)
    return {
      table,
      keys: {
        find(bytes, view, start, end) {
          const index = table.findNext(bytes, view, start, end)
          return index < 0 ? -1 : (handles[index] as number)
        },
        remember(bytes, view, start, end, handle) {
          const index = table.intern(bytes, view, start, end)
          if (index >= handles.length) handles = grownInt32(handles, index)
          handles[index] = handle
        },
      },
    }
  }

  return {
    source,
    lanes,
    texts,
    columns,
    get seriesCount() {
      return count
    },
    get bytes() {
      let bytes = texts.table.bytes
      for (const { table } of keyspaces.values()) bytes += table.bytes
      return bytes
    },
    keyspace(name) {
      let keyspace = keyspaces.get(name)
      if (keyspace === undefined) {
        keyspace = createKeys()
        keyspaces.set(name, keyspace)
      }
      return keyspace.keys
    },
    define(definition) {
      if (count >= maxSeries) return 'series-budget'
      const given: Label[] = []
      let length = 0
      for (let i = 0; i < definition.labelCount; i++) {
        const name = texts.text(definition.labels[2 * i] as number)
        const value = texts.text(definition.labels[2 * i + 1] as number)
        if (name === undefined || value === undefined) return 'invalid-utf8'
        length += name.length + value.length
        if (length > MAX_LABEL_BYTES) return 'labels-too-long'
        given.push([name, value])
      }
      const series = canonicalSeries(given)
      if (typeof series === 'string') return series
      const kind = definition.kind(series.name)
      const id = seriesId(series, kind)
      const handle = count++
      reserve(columns, handle, refs + 2 * series.labels.length)
      columns.idLow[handle] = id.low
      columns.idHigh[handle] = id.high
      columns.kind[handle] = kind
      columns.lane[handle] = laneOf(metricLaneKey(serviceOf(series.labels), source), lanes)
      columns.name[handle] = definition.labels[2 * series.nameAt + 1] as number
      columns.unit[handle] = definition.unit
      columns.describedAtMs[handle] = Number.NEGATIVE_INFINITY
      let weight = SERIES_BYTES + texts.size(columns.name[handle] as number) + texts.size(definition.unit)
      for (const at of series.labelsAt) {
        for (const ref of [definition.labels[2 * at] as number, definition.labels[2 * at + 1] as number]) {
          columns.labelRefs[refs++] = ref
          weight += TEXT_BYTES + texts.size(ref)
        }
      }
      columns.labelEnd[handle] = refs
      columns.weight[handle] = weight
      return handle
    },
  }
}

function createSeriesColumns(): SeriesColumns {
  const capacity = 1024
  return {
    idLow: new Uint32Array(capacity),
    idHigh: new Uint32Array(capacity),
    kind: new Uint8Array(capacity),
    lane: new Uint8Array(capacity),
    name: new Uint32Array(capacity),
    unit: new Uint32Array(capacity),
    labelEnd: new Uint32Array(capacity),
    weight: new Uint32Array(capacity),
    labelRefs: new Uint32Array(capacity * 16),
    row: new Int32Array(capacity),
    rowBatch: new Int32Array(capacity),
    describedAtMs: new Float64Array(capacity),
    leftOut: new Uint8Array(capacity),
  }
}

function reserve(columns: SeriesColumns, handle: number, refs: number): void {
  if (handle >= columns.kind.length) {
    columns.idLow = grownUint32(columns.idLow, handle)
    columns.idHigh = grownUint32(columns.idHigh, handle)
    columns.kind = grownUint8(columns.kind, handle)
    columns.lane = grownUint8(columns.lane, handle)
    columns.name = grownUint32(columns.name, handle)
    columns.unit = grownUint32(columns.unit, handle)
    columns.labelEnd = grownUint32(columns.labelEnd, handle)
    columns.weight = grownUint32(columns.weight, handle)
    columns.row = grownInt32(columns.row, handle)
    columns.rowBatch = grownInt32(columns.rowBatch, handle)
    columns.leftOut = grownUint8(columns.leftOut, handle)
    const describedAtMs = new Float64Array(columns.kind.length)
    describedAtMs.set(columns.describedAtMs)
    columns.describedAtMs = describedAtMs
  }
  if (refs > columns.labelRefs.length) columns.labelRefs = grownUint32(columns.labelRefs, refs)
}

function grownUint32(array: Uint32Array, index: number): Uint32Array {
  const grown = new Uint32Array(Math.max(array.length * 2, index + 1))
  grown.set(array)
  return grown
}

function grownInt32(array: Int32Array, index: number): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(Math.max(array.length * 2, index + 1))
  grown.set(array)
  return grown
}

function grownUint8(array: Uint8Array, index: number): Uint8Array<ArrayBuffer> {
  const grown = new Uint8Array(Math.max(array.length * 2, index + 1))
  grown.set(array)
  return grown
}
