import { existsSync, readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { BYTES_FORMATS } from '@plimsoll/contracts/codec.ts'
import { type EventType, encodeEvent, eventCatalogue } from '@plimsoll/contracts/events.ts'
import { examples } from '@plimsoll/contracts/examples.ts'
import { isUnion, type Schema } from '@plimsoll/contracts/schema.ts'
import { streamDefinitions } from '@plimsoll/contracts/streams.ts'
import { generatedFiles } from './generate.ts'
import { brokenPromises, unpublished } from './history.ts'
import { CONTRACTS_FOLDER, type SchemaRepository } from './repository.ts'

/** Everything wrong with the contracts, one sentence each; none when they may be released. */
export function checkContracts(repository: SchemaRepository): string[] {
  const problems = [
    ...brokenPromises(repository),
    ...unpublished(repository),
    ...checkNames(repository),
    ...checkFormats(repository),
    ...catalogueProblems(repository),
  ]
  // What is generated from unsound contracts would only repeat their problems.
  return problems.length > 0 ? problems : checkDrift(repository)
}

function checkNames({ current }: SchemaRepository): string[] {
  return current
    .filter(({ type, path }) => {
      const [, domain, , name] = /^plimsoll\.([a-z_]+)\.v(\d+)\.([A-Z][A-Za-z]+)$/.exec(type) ?? []
      return name === undefined || !path.endsWith(`/avro/${domain}/${name}.avsc`)
    })
    .map(
      ({ type, path }) =>
        `${relative(CONTRACTS_FOLDER, path)} holds ${type}: want plimsoll.<domain>.v<n>.<Name>, in avro/<domain>/<Name>.avsc`,
    )
}

/** Bytes without a known logical type cannot be read by anybody who did not write them. */
function checkFormats({ current }: SchemaRepository): string[] {
  const problems: string[] = []
  const formats: readonly string[] = BYTES_FORMATS
  const visit = (schema: Schema, path: string): void => {
    if (schema === 'bytes') problems.push(`${path} is bytes without a logicalType: use one of ${formats.join(', ')}`)
    if (typeof schema === 'string') return
    if (isUnion(schema)) {
      for (const branch of schema) visit(branch, path)
    } else if (schema.type === 'record') {
      for (const field of schema.fields) {
        if (!field.doc) problems.push(`${path}.${field.name} has no doc`)
        visit(field.type, `${path}.${field.name}`)
      }
    } else if (schema.type === 'array') visit(schema.items, path)
    else if (schema.type === 'map') visit(schema.values, path)
    else if (schema.type === 'bytes' && !formats.includes(schema.logicalType ?? '')) {
      problems.push(`${path} has logicalType ${schema.logicalType ?? 'none'}: use one of ${formats.join(', ')}`)
    }
  }
  for (const { schema } of current) visit(schema, schema.name)
  return problems
}

/** Events without stream, owner or a fitting example, and entries without a schema. */
export function catalogueProblems({ current }: SchemaRepository): string[] {
  const problems: string[] = []
  for (const { type } of current) {
    if (!Object.hasOwn(eventCatalogue, type)) {
      problems.push(`${type} is not in the catalogue: give it a stream and an owner in contracts/events.ts`)
      continue
    }
    const event = type as EventType
    if (streamDefinitions[eventCatalogue[event].stream].laneKey === undefined) {
      problems.push(`${type} is on ${eventCatalogue[event].stream}, which has no lanes`)
    }
    if (!Object.hasOwn(examples, type)) {
      problems.push(`${type} has no example: add one in contracts/examples/`)
      continue
    }
    try {
      encodeEvent(event, examples[event])
    } catch (error) {
      problems.push(`the example of ${type} does not fit its schema: ${error instanceof Error ? error.message : error}`)
    }
  }
  const types = new Set<string>(current.map((file) => file.type))
  for (const type of Object.keys(eventCatalogue)) {
    if (!types.has(type)) problems.push(`${type} is in the catalogue and has no schema in contracts/avro`)
  }
  return problems
}

function checkDrift(repository: SchemaRepository): string[] {
  return generatedFiles(repository)
    .filter(({ path, text }) => !existsSync(path) || readFileSync(path, 'utf8') !== text)
    .map(
      ({ path }) =>
        `${relative(`${CONTRACTS_FOLDER}/..`, path)} is not what the schemas say: npm run contracts -- generate`,
    )
}
