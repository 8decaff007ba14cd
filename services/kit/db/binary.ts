/** PostgreSQL types that bulk writes take, named as in SQL. Times are ms since the epoch, dates too (their UTC day). */
export type ColumnType =
  | 'int2'
  | 'int4'
  | 'int8'
  | 'float8'
  | 'bool'
  | 'text'
  | 'bytea'
  | 'jsonb'
  | 'timestamptz'
  | 'date'

/** One column of a bulk write; all columns have the same length. `null` and `undefined` become NULL. */
export type BulkColumn = {
  readonly name: string
  readonly type: ColumnType
  readonly values: ArrayLike<unknown>
}

// COPY's binary format: https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format".
const signature = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)])
/** Chunks double up to this, so that a few rows do not cost the memory of many. */
const chunkBytes = { first: 8 * 1024, most: 256 * 1024 }
/** PostgreSQL counts time from 2000-01-01. */
const postgresEpochMs = Date.UTC(2000, 0, 1)
const dayMs = 86_400_000

/** Where bytes are written: the chunk that is being filled, and those that are full. */
type Sink = { buffer: Buffer; at: number; readonly full: Buffer[] }

const createSink = (): Sink => ({ buffer: Buffer.allocUnsafe(chunkBytes.first), at: 0, full: [] })

/** Makes room in one piece and returns where it begins. */
function reserve(sink: Sink, bytes: number): number {
  if (sink.at + bytes > sink.buffer.length) {
    sink.full.push(sink.buffer.subarray(0, sink.at))
    sink.buffer = Buffer.allocUnsafe(Math.max(Math.min(2 * sink.buffer.length, chunkBytes.most), bytes))
    sink.at = 0
  }
  const place = sink.at
  sink.at += bytes
  return place
}

const written = ({ full, buffer, at }: Sink): Buffer[] => [...full, buffer.subarray(0, at)]

/**
 * Rows of a binary COPY, from columns.
 * @throws RangeError when the columns differ in length, TypeError for a value its type cannot hold.
 */
export function encodeCopy(columns: readonly BulkColumn[]): Uint8Array[] {
  const rows = rowCount(columns)
  const sink = createSink()
  const start = reserve(sink, signature.length)
  signature.copy(sink.buffer, start)
  for (let row = 0; row < rows; row++) {
    writeInt16(sink, columns.length)
    for (const { type, values } of columns) writeField(sink, type, values[row])
  }
  writeInt16(sink, -1)
  return written(sink)
}

/**
 * A column as one array. pg sends a Buffer as it is, for PostgreSQL to read in binary: dimensions, flags that it ignores,
 * the elements' type, their count and the first one's index, then fields as in a COPY (`array_recv` in PostgreSQL's
 * src/backend/utils/adt/arrayfuncs.c).
 * @throws TypeError for a value the type cannot hold.
 */
export function encodeArray({ type, values }: BulkColumn): Buffer {
  const sink = createSink()
  for (const word of [1, 0, typeIds[type], values.length, 1]) writeInt32(sink, word)
  for (let row = 0; row < values.length; row++) writeField(sink, type, values[row])
  return Buffer.concat(written(sink))
}

/** The columns' common length. */
export function rowCount(columns: readonly BulkColumn[]): number {
  const [first] = columns
  if (!first) throw new RangeError('a bulk write needs at least one column')
  const wrong = columns.find(({ values }) => values.length !== first.values.length)
  if (!wrong) return first.values.length
  throw new RangeError(
    `column "${wrong.name}" has ${wrong.values.length} values, "${first.name}" has ${first.values.length}`,
  )
}

/** PostgreSQL's numbers of these types, the same in every database: its src/include/catalog/pg_type.dat. */
const typeIds: Record<ColumnType, number> = {
  int2: 21,
  int4: 23,
  int8: 20,
  float8: 701,
  bool: 16,
  text: 25,
  bytea: 17,
  jsonb: 3802,
  timestamptz: 1184,
  date: 1082,
}

function writeField(sink: Sink, type: ColumnType, value: unknown): void {
  if (value === null || value === undefined) writeInt32(sink, -1)
  else fieldWriters[type](sink, value)
}

const fieldWriters: Record<ColumnType, (sink: Sink, value: unknown) => void> = {
  int2: (sink, value) => {
    const number = integer(value)
    writeInt32(sink, 2)
    writeInt16(sink, number)
  },
  int4: (sink, value) => {
    const number = integer(value)
    writeInt32(sink, 4)
    writeInt32(sink, number)
  },
  int8: (sink, value) => writeInt64(sink, value as number | bigint),
  float8: (sink, value) => {
    const at = reserve(sink, 12)
    sink.buffer.writeInt32BE(8, at)
    sink.buffer.writeDoubleBE(Number(value), at + 4)
  },
  bool: (sink, value) => {
    const at = reserve(sink, 5)
    sink.buffer.writeInt32BE(1, at)
    sink.buffer[at + 4] = value ? 1 : 0
  },
  text: (sink, value) => writeText(sink, String(value)),
  bytea: (sink, value) => {
    const bytes = value as Uint8Array
    const at = reserve(sink, 4 + bytes.length)
    sink.buffer.writeInt32BE(bytes.length, at)
    sink.buffer.set(bytes, at + 4)
  },
  // Begins with the version of the jsonb wire format, 1.
  jsonb: (sink, value) => writeText(sink, `\u0001${JSON.stringify(value)}`),
  timestamptz: (sink, value) => writeInt64(sink, microseconds(Number(value) - postgresEpochMs)),
  date: (sink, value) => fieldWriters.int4(sink, Math.floor((Number(value) - postgresEpochMs) / dayMs)),
}

/** Safe for 285 years; further off are days that stand for "never", such as 9999-12-31, and those are in whole ms. */
function microseconds(ms: number): number | bigint {
  const whole = Math.round(ms * 1000)
  return Number.isSafeInteger(whole) || !Number.isFinite(whole) ? whole : BigInt(Math.round(ms)) * 1000n
}

function integer(value: unknown): number {
  const number = Number(value)
  if (!Number.isInteger(number)) throw new TypeError(`${value} is not an integer`)
  return number
}

function writeInt16(sink: Sink, value: number): void {
  const at = reserve(sink, 2)
  sink.buffer.writeInt16BE(value, at)
}

function writeInt32(sink: Sink, value: number): void {
  const at = reserve(sink, 4)
  sink.buffer.writeInt32BE(value, at)
}

/** A BigInt per value would dominate a copy of numbers: safe integers are written as two halves. */
function writeInt64(sink: Sink, value: number | bigint): void {
  const at = reserve(sink, 12)
  sink.buffer.writeInt32BE(8, at)
  if (typeof value === 'bigint') {
    sink.buffer.writeBigInt64BE(value, at + 4)
    return
  }
  if (!Number.isSafeInteger(value)) throw new TypeError(`${value} is not a safe integer: give int8 a bigint`)
  sink.buffer.writeInt32BE(Math.floor(value / 0x1_0000_0000), at + 4)
  sink.buffer.writeUInt32BE(value >>> 0, at + 8)
}

/** Goes over the text once: room is made for the three bytes a UTF-16 unit takes at most, and the rest given back. */
function writeText(sink: Sink, text: string): void {
  const at = reserve(sink, 4 + 3 * text.length)
  const length = sink.buffer.write(text, at + 4)
  sink.buffer.writeInt32BE(length, at)
  sink.at = at + 4 + length
}
