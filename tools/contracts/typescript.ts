import type { PublishedSchema } from '@plimsoll/contracts/codec.ts'
import {
  canonicalForm,
  type EnumSchema,
  fullName,
  isPrimitive,
  isUnion,
  namespaceOf,
  type PrimitiveName,
  type RecordSchema,
  type Schema,
} from '@plimsoll/contracts/schema.ts'

const BANNER = '// Generated from avro/**/*.avsc by `npm run contracts -- generate`: do not edit.\n'

const PRIMITIVE_TYPES: Readonly<Record<PrimitiveName, string>> = {
  null: 'null',
  boolean: 'boolean',
  int: 'number',
  long: 'number',
  float: 'number',
  double: 'number',
  bytes: 'Uint8Array',
  string: 'string',
}

type Declarations = Map<string, { readonly name: string; readonly canonical: string; text: string }>

/** Text of `contracts/generated/types.ts`. */
export function generateTypes(schemas: readonly RecordSchema[]): string {
  const declarations: Declarations = new Map()
  const events = schemas.map((schema) => [
    fullName(schema.name, schema.namespace),
    declare(schema, undefined, declarations),
  ])
  const map = events.map(([type, name]) => `  readonly '${type}': ${name}`).join('\n')
  const texts = [...declarations.values()].map((declaration) => declaration.text)
  return `${BANNER}
/** Value of each event, by Avro full name. */
export type EventValues = {
${map}
}

${texts.join('\n\n')}
`
}

/** Text of `contracts/generated/schemas.ts`: every published schema without its docs. */
export function generateSchemas(published: readonly PublishedSchema[]): string {
  const entries = published.map(({ fingerprint, current, schema }) => {
    const hex = `0x${fingerprint.toString(16).padStart(16, '0')}n`
    return `  {\n    fingerprint: ${hex},\n    current: ${current},\n    schema: ${JSON.stringify(withoutDocs(schema))},\n  },`
  })
  return `${BANNER}import type { PublishedSchema } from '../codec.ts'

export const publishedSchemas: readonly PublishedSchema[] = [
${entries.join('\n')}
]
`
}

function withoutDocs(schema: RecordSchema): unknown {
  return JSON.parse(
    JSON.stringify(schema, (key, value) => (key === 'doc' && typeof value === 'string' ? undefined : value)),
  )
}

/** Declares a named schema once and returns its TypeScript name. */
function declare(schema: RecordSchema | EnumSchema, namespace: string | undefined, declarations: Declarations): string {
  const full = fullName(schema.name, schema.namespace ?? namespace)
  const name = full.slice(full.lastIndexOf('.') + 1)
  const canonical = canonicalForm(schema, namespace)
  const known = declarations.get(full)
  if (known !== undefined) {
    if (known.canonical !== canonical) throw new Error(`${full} is declared twice, differently`)
    return known.name
  }
  for (const other of declarations.keys()) {
    if (other.endsWith(`.${name}`)) throw new Error(`${full} and ${other} would both be called ${name}: rename one`)
  }
  const declaration = { name, canonical, text: '' }
  declarations.set(full, declaration)
  declaration.text =
    schema.type === 'enum'
      ? `${docComment(schema.doc, '')}export type ${name} = ${schema.symbols.map((symbol) => `'${symbol}'`).join(' | ')}`
      : `${docComment(schema.doc, '')}export type ${name} = {\n${fieldLines(schema, namespaceOf(full), declarations)}\n}`
  return name
}

function fieldLines(schema: RecordSchema, namespace: string | undefined, declarations: Declarations): string {
  return schema.fields
    .map((field) => {
      const type = typeText(field.type, namespace, declarations)
      return `${docComment(field.doc, '  ')}  readonly ${field.name}: ${type}`
    })
    .join('\n')
}

function typeText(schema: Schema, namespace: string | undefined, declarations: Declarations): string {
  if (typeof schema === 'string') return nameText(schema, namespace, declarations)
  if (isUnion(schema)) {
    const branches = schema
      .filter((branch) => branch !== 'null')
      .map((branch) => typeText(branch, namespace, declarations))
    return (schema.includes('null') ? [...branches, 'null'] : branches).join(' | ')
  }
  switch (schema.type) {
    case 'record':
    case 'enum':
      return declare(schema, namespace, declarations)
    case 'array':
      return `readonly ${parenthesised(typeText(schema.items, namespace, declarations))}[]`
    case 'map':
      return `Readonly<Record<string, ${typeText(schema.values, namespace, declarations)}>>`
    default:
      return PRIMITIVE_TYPES[schema.type]
  }
}

function nameText(name: string, namespace: string | undefined, declarations: Declarations): string {
  if (isPrimitive(name)) return PRIMITIVE_TYPES[name]
  const full = fullName(name, namespace)
  const declaration = declarations.get(full)
  if (declaration === undefined) throw new Error(`${full} is used before it is declared`)
  return declaration.name
}

function parenthesised(type: string): string {
  return type.includes(' ') ? `(${type})` : type
}

function docComment(doc: string | undefined, indent: string): string {
  return doc === undefined ? '' : `${indent}/** ${doc.replaceAll('*/', '* /')} */\n`
}
