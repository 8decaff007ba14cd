import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { PublishedSchema } from '@plimsoll/contracts/codec.ts'
import { fingerprintHex } from '@plimsoll/contracts/crc64.ts'
import { fingerprintOf, fullName, type RecordSchema } from '@plimsoll/contracts/schema.ts'

/** A schema file, current or of the history. */
export type SchemaFile = {
  readonly path: string
  readonly type: string
  readonly fingerprint: bigint
  readonly schema: RecordSchema
}

/** All schemas of a checkout: `avro/<domain>/<Name>.avsc` and `avro/history/<full.Name>/<crc64>.avsc`. */
export type SchemaRepository = {
  readonly current: readonly SchemaFile[]
  readonly history: readonly SchemaFile[]
}

export const CONTRACTS_FOLDER = fileURLToPath(new URL('../../contracts', import.meta.url))
export const REFERENCE_PAGE = fileURLToPath(new URL('../../docs/reference/events.md', import.meta.url))

/** Reads every schema; throws when a file does not say which record it is. */
export function readRepository(contractsFolder: string = CONTRACTS_FOLDER): SchemaRepository {
  const avro = join(contractsFolder, 'avro')
  const files = readdirSync(avro, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.avsc'))
    .sort()
    .map((file) => readSchemaFile(join(avro, file)))
  const isHistory = (file: SchemaFile) => file.path.startsWith(join(avro, 'history'))
  return { current: files.filter((file) => !isHistory(file)), history: files.filter(isHistory) }
}

function readSchemaFile(path: string): SchemaFile {
  let schema: RecordSchema
  try {
    schema = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new Error(`${path} is not JSON`, { cause: error })
  }
  if (schema.type !== 'record' || !schema.name || !schema.namespace) {
    throw new Error(`${path} must be a record with a name and a namespace`)
  }
  return { path, type: fullName(schema.name, schema.namespace), fingerprint: fingerprintOf(schema), schema }
}

/** Where the history keeps a schema. */
export function historyPath(file: SchemaFile, contractsFolder: string = CONTRACTS_FOLDER): string {
  return join(contractsFolder, 'avro', 'history', file.type, `${fingerprintHex(file.fingerprint)}.avsc`)
}

/** What a codec is built from: each fingerprint once, the current schema's own text where there is one. */
export function publishedSchemas({ current, history }: SchemaRepository): PublishedSchema[] {
  const known = new Set(current.map((file) => file.fingerprint))
  return [
    ...current.map(({ fingerprint, schema }) => ({ fingerprint, current: true, schema })),
    ...history
      .filter((file) => !known.has(file.fingerprint))
      .map(({ fingerprint, schema }) => ({ fingerprint, current: false, schema })),
  ]
}

export function writeText(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}
