import { crc64 } from './crc64.ts'

/** The part of Avro's schema language this project uses, as parsed JSON. */
export type Schema = string | readonly Schema[] | ComplexSchema
export type ComplexSchema = RecordSchema | EnumSchema | ArraySchema | MapSchema | AnnotatedPrimitive

export type RecordSchema = {
  readonly type: 'record'
  readonly name: string
  readonly namespace?: string
  readonly doc?: string
  readonly fields: readonly FieldSchema[]
}
export type FieldSchema = {
  readonly name: string
  readonly type: Schema
  readonly doc?: string
  readonly default?: unknown
}
export type EnumSchema = {
  readonly type: 'enum'
  readonly name: string
  readonly namespace?: string
  readonly doc?: string
  readonly symbols: readonly string[]
  readonly default?: string
}
export type ArraySchema = { readonly type: 'array'; readonly items: Schema }
export type MapSchema = { readonly type: 'map'; readonly values: Schema }
export type AnnotatedPrimitive = { readonly type: PrimitiveName; readonly logicalType?: string }

const PRIMITIVES = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'] as const
export type PrimitiveName = (typeof PRIMITIVES)[number]

export function isPrimitive(name: string): name is PrimitiveName {
  return (PRIMITIVES as readonly string[]).includes(name)
}

/** Full name of a named schema, or of a reference to one, inside `namespace`. */
export function fullName(name: string, namespace: string | undefined): string {
  return name.includes('.') || namespace === undefined ? name : `${namespace}.${name}`
}

export function namespaceOf(name: string): string | undefined {
  const dot = name.lastIndexOf('.')
  return dot < 0 ? undefined : name.slice(0, dot)
}

/**
 * Parsing Canonical Form (Apache Avro 1.12 specification): what two schemas must share to read each other's bytes
 * unresolved. Docs, defaults and logical types are not part of it.
 * @example canonicalForm({ type: 'string' }) // '"string"'
 */
export function canonicalForm(schema: Schema, namespace?: string): string {
  if (typeof schema === 'string') return JSON.stringify(isPrimitive(schema) ? schema : fullName(schema, namespace))
  if (isUnion(schema)) return `[${schema.map((branch) => canonicalForm(branch, namespace)).join(',')}]`
  switch (schema.type) {
    case 'record': {
      const name = fullName(schema.name, schema.namespace ?? namespace)
      const inner = namespaceOf(name)
      const fields = schema.fields.map(
        (field) => `{"name":${JSON.stringify(field.name)},"type":${canonicalForm(field.type, inner)}}`,
      )
      return `{"name":${JSON.stringify(name)},"type":"record","fields":[${fields.join(',')}]}`
    }
    case 'enum': {
      const name = fullName(schema.name, schema.namespace ?? namespace)
      return `{"name":${JSON.stringify(name)},"type":"enum","symbols":${JSON.stringify(schema.symbols)}}`
    }
    case 'array':
      return `{"type":"array","items":${canonicalForm(schema.items, namespace)}}`
    case 'map':
      return `{"type":"map","values":${canonicalForm(schema.values, namespace)}}`
    default:
      return JSON.stringify(schema.type)
  }
}

/** CRC-64-AVRO of the canonical form: what stands in front of each encoded message. */
export function fingerprintOf(schema: Schema): bigint {
  return crc64(new TextEncoder().encode(canonicalForm(schema)))
}

export function isUnion(schema: Schema): schema is readonly Schema[] {
  return Array.isArray(schema)
}
