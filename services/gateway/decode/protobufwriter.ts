/** Writes protobuf: for tests, replays and load, and for the answers of OTLP. Speed is not its point. */
export type ProtobufWriter = {
  varint(field: number, value: number | bigint): ProtobufWriter
  /** Zig-zag. */
  sint(field: number, value: number): ProtobufWriter
  double(field: number, value: number): ProtobufWriter
  fixed64(field: number, value: bigint): ProtobufWriter
  fixed32(field: number, value: number): ProtobufWriter
  bytes(field: number, value: Uint8Array): ProtobufWriter
  text(field: number, value: string): ProtobufWriter
  message(field: number, fill: (writer: ProtobufWriter) => unknown): ProtobufWriter
  packed(field: number, values: Iterable<number | bigint>): ProtobufWriter
  packedSint(field: number, values: Iterable<number>): ProtobufWriter
  packedDouble(field: number, values: Iterable<number>): ProtobufWriter
  packedFixed64(field: number, values: Iterable<number | bigint>): ProtobufWriter
  /** Bytes as they are, fields included: for messages that are wrong on purpose. */
  raw(bytes: Uint8Array): ProtobufWriter
  finish(): Uint8Array
}

/** @example protobuf().message(1, (label) => label.text(1, 'job').text(2, 'api')).finish() */
export function protobuf(): ProtobufWriter {
  let buffer = Buffer.alloc(256)
  let at = 0

  function room(bytes: number): void {
    if (at + bytes <= buffer.length) return
    const grown = Buffer.alloc(Math.max(buffer.length * 2, at + bytes))
    buffer.copy(grown, 0, 0, at)
    buffer = grown
  }

  function number(value: number | bigint): void {
    room(10)
    if (typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER) {
      let rest = value
      while (rest >= 128) {
        buffer[at++] = (rest % 128) | 128
        rest = Math.floor(rest / 128)
      }
      buffer[at++] = rest
      return
    }
    let rest = BigInt.asUintN(64, BigInt(value))
    while (rest >= 128n) {
      buffer[at++] = Number(rest & 127n) | 128
      rest >>= 7n
    }
    buffer[at++] = Number(rest)
  }

  function append(bytes: Uint8Array): void {
    room(bytes.length)
    buffer.set(bytes, at)
    at += bytes.length
  }

  function lengthDelimited(field: number, bytes: Uint8Array): ProtobufWriter {
    number(field * 8 + 2)
    number(bytes.length)
    append(bytes)
    return writer
  }

  function packedWith<T>(
    field: number,
    values: Iterable<T>,
    write: (inner: ProtobufWriter, value: T) => void,
  ): ProtobufWriter {
    // Each element is written as a field and stripped of its tag: one byte, as field 1 is used.
    const parts: Uint8Array[] = []
    for (const value of values) {
      const inner = protobuf()
      write(inner, value)
      parts.push(inner.finish().subarray(1))
    }
    return lengthDelimited(field, Buffer.concat(parts))
  }

  const writer: ProtobufWriter = {
    varint(field, value) {
      number(field * 8)
      number(value)
      return writer
    },
    sint: (field, value) => writer.varint(field, zigzag(value)),
    double(field, value) {
      number(field * 8 + 1)
      room(8)
      at = buffer.writeDoubleLE(value, at)
      return writer
    },
    fixed64(field, value) {
      number(field * 8 + 1)
      room(8)
      at = buffer.writeBigUInt64LE(BigInt.asUintN(64, value), at)
      return writer
    },
    fixed32(field, value) {
      number(field * 8 + 5)
      room(4)
      at = buffer.writeUInt32LE(value >>> 0, at)
      return writer
    },
    bytes: lengthDelimited,
    text: (field, value) => lengthDelimited(field, Buffer.from(value, 'utf8')),
    message(field, fill) {
      const inner = protobuf()
      fill(inner)
      return lengthDelimited(field, inner.finish())
    },
    packed: (field, values) => packedWith(field, values, (inner, value) => inner.varint(1, value)),
    packedSint: (field, values) => packedWith(field, values, (inner, value) => inner.sint(1, value)),
    packedDouble: (field, values) => packedWith(field, values, (inner, value) => inner.double(1, value)),
    packedFixed64: (field, values) => packedWith(field, values, (inner, value) => inner.fixed64(1, BigInt(value))),
    raw(bytes) {
      append(bytes)
      return writer
    },
    finish: () => new Uint8Array(buffer.subarray(0, at)),
  }
  return writer
}

function zigzag(value: number): bigint {
  const wide = BigInt(value)
  return wide < 0n ? -2n * wide - 1n : 2n * wide
}
