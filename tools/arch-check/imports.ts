/** One module a file asks for. */
export type Import = { readonly specifier: string; readonly line: number }

/**
 * Static imports and re-exports begin a line (Biome sees to it), which keeps comments and strings out; an import() may
 * stand anywhere. A computed specifier cannot be seen; none is used here.
 */
const STATIC = /^(?:import|export)\b[^'"`]*?\bfrom\s*(['"])(?<specifier>[^'"\n]+)\1/gm
const BARE = /^import\s*(['"])(?<specifier>[^'"\n]+)\1/gm
const DYNAMIC = /^(?!\s*(?:\/\/|\*|\/\*)).*\bimport\(\s*(['"])(?<specifier>[^'"\n]+)\1/gm

/** The modules a TypeScript file imports, re-exports or imports later, in the order of their lines. */
export function importsOf(text: string): Import[] {
  const found: Import[] = []
  for (const form of [STATIC, BARE, DYNAMIC]) {
    for (const match of text.matchAll(form)) {
      const end = match.index + match[0].length
      found.push({ specifier: match.groups?.specifier ?? '', line: text.slice(0, end).split('\n').length })
    }
  }
  return found.sort((a, b) => a.line - b.line)
}
