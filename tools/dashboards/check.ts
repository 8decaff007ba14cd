import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BoardFile, boardFiles } from '@plimsoll/dashboards/boards.ts'
import { lintBoard } from './lint.ts'
import { readRegistry } from './registry.ts'
import { readViews } from './views.ts'

const generatedFolder = fileURLToPath(new URL('../../dashboards/generated', import.meta.url))

/** Every problem of the boards and of the files generated from them; empty when all is well. */
export async function checkDashboards(folder = generatedFolder): Promise<string[]> {
  const files = boardFiles()
  const registry = await readRegistry()
  const views = readViews()
  return [...files.flatMap(({ dashboard }) => lintBoard(dashboard, registry, views)), ...drift(files, folder)]
}

/** Writes what Grafana reads and removes what no board stands behind; returns the names written. */
export function generateDashboards(folder = generatedFolder): string[] {
  const files = boardFiles()
  mkdirSync(folder, { recursive: true })
  for (const stale of strangers(files, folder)) rmSync(join(folder, stale))
  for (const { name, text } of files) writeFileSync(join(folder, name), text)
  return files.map(({ name }) => name)
}

function drift(files: readonly BoardFile[], folder: string): string[] {
  const changed = files.filter(({ name, text }) => readIfThere(join(folder, name)) !== text)
  return [
    ...changed.map(({ name }) => `generated/${name} is not what its board says: npm run dashboards -- generate`),
    ...strangers(files, folder).map((name) => `generated/${name} comes from no board: npm run dashboards -- generate`),
  ]
}

const strangers = (files: readonly BoardFile[], folder: string): string[] =>
  existsSync(folder) ? readdirSync(folder).filter((found) => !files.some(({ name }) => name === found)) : []

const readIfThere = (path: string): string | undefined => (existsSync(path) ? readFileSync(path, 'utf8') : undefined)
