import { type Arena, checkFinite, checkRefs, createArena, f64, invalid, raw, reserve, rowsOf, u32 } from './arena.ts'
import { packColumn } from './columns.ts'
import { decodeEvent } from './events.ts'
import type { UsageBatch } from './generated/types.ts'
import { createStringTableBuilder, type StringTable, stringTable } from './strings.ts'

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
  const strings = rowsOf(batch.stringEnds, 'stringEnds', 4)
  const time = f64(arena, batch.time, 'time', rows)
  const orNone = (column: Uint8Array, name: string) =>
    column.byteLength === 0 ? new Uint32Array(rows) : u32(arena, column, name, rows)
  return {
    source: batch.source,
    receivedAt: batch.receivedAt,
    strings: stringTable(
      raw(arena, batch.stringBytes, 'stringBytes', batch.stringBytes.byteLength),
      u32(arena, batch.stringEnds, 'stringEnds', strings),
    ),
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
  const strings = createStringTableBuilder()
  // Loops, because `from` asks an iterator for each value: half of what a batch costs.
  const refs = (text: (event: UsageEvent) => string) => {
    const column = new Uint32Array(events.length)
    for (const [row, event] of events.entries()) column[row] = strings.intern(text(event))
    return packColumn(column)
  }
  const numbers = (number: (event: UsageEvent) => number) => {
    const column = new Float64Array(events.length)
    for (const [row, event] of events.entries()) column[row] = number(event)
    return packColumn(column)
  }
  const messageId = new Uint8Array(events.length * 16)
  events.forEach((event, row) => {
    messageId.set(event.messageId, row * 16)
  })
  const columns = {
    messageId,
    time: numbers(({ timeMs }) => timeMs),
    accountRef: refs(({ accountId }) => accountId),
    userRef: refs(({ userId }) => userId),
    nameRef: refs(({ name }) => name),
    kind: Uint8Array.from(events, ({ kind }) => kind),
    quantity: numbers(({ quantity }) => quantity),
    propertiesRef: refs(({ properties }) => properties),
    anonymousRef: refs(({ anonymousId }) => anonymousId),
    originalTime: numbers(({ originalTimeMs }) => originalTimeMs),
    sentTime: numbers(({ sentTimeMs }) => sentTimeMs),
    contextRef: refs(({ context }) => context),
  }
  return { source, receivedAt, stringBytes: strings.stringBytes(), stringEnds: strings.stringEnds(), ...columns }
}
