import { posix } from 'node:path'
import { importsOf } from './imports.ts'
import type { SourceFile } from './sources.ts'

export type Violation = { readonly file: string; readonly line: number; readonly problem: string }

/** Packages that one place only may know, so that everything else stays free of them. */
const EXCLUSIVE: Readonly<Record<string, { readonly owner: string; readonly instead: string }>> = {
  nats: { owner: 'services/kit/log/jetstream.ts', instead: 'use the EventLog of services/kit/log/log.ts' },
  ioredis: { owner: 'services/kit/cache', instead: 'use the Cache of services/kit/cache.ts' },
}

/** Where code may come from, by the part of the tree it lives in. */
type Part =
  | { readonly kind: 'contracts' | 'kit' | 'all' | 'tools' | 'elsewhere' }
  | { readonly kind: 'service'; readonly name: string; readonly domain: boolean }

/**
 * The dependency rule of architecture.md section 2: contracts <- kit <- services <- all; services never import each
 * other; domain/ is pure; `nats` and `ioredis` have one place each. Tools may import anything but those two.
 */
export function checkArchitecture(files: readonly SourceFile[]): Violation[] {
  return files.flatMap((file) =>
    importsOf(file.text).flatMap(({ specifier, line }) => {
      const problem = problemOf(file.path, specifier)
      return problem === undefined ? [] : [{ file: file.path, line, problem }]
    }),
  )
}

/** Why `file` may not import `specifier`, undefined when it may. */
export function problemOf(file: string, specifier: string): string | undefined {
  const from = partOf(file)
  const target = targetOf(file, specifier)
  if (target === undefined) return packageProblem(file, from, specifier)
  const to = partOf(target)
  if (from.kind === 'service' && from.domain && !isTest(file)) {
    const own = to.kind === 'service' && to.name === from.name && to.domain
    if (!own && to.kind !== 'contracts') {
      return `domain/ imports only contracts and other domain/ files, not ${specifier}: pass what it needs as a parameter`
    }
  }
  switch (from.kind) {
    case 'contracts':
      return to.kind === 'contracts' ? undefined : `contracts stand alone and cannot import ${specifier}`
    case 'kit':
      return to.kind === 'contracts' || to.kind === 'kit'
        ? undefined
        : `kit is what services are built from and cannot import ${specifier}`
    case 'service':
      if (to.kind === 'service' && to.name !== from.name) {
        return `services never import each other: ${from.name} learns from ${to.name} by its events, not by ${specifier}`
      }
      return to.kind === 'tools' || to.kind === 'all' ? `a service cannot import ${specifier}` : undefined
    case 'all':
      return to.kind === 'tools' ? `services/all cannot import ${specifier}` : undefined
    case 'tools':
    case 'elsewhere':
      return undefined
  }
}

function packageProblem(file: string, from: Part, specifier: string): string | undefined {
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
  const exclusive = EXCLUSIVE[name]
  if (exclusive !== undefined && file !== exclusive.owner && !file.startsWith(`${exclusive.owner}/`)) {
    return `only ${exclusive.owner} imports ${name}: ${exclusive.instead}`
  }
  if (from.kind === 'service' && from.domain && !isTest(file)) {
    return `domain/ imports only contracts and other domain/ files, not ${specifier}`
  }
  return undefined
}

/** Path in the repository an import leads to, undefined for packages and Node's own modules. */
function targetOf(file: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return posix.join(posix.dirname(file), specifier)
  const own = /^@plimsoll\/([^/]+)\/?(.*)$/.exec(specifier)
  if (own === null) return undefined
  const [, name = '', rest = ''] = own
  return name === 'contracts' || name === 'tools' ? `${name}/${rest}` : `services/${name}/${rest}`
}

function partOf(path: string): Part {
  const [root, name = '', third] = path.split('/')
  if (root === 'contracts') return { kind: 'contracts' }
  if (root === 'tools') return { kind: 'tools' }
  if (root !== 'services') return { kind: 'elsewhere' }
  if (name === 'kit') return { kind: 'kit' }
  if (name === 'all') return { kind: 'all' }
  return { kind: 'service', name, domain: third === 'domain' }
}

/** Tests beside the domain may use a test runner and references of their own. */
function isTest(file: string): boolean {
  return /\.test\.ts$/.test(file)
}
