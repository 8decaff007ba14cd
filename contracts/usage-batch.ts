import { type Arena, checkFinite, checkRefs, createArena, f64, invalid, raw, reserve, rowsOf, u32 } from './arena.ts'
import { packColumn } from './columns.ts'
import { decodeEvent } from './events.ts'
import type { UsageBatch } from './generated/types.ts'
import { createStringTableBuilder, type StringTable, stringsIn } from './strings.ts'

export const USAGE_TYPE = 'plimsoll.usage.v1.UsageBatch'

/** Numbers of the `kind` column. */
export const USAGE_KIND = {
  track: 0,
  page: 1,
  screen: 2,
  identify: 3,
  group: 4,
  alias: 5,
  quantity: 6,
  system: 7,
} as const

const REF_COLUMNS = ['accountRef', 'userRef', 'anonymousRef', 'nameRef', 'propertiesRef', 'contextRef'] as const

/**
 * A UsageBatch as typed arrays, named as in the schema and checked once: one row per event in every column (columns a
 * sender left empty are filled with what empty stands for), refs inside the string table, times finite. Copied out of
 * the message, so it outlives it.
 */
export type UsageBatchView = {
  readonly source: string
  readonly receivedAt: number
  readonly strings: StringTable
  readonly rows: number
  /** 16 bytes an event. */
  readonly messageId: Uint8Array
  readonly time: Float64Array
  readonly originalTime: Float64Array
  /** 0 = not stated. */
  readonly sentTime: Float64Array
  readonly kind: Uint8Array
  readonly quantity: Float64Array
} & { readonly [K in (typeof REF_COLUMNS)[number]]: Uint32Array }

/**
 * Decodes and checks an encoded UsageBatch. Throws ContractError for anything else, cut short or contradictory.
 * With an `arena` of the caller the view lives until that arena is used again.
 * @example
 * const batch = usageBatchView(message.data)
 * batch.strings.at(batch.nameRef[0]) // 'Report Exported'
 */
export function usageBatchView(bytes: Uint8Array, arena: Arena = createArena()): UsageBatchView {
  const event = decodeEvent(bytes)
  if (event.type !== USAGE_TYPE) throw invalid(`expected ${USAGE_TYPE}, got ${event.type}`)
  const view = viewOf(event.value, arena)
  for (const name of REF_COLUMNS) checkRefs(view[name], view.strings.count, name)
  checkFinite(view.time, 'time')
  checkFinite(view.originalTime, 'originalTime')
  checkFinite(view.sentTime, 'sentTime')
  checkFinite(view.quantity, 'quantity')
  return view
}

function viewOf(batch: UsageBatch, given: Arena): UsageBatchView {
  const arena = reserve(given, batch)
  const rows = rowsOf(batch.messageId, 'messageId', 16)
  const time = f64(arena, batch.time, 'time', rows)
  const orNone = (column: Uint8Array, name: string) =>
    column.byteLength === 0 ? new Uint32Array(rows) : u32(arena, column, name, rows)
  return {
    source: batch.source,
    receivedAt: batch.receivedAt,
    strings: stringsIn(arena, batch),
    rows,
    messageId: raw(arena, batch.messageId, 'messageId', rows, 16),
    time,
    originalTime: batch.originalTime.byteLength === 0 ? time : f64(arena, batch.originalTime, 'originalTime', rows),
    sentTime: batch.sentTime.byteLength === 0 ? new Float64Array(rows) : f64(arena, batch.sentTime, 'sentTime', rows),
    kind: raw(arena, batch.kind, 'kind', rows),
    quantity: f64(arena, batch.quantity, 'quantity', rows),
    accountRef: u32(arena, batch.accountRef, 'accountRef', rows),
    userRef: u32(arena, batch.userRef, 'userRef', rows),
    anonymousRef: orNone(batch.anonymousRef, 'anonymousRef'),
    nameRef: u32(arena, batch.nameRef, 'nameRef', rows),
    propertiesRef: u32(arena, batch.propertiesRef, 'propertiesRef', rows),
    contextRef: orNone(batch.contextRef, 'contextRef'),
  }
}

/** One usage event as a producer states it; empty strings for what it does not have. */
export type UsageEvent = {
  /** 16 bytes. */
  readonly messageId: Uint8Array
  readonly timeMs: number
  readonly originalTimeMs: number
  /** 0 = not stated. */
  readonly sentTimeMs: number
  readonly kind: number
  readonly name: string
  readonly accountId: string
  readonly userId: string
  readonly anonymousId: string
  readonly quantity: number
  /** JSON text. */
  readonly properties: string
  /** JSON text. */
  readonly context: string
}

/**
 * Lane key of USAGE: what an account does stays in order; what names no account stays in order per person.
 * @example laneOf(usageLaneKey({ accountId: 'acme', userId: 'u1', anonymousId: '' }))
 */
export function usageLaneKey({
  accountId,
  userId,
  anonymousId,
}: Pick<UsageEvent, 'accountId' | 'userId' | 'anonymousId'>): string {
  return accountId || userId || anonymousId
}

/** The value of a UsageBatch that holds these events, for `encodeEvent`. */
export function usageBatchOf(source: string, receivedAt: number, events: readonly UsageEvent[]): UsageBatch {
  const rows = createUsageRows()
  for (const event of events) rows.add(event)
  return rows.batch(source, receivedAt)
}

/** Gathers events as columns, so that none is kept as an object. Reused batch after batch by `clear`. */
export type UsageRows = {
  add(event: UsageEvent): void
  /** For `encodeEvent`; its columns are views that the next `add` may overwrite: encode first. */
  batch(source: string, receivedAt: number): UsageBatch
  clear(): void
}

const FIRST_ROWS = 64

/**
 * @example
 * const rows = createUsageRows()
 * rows.add(event)
 * encodeEvent(USAGE_TYPE, rows.batch('web', Date.now()))
 */
export function createUsageRows(): UsageRows {
  const strings = createStringTableBuilder()
  let columns = columnsOf(FIRST_ROWS)
  let rows = 0

  return {
    add(event) {
      if (rows === columns.kind.length) columns = grown(columns)
      columns.messageId.set(event.messageId, rows * 16)
      columns.time[rows] = event.timeMs
      columns.originalTime[rows] = event.originalTimeMs
      columns.sentTime[rows] = event.sentTimeMs
      columns.kind[rows] = event.kind
      columns.quantity[rows] = event.quantity
      columns.accountRef[rows] = strings.intern(event.accountId)
      columns.userRef[rows] = strings.intern(event.userId)
      columns.anonymousRef[rows] = strings.intern(event.anonymousId)
      columns.nameRef[rows] = strings.intern(event.name)
      columns.propertiesRef[rows] = strings.intern(event.properties)
      columns.contextRef[rows] = strings.intern(event.context)
      rows++
    },
    batch: (source, receivedAt) => ({
      ...{ source, receivedAt, stringBytes: strings.stringBytes(), stringEnds: strings.stringEnds() },
      messageId: packColumn(columns.messageId.subarray(0, rows * 16)),
      time: packColumn(columns.time.subarray(0, rows)),
      accountRef: packColumn(columns.accountRef.subarray(0, rows)),
      userRef: packColumn(columns.userRef.subarray(0, rows)),
      nameRef: packColumn(columns.nameRef.subarray(0, rows)),
      kind: packColumn(columns.kind.subarray(0, rows)),
      quantity: packColumn(columns.quantity.subarray(0, rows)),
      propertiesRef: packColumn(columns.propertiesRef.subarray(0, rows)),
      anonymousRef: unlessNone(columns.anonymousRef.subarray(0, rows)),
      originalTime: columns.originalTime.subarray(0, rows).every((ms, row) => ms === columns.time[row])
        ? NO_COLUMN
        : packColumn(columns.originalTime.subarray(0, rows)),
      sentTime: unlessNone(columns.sentTime.subarray(0, rows)),
      contextRef: unlessNone(columns.contextRef.subarray(0, rows)),
    }),
    clear() {
      strings.reset()
      rows = 0
    },
  }
}

/** What the schema lets a column be that says nothing: a quarter of the bytes of a plain event. */
const NO_COLUMN = new Uint8Array(0)

const unlessNone = (column: Float64Array | Uint32Array): Uint8Array =>
  column.some((value: number) => value !== 0) ? packColumn(column) : NO_COLUMN

const columnsOf = (rows: number) => ({
  messageId: new Uint8Array(rows * 16),
  time: new Float64Array(rows),
  originalTime: new Float64Array(rows),
  sentTime: new Float64Array(rows),
  kind: new Uint8Array(rows),
  quantity: new Float64Array(rows),
  accountRef: new Uint32Array(rows),
  userRef: new Uint32Array(rows),
  anonymousRef: new Uint32Array(rows),
  nameRef: new Uint32Array(rows),
  propertiesRef: new Uint32Array(rows),
  contextRef: new Uint32Array(rows),
})

function grown(columns: ReturnType<typeof columnsOf>): ReturnType<typeof columnsOf> {
  const larger = columnsOf(columns.kind.length * 2)
  for (const name of Object.keys(columns) as (keyof typeof columns)[]) larger[name].set(columns[name])
  return larger
}
