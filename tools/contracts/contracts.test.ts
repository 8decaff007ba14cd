import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { checkContracts } from './check.ts'
import { brokenPromises, unpublished } from './history.ts'
import { CONTRACTS_FOLDER, publishedSchemas, readRepository } from './repository.ts'
import { generateTypes } from './typescript.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

/** A copy of the schemas in which one file's text is changed. */
function changed(file: string, change: (text: string) => string): ReturnType<typeof readRepository> {
  const folder = mkdtempSync(join(tmpdir(), 'contracts-'))
  folders.push(folder)
  cpSync(join(CONTRACTS_FOLDER, 'avro'), join(folder, 'avro'), { recursive: true })
  const path = join(folder, 'avro', file)
  const text = readFileSync(path, 'utf8')
  const next = change(text)
  expect(next).not.toBe(text)
  writeFileSync(path, next)
  return readRepository(folder)
}

test('the contracts of this repository are published, compatible, generated and documented', () => {
  expect(checkContracts(readRepository())).toEqual([])
})

test('a changed wire schema must be published before it is released', () => {
  const repository = changed('incident/DeploymentRecorded.avsc', (text) =>
    text.replace('"fields": [', '"fields": [{ "name": "team", "type": "string", "doc": "Team.", "default": "" },'),
  )
  expect(brokenPromises(repository)).toEqual([])
  expect(unpublished(repository)).toEqual([
    expect.stringMatching(/^plimsoll\.incident\.v1\.DeploymentRecorded [0-9a-f]{16} is not published/),
  ])
})

test('a breaking change names the published schema it breaks', () => {
  const repository = changed('incident/DeploymentRecorded.avsc', (text) =>
    text.replace('"name": "commit"', '"name": "sha"'),
  )
  expect(brokenPromises(repository)).toEqual([
    expect.stringContaining('DeploymentRecorded.sha is not in it and has no default; make it a new version instead'),
    expect.stringContaining('DeploymentRecorded.commit is not in it and has no default; make it a new version instead'),
  ])
})

test('the history is only ever added to', () => {
  const published = readRepository().history[0]
  const file = published?.path.slice(join(CONTRACTS_FOLDER, 'avro').length + 1) ?? ''
  const repository = changed(file, (text) =>
    text.replace('"fields": [', '"fields": [{ "name": "odd", "type": "int", "default": 0 },'),
  )
  expect(brokenPromises(repository)).toEqual([expect.stringContaining('the history is only ever added to')])
})

test('a published event cannot lose its schema', () => {
  const { current, history } = readRepository()
  expect(brokenPromises({ current: current.slice(1), history })).toEqual([
    `${current[0]?.type} was published and has no current schema: old messages need one`,
  ])
})

test('a codec knows each fingerprint once', () => {
  const fingerprints = publishedSchemas(readRepository()).map(({ fingerprint }) => fingerprint)
  expect(new Set(fingerprints).size).toBe(fingerprints.length)
})

test('types carry docs, null, columns, enums and named records', () => {
  const text = generateTypes([
    {
      type: 'record',
      name: 'Thing',
      namespace: 'plimsoll.demo.v1',
      doc: 'A thing.',
      fields: [
        { name: 'at', type: ['null', { type: 'long', logicalType: 'timestamp-millis' }], doc: 'When.', default: null },
        { name: 'column', type: { type: 'bytes', logicalType: 'f64-le' } },
        { name: 'kind', type: { type: 'enum', name: 'Kind', symbols: ['a', 'b'] } },
        { name: 'kinds', type: { type: 'array', items: 'Kind' } },
        { name: 'choices', type: { type: 'array', items: ['null', 'string'] } },
        { name: 'labels', type: { type: 'map', values: 'string' } },
      ],
    },
  ])
  expect(text.slice(text.indexOf('/** A thing'))).toBe(`/** A thing. */
export type Thing = {
  /** When. */
  readonly at: number | null
  readonly column: Uint8Array
  readonly kind: Kind
  readonly kinds: readonly Kind[]
  readonly choices: readonly (string | null)[]
  readonly labels: Readonly<Record<string, string>>
}

export type Kind = 'a' | 'b'
`)
})
