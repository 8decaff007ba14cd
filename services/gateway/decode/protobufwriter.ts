/** Writes protobuf: for tests, replays and load, OTLP/JSON and the answers of OTLP. */
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

  /** Content goes where it stays when its length takes one byte, and is moved up when it takes more. */
  function delimited(field: number, fill: () => void): ProtobufWriter {
    number(field * 8 + 2)
    room(1)
    const start = ++at
    fill()
    const length = at - start
    let lengthBytes = 1
    for (let rest = length; rest >= 128; rest = Math.floor(rest / 128)) lengthBytes++
    if (lengthBytes > 1) {
      room(lengthBytes)
      buffer.copyWithin(start + lengthBytes - 1, start, at)
    }
    const end = at + lengthBytes - 1
    at = start - 1
    number(length)
    at = end
    return writer
  }

  function packedWith<T>(field: number, values: Iterable<T>, write: (value: T) => void): ProtobufWriter {
    return delimited(field, () => {
      for (const value of values) write(value)
    })
  }

  function double(value: number): void {
    room(8)
    at = buffer.writeDoubleLE(value, at)
  }

  function fixed64(value: bigint): void {
    room(8)
    at = buffer.writeBigUInt64LE(BigInt.asUintN(64, value), at)
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
      double(value)
      return writer
    },
    fixed64(field, value) {
      number(field * 8 + 1)
      fixed64(value)
      return writer
    },
    fixed32(field, value) {
      number(field * 8 + 5)
      room(4)
      at = buffer.writeUInt32LE(value >>> 0, at)
      return writer
    },
    bytes(field, value) {
      number(field * 8 + 2)
      number(value.length)
      append(value)
      return writer
    },
    text(field, value) {
      const length = Buffer.byteLength(value)
      number(field * 8 + 2)
      number(length)
      room(length)
      at += buffer.write(value, at, 'utf8')
      return writer
    },
    message: (field, fill) => delimited(field, () => fill(writer)),
    packed: (field, values) => packedWith(field, values, number),
    packedSint: (field, values) => packedWith(field, values, (value) => number(zigzag(value))),
    packedDouble: (field, values) => packedWith(field, values, double),
    packedFixed64: (field, values) => packedWith(field, values, (value) => fixed64(BigInt(value))),
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
