import {
  type ComplexSchema,
  fullName,
  isPrimitive,
  isUnion,
  namespaceOf,
  type PrimitiveName,
  type RecordSchema,
  type Schema,
} from '@plimsoll/contracts/schema.ts'

/**
 * Full compatibility: the new schema reads what the old one wrote, and the old one reads what the new one writes, so
 * that services and stored messages of both ages live side by side. Rules: Apache Avro 1.12 specification, "Schema
 * Resolution", and one of our own, that a field keeps its logical type: it says what packed bytes and numbers mean.
 * @returns one sentence per violation, none when the two are compatible
 * @example incompatibilities(published, changed) // ["new readers cannot ... : field `cost` is missing ..."]
 */
export function incompatibilities(older: RecordSchema, newer: RecordSchema): string[] {
  const forward = unreadable(newer, older).map(
    (problem) => `the new schema cannot read what the old one wrote: ${problem}`,
  )
  const backward = unreadable(older, newer).map(
    (problem) => `the old schema cannot read what the new one writes: ${problem}`,
  )
  return [...forward, ...backward]
}

/** Why `reader` cannot read what `writer` wrote, one sentence each. */
export function unreadable(reader: RecordSchema, writer: RecordSchema): string[] {
  const comparison: Comparison = {
    reader: collectNames(reader),
    writer: collectNames(writer),
    problems: [],
    seen: new Set(),
  }
  compare(
    comparison,
    resolve(reader, undefined, comparison.reader),
    resolve(writer, undefined, comparison.writer),
    reader.name,
  )
  return comparison.problems
}

type Names = ReadonlyMap<string, ComplexSchema>
type Comparison = {
  readonly reader: Names
  readonly writer: Names
  readonly problems: string[]
  /** Pairs of named types already under comparison: recursive schemas end here. */
  readonly seen: Set<string>
}

/** A schema with its references followed and its name made full. */
type Resolved =
  | { readonly kind: 'primitive'; readonly name: PrimitiveName; readonly logicalType: string | undefined }
  | { readonly kind: 'record'; readonly name: string; readonly schema: Extract<ComplexSchema, { type: 'record' }> }
  | { readonly kind: 'enum'; readonly name: string; readonly schema: Extract<ComplexSchema, { type: 'enum' }> }
  | { readonly kind: 'array' | 'map'; readonly items: Schema; readonly namespace: string | undefined }
  | { readonly kind: 'union'; readonly branches: readonly Schema[]; readonly namespace: string | undefined }

/** Avro's numeric promotions, and bytes <-> string; reader -> writers it also reads. */
const PROMOTIONS: Readonly<Partial<Record<PrimitiveName, readonly PrimitiveName[]>>> = {
  long: ['int'],
  float: ['int', 'long'],
  double: ['int', 'long', 'float'],
  string: ['bytes'],
  bytes: ['string'],
}

function compare(comparison: Comparison, reader: Resolved, writer: Resolved, path: string): void {
  const { problems } = comparison
  if (writer.kind === 'union') {
    for (const branch of writer.branches) {
      compare(comparison, reader, resolve(branch, writer.namespace, comparison.writer), path)
    }
    return
  }
  if (reader.kind === 'union') {
    const readable = reader.branches.some((branch) => {
      const attempt: Comparison = { ...comparison, problems: [], seen: new Set(comparison.seen) }
      compare(attempt, resolve(branch, reader.namespace, comparison.reader), writer, path)
      return attempt.problems.length === 0
    })
    if (!readable) problems.push(`${path} may be ${describe(writer)}, which its reader does not take`)
    return
  }
  if (reader.kind === 'primitive' && writer.kind === 'primitive') {
    if (reader.name !== writer.name && !PROMOTIONS[reader.name]?.includes(writer.name)) {
      problems.push(`${path} was written as ${describe(writer)} and is read as ${describe(reader)}`)
    } else if (reader.logicalType !== writer.logicalType) {
      problems.push(
        `${path} changes its logical type from ${writer.logicalType ?? 'none'} to ${reader.logicalType ?? 'none'}`,
      )
    }
    return
  }
  if ((reader.kind === 'array' || reader.kind === 'map') && writer.kind === reader.kind) {
    const items = resolve(reader.items, reader.namespace, comparison.reader)
    compare(comparison, items, resolve(writer.items, writer.namespace, comparison.writer), `${path}[]`)
    return
  }
  if (reader.kind === 'enum' && writer.kind === 'enum' && reader.name === writer.name) {
    const unknown = writer.schema.symbols.filter((symbol) => !reader.schema.symbols.includes(symbol))
    if (unknown.length > 0 && reader.schema.default === undefined) {
      problems.push(`${path} may be ${unknown.join(' or ')}, which its reader's enum has not and has no default for`)
    }
    return
  }
  if (reader.kind === 'record' && writer.kind === 'record' && reader.name === writer.name) {
    compareRecords(comparison, reader, writer, path)
    return
  }
  problems.push(`${path} was written as ${describe(writer)} and is read as ${describe(reader)}`)
}

function compareRecords(
  comparison: Comparison,
  reader: Extract<Resolved, { kind: 'record' }>,
  writer: Extract<Resolved, { kind: 'record' }>,
  path: string,
): void {
  if (comparison.seen.has(reader.name)) return
  comparison.seen.add(reader.name)
  const written = new Map(writer.schema.fields.map((field) => [field.name, field]))
  for (const field of reader.schema.fields) {
    const source = written.get(field.name)
    if (source !== undefined) {
      compare(
        comparison,
        resolve(field.type, namespaceOf(reader.name), comparison.reader),
        resolve(source.type, namespaceOf(writer.name), comparison.writer),
        `${path}.${field.name}`,
      )
    } else if (!('default' in field)) {
      comparison.problems.push(`${path}.${field.name} is not in it and has no default`)
    }
  }
}

function resolve(schema: Schema, namespace: string | undefined, names: Names): Resolved {
  if (typeof schema === 'string') {
    if (isPrimitive(schema)) return { kind: 'primitive', name: schema, logicalType: undefined }
    const full = fullName(schema, namespace)
    const named = names.get(full)
    if (named === undefined) throw new Error(`${full} is used before it is declared`)
    return resolve(named, namespaceOf(full), names)
  }
  if (isUnion(schema)) return { kind: 'union', branches: schema, namespace }
  switch (schema.type) {
    case 'record':
      return { kind: 'record', name: fullName(schema.name, schema.namespace ?? namespace), schema }
    case 'enum':
      return { kind: 'enum', name: fullName(schema.name, schema.namespace ?? namespace), schema }
    case 'array':
      return { kind: 'array', items: schema.items, namespace }
    case 'map':
      return { kind: 'map', items: schema.values, namespace }
    default:
      return { kind: 'primitive', name: schema.type, logicalType: schema.logicalType }
  }
}

/** Every named type declared inside a schema, by full name. */
function collectNames(root: Schema): Names {
  const names = new Map<string, ComplexSchema>()
  const visit = (schema: Schema, namespace: string | undefined): void => {
    if (typeof schema === 'string') return
    if (isUnion(schema)) {
      for (const branch of schema) visit(branch, namespace)
      return
    }
    switch (schema.type) {
      case 'record': {
        const name = fullName(schema.name, schema.namespace ?? namespace)
        names.set(name, schema)
        for (const field of schema.fields) visit(field.type, namespaceOf(name))
        return
      }
      case 'enum':
        names.set(fullName(schema.name, schema.namespace ?? namespace), schema)
        return
      case 'array':
        visit(schema.items, namespace)
        return
      case 'map':
        visit(schema.values, namespace)
    }
  }
  visit(root, undefined)
  return names
}

function describe(resolved: Resolved): string {
  switch (resolved.kind) {
    case 'primitive':
      return resolved.logicalType === undefined ? resolved.name : `${resolved.name} (${resolved.logicalType})`
    case 'record':
    case 'enum':
      return `${resolved.kind} ${resolved.name}`
    case 'union':
      return `one of ${resolved.branches.length} types`
    default:
      return resolved.kind
  }
}
