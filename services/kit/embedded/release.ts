import { createHash } from 'node:crypto'
import { chmod, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { appError } from '../errors.ts'
import { execute } from './execute.ts'

export type Release = {
  readonly version: string
  readonly url: string
  readonly sha256: string
  /** Path of the program inside the archive. */
  readonly member: string
}

const natsVersion = '2.14.6'

// Digests of the release's .tar.gz files as public records quote its SHA256SUMS; that of linux-amd64 is also the one of
// the official image (nats-io/nats-docker, 2.14.x/alpine3.22/Dockerfile).
const natsDigests: Readonly<Record<string, string>> = {
  'linux-amd64': '61c3d55f69f61ec616b75782250936445f2819e9e5f2ae6159b10a31abd2200c',
  'linux-arm64': '3ff6e463762db64186a36cf0276dae8320509e995151ad0153ba9c9f67eee3f9',
  'darwin-amd64': '239d4f3314334cc86cb12d7c252cf9b3461364451cc8ec5a39fb4915acd717c1',
  'darwin-arm64': '291b9aa8c342b3cdcc53d872585bd467de4b5c9acf375066d882eb5412a09d55',
}

/** The pinned nats-server release for a platform, undefined where none is published for it. */
export function natsRelease(
  platform: NodeJS.Platform = process.platform,
  arch: NodeJS.Architecture = process.arch,
): Release | undefined {
  const target = `${platform}-${arch === 'x64' ? 'amd64' : arch}`
  const sha256 = natsDigests[target]
  if (sha256 === undefined) return undefined
  const name = `nats-server-v${natsVersion}-${target}`
  return {
    version: natsVersion,
    url: `https://github.com/nats-io/nats-server/releases/download/v${natsVersion}/${name}.tar.gz`,
    sha256,
    member: `${name}/nats-server`,
  }
}

const connectWithinMs = 8_000
const downloadWithinMs = 180_000

/**
 * Downloads a release, verifies its digest before anything of it is unpacked or run, and returns the program's path
 * below `directory`. Rejects (`server-not-found`) when it cannot be had or is not what was pinned.
 */
export async function fetchRelease(release: Release, directory: string): Promise<string> {
  const archive = await download(release.url)
  const sha256 = createHash('sha256').update(archive).digest('hex')
  if (sha256 !== release.sha256) {
    throw appError(
      'server-not-found',
      `${release.url} has the digest ${sha256}, not the pinned ${release.sha256}; it was not used.`,
    )
  }
  await mkdir(directory, { recursive: true })
  const work = await mkdtemp(join(directory, 'unpack-'))
  try {
    await writeFile(join(work, 'release.tar.gz'), archive)
    await execute('tar', ['-xzf', join(work, 'release.tar.gz'), '-C', work, release.member])
    const program = join(directory, `${release.member.split('/').at(-1)}-${release.version}`)
    await chmod(join(work, release.member), 0o755)
    // Renamed last: a program under its final name is whole and verified.
    await rename(join(work, release.member), program)
    return program
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

async function download(url: string): Promise<Buffer> {
  const connecting = new AbortController()
  const tooSlow = setTimeout(() => connecting.abort(), connectWithinMs)
  try {
    const response = await fetch(url, {
      signal: AbortSignal.any([connecting.signal, AbortSignal.timeout(downloadWithinMs)]),
    })
    clearTimeout(tooSlow)
    if (!response.ok) throw new Error(`HTTP ${response.status}`)
    return Buffer.from(await response.arrayBuffer())
  } catch (error) {
    throw appError('server-not-found', `${url} could not be downloaded.`, { cause: error })
  } finally {
    clearTimeout(tooSlow)
  }
}
