import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export type SourceFile = {
  /** From the root of the repository, with forward slashes. */
  readonly path: string
  readonly text: string
}

const ROOTS = ['contracts', 'services', 'tools', 'dashboards']
const EXTENSIONS = ['.ts', '.mts', '.js', '.mjs']
const SKIPPED = new Set(['node_modules', '.plimsoll'])

/** Every source file of the repository. */
export function readSources(root: string): SourceFile[] {
  const files: SourceFile[] = []
  const visit = (folder: string): void => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = `${folder}/${entry.name}`
      if (entry.isDirectory()) {
        if (!SKIPPED.has(entry.name)) visit(path)
      } else if (EXTENSIONS.some((extension) => entry.name.endsWith(extension))) {
        files.push({ path, text: readFileSync(join(root, path), 'utf8') })
      }
    }
  }
  for (const folder of ROOTS) visit(folder)
  return files
}
