import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { appError, describeError } from '../errors.ts'
import { type DebianRequest, libraryPath, unpackDebian, unpackedRoot } from './debian.ts'
import { execute } from './execute.ts'
import { fetchRelease, type Release } from './release.ts'

/** What has to be known of a server to find one. */
export type ServerKind = {
  /** For people: `nats-server`. Also the program's file name. */
  readonly program: string
  /** Variable that names a program to use: `NATS_SERVER_BIN`. */
  readonly binVariable: string
  /** Variable that names a running server to use in place of an embedded one: `NATS_URL`. */
  readonly urlVariable: string
  readonly minimum: readonly [major: number, minor: number]
  readonly release?: Release
  readonly debian: DebianRequest
  /** Variable that names another Debian suite, for programs that run on any. */
  readonly suiteVariable?: string
  /** Path of the program below an unpacked package. */
  readonly debianPath: string
  readonly image: string
}

/** A program that can be run here. */
export type ServerProgram = {
  readonly version: string
  /** Where it came from, for the log. */
  readonly origin: string
} & (
  | { readonly kind: 'binary'; readonly path: string; readonly env: Readonly<Record<string, string>> }
  | { readonly kind: 'docker'; readonly image: string }
)

export type ResolveContext = {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Where downloaded servers are kept, `.plimsoll/servers`. */
  readonly cacheDir: string
  readonly progress: (text: string) => void
}

/**
 * Finds a server program: the one named, one on PATH, the verified official release, a Debian package, Docker.
 * Rejects with one sentence for each way that was tried and what to do.
 */
export async function resolveServer(kind: ServerKind, context: ResolveContext): Promise<ServerProgram> {
  const named = context.env[kind.binVariable]
  if (named !== undefined && named !== '') {
    // Named on purpose: used or refused, never replaced by another.
    return await inspect(kind, { path: named, origin: kind.binVariable, env: {} })
  }
  const refusals: string[] = []
  for (const attempt of [onPath, fromRelease, fromDebian, fromDocker]) {
    try {
      const program = await attempt(kind, context)
      if (program !== undefined) return program
    } catch (error) {
      refusals.push(describeError(error))
    }
  }
  const { program, minimum, binVariable, urlVariable } = kind
  throw appError(
    'server-not-found',
    `No ${program} was found. Install ${program} ${minimum.join('.')} or later so that it is on PATH, or set ${binVariable} to ` +
      `its path, or set ${urlVariable} to a running one.${refusals.map((refusal) => `\n  - ${refusal}`).join('')}`,
  )
}

type Attempt = (kind: ServerKind, context: ResolveContext) => Promise<ServerProgram | undefined>

const onPath: Attempt = async (kind, { env }) => {
  const path = findOnPath(kind.program, env)
  return path === undefined ? undefined : await inspect(kind, { path, origin: 'PATH', env: {} })
}

const fromRelease: Attempt = async (kind, context) => {
  const { release } = kind
  if (release === undefined) return undefined
  const directory = join(context.cacheDir, kind.program)
  const cached = join(directory, `${kind.program}-${release.version}`)
  const origin = `official release ${release.version}`
  if (existsSync(cached)) return await inspect(kind, { path: cached, origin, env: {} })
  // A Debian package fetched earlier (because the release could not be had) is good enough: no new try at each start.
  if (existsSync(unpackedRoot(debianDirectory(kind, context)))) return undefined
  context.progress(`downloading ${kind.program} ${release.version}`)
  return await inspect(kind, { path: await fetchRelease(release, directory), origin, env: {} })
}

const fromDebian: Attempt = async (kind, context) => {
  if (process.platform !== 'linux') return undefined
  const request = debianRequest(kind, context)
  const directory = debianDirectory(kind, context)
  if (!existsSync(unpackedRoot(directory))) context.progress(`unpacking Debian's ${kind.program} (${request.suite})`)
  const root = await unpackDebian(request, directory)
  const env = request.dependencies === 'missing' ? { LD_LIBRARY_PATH: await libraryPath(root) } : {}
  return await inspect(kind, { path: join(root, kind.debianPath), origin: `Debian ${request.suite}`, env })
}

const fromDocker: Attempt = async (kind, { env }) => {
  const docker = findOnPath('docker', env)
  if (docker === undefined) return undefined
  await execute(docker, ['version', '--format', '{{.Server.Version}}'], { withinMs: 10_000 })
  return { kind: 'docker', image: kind.image, version: kind.image.split(':')[1] ?? '', origin: 'Docker' }
}

const debianRequest = ({ debian, suiteVariable }: ServerKind, { env }: ResolveContext): DebianRequest => ({
  ...debian,
  suite: (suiteVariable && env[suiteVariable]) || debian.suite,
})

const debianDirectory = (kind: ServerKind, context: ResolveContext): string =>
  join(context.cacheDir, `${kind.program}-debian-${debianRequest(kind, context).suite}`)

async function inspect(
  kind: ServerKind,
  found: { path: string; origin: string; env: Record<string, string> },
): Promise<ServerProgram> {
  const output = await execute(found.path, ['--version'], {
    env: { PATH: process.env.PATH, ...found.env },
    withinMs: 10_000,
  })
  const version = /(\d+)\.(\d+)(\.\d+)?/.exec(output)
  if (version === null) throw appError('server-not-found', `${found.path} --version names no version.`)
  if (!atLeast([Number(version[1]), Number(version[2])], kind.minimum)) {
    throw appError(
      'server-not-found',
      `${found.path} (${found.origin}) is version ${version[0]}; ${kind.minimum.join('.')} or later is needed.`,
    )
  }
  return { kind: 'binary', path: found.path, env: found.env, version: version[0], origin: found.origin }
}

const atLeast = (version: readonly [number, number], minimum: readonly [number, number]): boolean =>
  version[0] > minimum[0] || (version[0] === minimum[0] && version[1] >= minimum[1])

/** The first executable file of this name on PATH. */
export function findOnPath(program: string, env: Readonly<Record<string, string | undefined>>): string | undefined {
  return (env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, program))
    .find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
