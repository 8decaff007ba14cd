import avro from 'avsc'
import { ContractError } from './errors.ts'
import { type FlatCodec, flatCodec } from './flat.ts'
import { fullName, type RecordSchema } from './schema.ts'

/** A schema as it was published: what its fingerprint stands for, for ever. */
export type PublishedSchema = {
  /** CRC-64-AVRO of its canonical form. */
  readonly fingerprint: bigint
  /** Whether it is the one in `avro/`, the newest of its name. */
  readonly current: boolean
  readonly schema: RecordSchema
}

export type Codec = {
  /** Single-object encoding under the current schema of `type`. */
  encode(type: string, value: unknown): Uint8Array
  /** Reads what any published schema wrote, as the current schema of its name. */
  decode(bytes: Uint8Array): { readonly type: string; readonly value: unknown }
}

/** Two marker bytes and the fingerprint, little-endian (Apache Avro 1.12 specification, "Single-object encoding"). */
const HEADER_LENGTH = 10
const MARKER = 0x01c3

/** A published schema, compiled on first use. */
type Reader = {
  readonly type: string
  readonly schema: RecordSchema
  readonly fingerprint: bigint
  read?: (bytes: Uint8Array) => unknown
}

type Writer = { readonly write: (value: unknown) => Uint8Array }

/**
 * A codec over published schemas. Services use the one behind `encodeEvent` and `decodeEvent` (events.ts).
 * @example createCodec([{ fingerprint, current: true, schema }]).decode(bytes).type // 'plimsoll.demo.v1.Thing'
 */
export function createCodec(published: readonly PublishedSchema[]): Codec {
  const readers = new Map<bigint, Reader>()
  const currents = new Map<string, PublishedSchema>()
  const compiled = new Map<string, avro.Type>()
  const writers = new Map<string, Writer>()
  for (const entry of published) {
    const type = fullName(entry.schema.name, entry.schema.namespace)
    readers.set(entry.fingerprint, { type, schema: entry.schema, fingerprint: entry.fingerprint })
    if (entry.current) currents.set(type, entry)
  }

  function currentOf(type: string): PublishedSchema {
    const current = currents.get(type)
    if (current === undefined) throw new ContractError('contract.unknown_schema', `there is no event type ${type}`)
    return current
  }

  function compiledCurrent(type: string): avro.Type {
    let avroType = compiled.get(type)
    if (avroType === undefined) {
      avroType = compile(currentOf(type).schema)
      compiled.set(type, avroType)
    }
    return avroType
  }

  function makeWriter(type: string): Writer {
    const { schema, fingerprint } = currentOf(type)
    const flat = flatCodec(type, schema.fields)
    const write = flat === undefined ? avscWriter(type, compiledCurrent(type)) : flatWriter(flat)
    return {
      write(value) {
        const bytes = write(value)
        const header = new DataView(bytes.buffer, bytes.byteOffset, HEADER_LENGTH)
        header.setUint16(0, MARKER, true)
        header.setBigUint64(2, fingerprint, true)
        return bytes
      },
    }
  }

  function makeRead(reader: Reader): (bytes: Uint8Array) => unknown {
    const current = currentOf(reader.type)
    // The current schema of a flat record is read in place. Older ones are rare (a rolling upgrade, a replay) and go
    // through Avro's own schema resolution.
    const flat = reader.fingerprint === current.fingerprint ? flatCodec(reader.type, reader.schema.fields) : undefined
    return flat === undefined
      ? avscReader(reader, compiledCurrent(reader.type), current)
      : (bytes) => flat.decode(bytes, HEADER_LENGTH)
  }

  function readerOf(bytes: Uint8Array): Reader {
    if (bytes.byteLength < HEADER_LENGTH) {
      throw new ContractError(
        'contract.malformed',
        `${bytes.byteLength} bytes are too few for a single-object encoding`,
      )
    }
    const header = new DataView(bytes.buffer, bytes.byteOffset, HEADER_LENGTH)
    if (header.getUint16(0, true) !== MARKER) {
      throw new ContractError('contract.malformed', 'not an Avro single-object encoding: it does not start with C3 01')
    }
    const fingerprint = header.getBigUint64(2, true)
    const reader = readers.get(fingerprint)
    if (reader === undefined) {
      throw new ContractError(
        'contract.unknown_schema',
        `schema ${fingerprint.toString(16).padStart(16, '0')} was never published here: ` +
          'upgrade this process, or publish the schema with `npm run contracts -- publish`',
      )
    }
    return reader
  }

  return {
    encode(type, value) {
      let writer = writers.get(type)
      if (writer === undefined) {
        writer = makeWriter(type)
        writers.set(type, writer)
      }
      return writer.write(value)
    },
    decode(bytes) {
      const reader = readerOf(bytes)
      reader.read ??= makeRead(reader)
      return { type: reader.type, value: reader.read(bytes) }
    },
  }
}

function flatWriter(flat: FlatCodec): (value: unknown) => Uint8Array {
  return (value) => flat.encode(value as Record<string, unknown>, HEADER_LENGTH)
}

function avscWriter(type: string, avroType: avro.Type): (value: unknown) => Uint8Array {
  return (value) => {
    let body: Buffer
    try {
      body = avroType.toBuffer(value)
    } catch (error) {
      throw new ContractError('contract.invalid', explainInvalid(type, avroType, value), { cause: error })
    }
    const bytes = new Uint8Array(HEADER_LENGTH + body.byteLength)
    bytes.set(body, HEADER_LENGTH)
    return bytes
  }
}

function avscReader(
  reader: Reader,
  current: avro.Type,
  { fingerprint }: PublishedSchema,
): (bytes: Uint8Array) => unknown {
  const resolver = reader.fingerprint === fingerprint ? undefined : current.createResolver(compile(reader.schema))
  return (bytes) => {
    const body = Buffer.from(bytes.buffer, bytes.byteOffset + HEADER_LENGTH, bytes.byteLength - HEADER_LENGTH)
    try {
      return current.fromBuffer(body, resolver)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw new ContractError('contract.malformed', `${reader.type}: ${reason}`, { cause: error })
    }
  }
}

function explainInvalid(type: string, avroType: avro.Type, value: unknown): string {
  const problems: string[] = []
  avroType.isValid(value, {
    errorHook(path, item, expected) {
      problems.push(`${[type, ...path].join('.')} must be ${expected.typeName}, not ${describe(item)}`)
    },
  })
  return problems.join('; ') || `${type} does not fit its schema`
}

function describe(item: unknown): string {
  return typeof item === 'string' || typeof item === 'number'
    ? JSON.stringify(item)
    : item === null
      ? 'null'
      : typeof item
}

/** Lets avsc take any Uint8Array where it insists on Buffer. */
class BytesAsUint8Array extends avro.types.LogicalType {
  override _fromValue(value: Buffer): Uint8Array {
    return value
  }

  override _toValue(value: unknown): Buffer | undefined {
    return value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : undefined
  }

  override _resolve(writer: avro.Type): ((value: Buffer) => Uint8Array) | undefined {
    return avro.Type.isType(writer, 'bytes', 'logical:') ? this._fromValue : undefined
  }
}

/** Logical types of `bytes` fields: what the packed values are. contracts/README.md lists them. */
export const BYTES_FORMATS = [
  'utf8',
  'u8',
  'i8',
  'u16-le',
  'u32-le',
  'i32-le',
  'i64-le',
  'u64-le',
  'f64-le',
  'bytes8',
  'bytes16',
  'histogram',
] as const

const LOGICAL_TYPES = Object.fromEntries(BYTES_FORMATS.map((name) => [name, BytesAsUint8Array]))

function compile(schema: RecordSchema): avro.Type {
  return avro.Type.forSchema(schema as Parameters<typeof avro.Type.forSchema>[0], {
    logicalTypes: LOGICAL_TYPES,
    wrapUnions: 'never',
    omitRecordMethods: true,
  })
}
