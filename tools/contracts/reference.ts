import { f64Column, i8Column, i32Column, u8Column, u16Column, u32Column } from '@plimsoll/contracts/columns.ts'
import { type EventType, eventCatalogue, isEventType } from '@plimsoll/contracts/events.ts'
import { examples } from '@plimsoll/contracts/examples.ts'
import { isUnion, type RecordSchema, type Schema } from '@plimsoll/contracts/schema.ts'
import { streamDefinitions } from '@plimsoll/contracts/streams.ts'
import { subjectOf } from '@plimsoll/contracts/subjects.ts'
import type { SchemaFile } from './repository.ts'

const DAY_MS = 86_400_000

/** Text of `docs/reference/events.md`. */
export function generateReference(files: readonly SchemaFile[]): string {
  const sorted = [...files].sort((a, b) => a.type.localeCompare(b.type))
  return `# Events

<!-- Generated from contracts/ by \`npm run contracts -- generate\`: do not edit. -->

Every message is one Avro single-object encoding (\`C3 01\`, CRC-64-AVRO fingerprint of the schema, record) with the
headers \`Nats-Msg-Id\` (event id), \`Plimsoll-Type\` (Avro full name), \`Plimsoll-Source\`, \`Plimsoll-Time\` (event time, ISO)
and \`traceparent\`. The lane in a subject is FNV-1a 32 of the lane key's UTF-8 bytes, modulo 16, in two digits.
Columns (\`bytes\` with a logical type) are packed little-endian values, shown as arrays in the examples.

| stream | holds | lane key | kept | duplicates dropped within |
| --- | --- | --- | --- | --- |
${Object.values(streamDefinitions)
  .map((stream) =>
    row([
      stream.name,
      stream.description,
      stream.laneKey ?? '-',
      days(stream.maxAgeMs),
      `${stream.duplicateWindowMs / 60_000} min`,
    ]),
  )
  .join('\n')}

| event | stream | published by |
| --- | --- | --- |
${sorted
  .map(({ type, schema }) =>
    row([`[${type}](#${schema.name.toLowerCase()})`, entryOf(type).stream, entryOf(type).owner]),
  )
  .join('\n')}

${sorted.map(eventSection).join('\n\n')}
`
}

function eventSection({ type, schema }: SchemaFile): string {
  const { stream, owner, laneKey } = entryOf(type)
  const subject = subjectOf(type as EventType, 0).replace('.00.', '.<lane>.')
  const nested = nestedRecords(schema)
  return `## ${schema.name}

${schema.doc ?? ''}

| | |
| --- | --- |
| type | \`${type}\` |
| stream | ${stream} |
| subject | \`${subject}\` |
| lane key | ${laneKey} |
| published by | ${owner} |

${fieldTable(schema)}
${nested.map((record) => `\n### ${schema.name}: ${record.name}\n\n${fieldTable(record)}\n`).join('')}
\`\`\`json
${JSON.stringify(readable(schema, examples[type as EventType]), null, 2).replaceAll(/\[\s+([-\d.,\s]+?)\s+\]/g, (_, items: string) => `[${items.replaceAll(/\s+/g, ' ')}]`)}
\`\`\``
}

function entryOf(type: string) {
  if (!isEventType(type)) throw new Error(`${type} is not in the catalogue: add it in contracts/events.ts`)
  return eventCatalogue[type]
}

function fieldTable(schema: RecordSchema): string {
  const rows = schema.fields.map((field) => {
    const optional = 'default' in field ? ` Default ${JSON.stringify(field.default)}.` : ''
    return row([`\`${field.name}\``, typeName(field.type), `${field.doc ?? ''}${optional}`])
  })
  return ['| field | type | meaning |', '| --- | --- | --- |', ...rows].join('\n')
}

function typeName(schema: Schema): string {
  if (typeof schema === 'string') return schema
  if (isUnion(schema)) return schema.map(typeName).join(' or ')
  switch (schema.type) {
    case 'record':
      return schema.name
    case 'enum':
      return schema.symbols.map((symbol) => `\`${symbol}\``).join(' ')
    case 'array':
      return `array of ${typeName(schema.items)}`
    case 'map':
      return `map of ${typeName(schema.values)}`
    default:
      return schema.logicalType === undefined ? schema.type : `${schema.type} (${schema.logicalType})`
  }
}

/** Records declared inside an event, in the order of their first use. */
function nestedRecords(schema: RecordSchema): RecordSchema[] {
  const found: RecordSchema[] = []
  const visit = (inner: Schema): void => {
    if (typeof inner === 'string') return
    if (isUnion(inner)) for (const branch of inner) visit(branch)
    else if (inner.type === 'record') {
      found.push(inner)
      for (const field of inner.fields) visit(field.type)
    } else if (inner.type === 'array') visit(inner.items)
    else if (inner.type === 'map') visit(inner.values)
  }
  for (const field of schema.fields) visit(field.type)
  return found
}

/** A value as JSON shows it: columns as arrays of what they hold, identities in hexadecimal, text as text. */
function readable(schema: RecordSchema, value: object): Record<string, unknown> {
  const formats = new Map(schema.fields.map((field) => [field.name, logicalTypeOf(field.type)]))
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name,
      item instanceof Uint8Array ? readableColumn(item, formats.get(name)) : item,
    ]),
  )
}

function logicalTypeOf(schema: Schema): string | undefined {
  return typeof schema === 'object' && 'logicalType' in schema ? schema.logicalType : undefined
}

function readableColumn(bytes: Uint8Array, format: string | undefined): unknown {
  switch (format) {
    case 'utf8':
      return Buffer.from(bytes).toString('utf8')
    case 'u8':
      return [...u8Column(bytes)]
    case 'i8':
      return [...i8Column(bytes)]
    case 'u16-le':
      return [...u16Column(bytes)]
    case 'u32-le':
      return [...u32Column(bytes)]
    case 'i32-le':
      return [...i32Column(bytes)]
    case 'f64-le':
      return [...f64Column(bytes)]
    case 'u64-le':
      // Little-endian on the wire, most significant digit first for people.
      return hexRows(bytes, 8).map((row) => `0x${Buffer.from(row, 'hex').reverse().toString('hex')}`)
    case 'bytes8':
      return hexRows(bytes, 8)
    case 'bytes16':
      return hexRows(bytes, 16)
    default:
      return Buffer.from(bytes).toString('hex')
  }
}

function hexRows(bytes: Uint8Array, width: number): string[] {
  return Array.from({ length: bytes.length / width }, (_, i) =>
    Buffer.from(bytes.subarray(i * width, (i + 1) * width)).toString('hex'),
  )
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

function days(ms: number): string {
  return ms < 4 * DAY_MS ? `${ms / 3_600_000} h` : `${ms / DAY_MS} d`
}
