/** PostgreSQL types that bulk writes take, named as in SQL. Times are ms since the epoch, dates too (their UTC day). */
export type ColumnType =
  | 'int2'
  | 'int4'
  | 'int8'
  | 'float4'
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
const chunkBytes = 256 * 1024
/** PostgreSQL counts time from 2000-01-01. */
const postgresEpochMs = Date.UTC(2000, 0, 1)
const dayMs = 86_400_000

type Sink = {
  /** Makes room and returns the place to write at. */
  reserve(bytes: number): number
  buffer: Buffer
}

/**
 * Rows of a binary COPY, from columns.
 * @throws RangeError when the columns differ in length, TypeError for a value its type cannot hold.
 */
export function encodeCopy(columns: readonly BulkColumn[]): Uint8Array[] {
  const rows = rowCount(columns)
  const done: Uint8Array[] = []
  let at = 0
  const sink: Sink = {
    buffer: Buffer.allocUnsafe(chunkBytes),
    reserve(bytes) {
      if (at + bytes > sink.buffer.length) {
        done.push(sink.buffer.subarray(0, at))
        sink.buffer = Buffer.allocUnsafe(Math.max(chunkBytes, bytes))
        at = 0
      }
      const place = at
      at += bytes
      return place
    },
  }
  signature.copy(sink.buffer, sink.reserve(signature.length))
  const writers = columns.map(({ type, values }) => ({ values, write: fieldWriters[type] }))
  for (let row = 0; row < rows; row++) {
    const place = sink.reserve(2)
    sink.buffer.writeInt16BE(writers.length, place)
    for (const { values, write } of writers) {
      const value = values[row]
      if (value === null || value === undefined) {
        const nullAt = sink.reserve(4)
        sink.buffer.writeInt32BE(-1, nullAt)
      } else write(sink, value)
    }
  }
  const trailer = sink.reserve(2)
  sink.buffer.writeInt16BE(-1, trailer)
  done.push(sink.buffer.subarray(0, at))
  return done
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

const fieldWriters: Record<ColumnType, (sink: Sink, value: unknown) => void> = {
  int2: (sink, value) => {
    const at = fixed(sink, 2)
    sink.buffer.writeInt16BE(Number(value), at)
  },
  int4: (sink, value) => {
    const at = fixed(sink, 4)
    sink.buffer.writeInt32BE(Number(value), at)
  },
  int8: (sink, value) => {
    const at = fixed(sink, 8)
    writeInt64(sink.buffer, value as number | bigint, at)
  },
  float4: (sink, value) => {
    const at = fixed(sink, 4)
    sink.buffer.writeFloatBE(Number(value), at)
  },
  float8: (sink, value) => {
    const at = fixed(sink, 8)
    sink.buffer.writeDoubleBE(Number(value), at)
  },
  bool: (sink, value) => {
    const at = fixed(sink, 1)
    sink.buffer[at] = value ? 1 : 0
  },
  text: (sink, value) => writeText(sink, String(value)),
  bytea: (sink, value) => {
    const bytes = value as Uint8Array
    const at = fixed(sink, bytes.length)
    sink.buffer.set(bytes, at)
  },
  jsonb: (sink, value) => {
    const text = JSON.stringify(value)
    const length = Buffer.byteLength(text)
    const at = fixed(sink, length + 1)
    sink.buffer[at] = 1 // version of the jsonb wire format
    sink.buffer.write(text, at + 1)
  },
  timestamptz: (sink, value) => {
    const at = fixed(sink, 8)
    writeInt64(sink.buffer, Math.round((Number(value) - postgresEpochMs) * 1000), at)
  },
  date: (sink, value) => {
    const at = fixed(sink, 4)
    sink.buffer.writeInt32BE(Math.floor((Number(value) - postgresEpochMs) / dayMs), at)
  },
}

/** Writes a field's length and returns where its bytes go. */
function fixed(sink: Sink, length: number): number {
  const at = sink.reserve(4 + length)
  sink.buffer.writeInt32BE(length, at)
  return at + 4
}

function writeText(sink: Sink, text: string): void {
  const length = Buffer.byteLength(text)
  const at = fixed(sink, length)
  sink.buffer.write(text, at)
}

/** A BigInt per value would dominate a copy of numbers: safe integers are written as two halves. */
function writeInt64(buffer: Buffer, value: number | bigint, at: number): void {
  if (typeof value === 'bigint') {
    buffer.writeBigInt64BE(value, at)
    return
  }
  if (!Number.isSafeInteger(value)) throw new TypeError(`${value} is not a safe integer: give int8 a bigint`)
  buffer.writeInt32BE(Math.floor(value / 0x1_0000_0000), at)
  buffer.writeUInt32BE(value >>> 0, at + 4)
}
