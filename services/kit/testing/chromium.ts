import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { libraryPath, unpackDebian, unpackedRoot } from '../embedded/debian.ts'
import { execute } from '../embedded/execute.ts'
import { findOnPath } from '../embedded/resolve.ts'
import { appError, describeError } from '../errors.ts'
import { testResolution } from './servers.ts'

/** What playwright-core's `chromium.launch` takes. */
export type ChromiumLaunch = {
  readonly executablePath: string
  readonly args: string[]
  readonly env: Record<string, string>
}

// No sandbox: tests run as root in containers too, and open only our own pages. The rest keeps it from the network.
const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
const macApplications = [
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

/**
 * Finds a Chromium for playwright-core: CHROMIUM_BIN, one on PATH, else Debian's, unpacked privately with every library
 * this machine lacks (half a minute and up to 700 MB, once). Rejects with what to do.
 * @example const browser = await chromium.launch(await chromiumLaunch())
 */
export async function chromiumLaunch(env: NodeJS.ProcessEnv = process.env): Promise<ChromiumLaunch> {
  const own = definedOf(env)
  const installed =
    env.CHROMIUM_BIN || names.map((name) => findOnPath(name, env)).find(Boolean) || macApplications.find(existsSync)
  if (installed) return { executablePath: installed, args, env: own }
  try {
    return await fromDebian(join(testResolution.cacheDir, 'chromium-debian'), own)
  } catch (error) {
    throw appError(
      'server-not-found',
      `The browser tests found no Chromium: install it so that it is on PATH (apt-get install chromium), or set CHROMIUM_BIN. (${describeError(error)})`,
    )
  }
}

async function fromDebian(directory: string, env: Record<string, string>): Promise<ChromiumLaunch> {
  if (!existsSync(unpackedRoot(directory))) testResolution.progress("unpacking Debian's chromium")
  const packages = ['chromium', 'chromium-common', 'fonts-dejavu-core', 'fontconfig-config']
  const root = await unpackDebian({ packages, suite: 'own', dependencies: 'missing' }, directory)
  const executablePath = join(root, 'usr/lib/chromium/chromium')
  const libraries = await libraryPath(root)
  // The packages' own paths start at /: fonts are found by a configuration of ours.
  const fonts = join(directory, 'fonts.conf')
  const folders = [join(root, 'usr/share/fonts'), '/usr/share/fonts'].map((folder) => `<dir>${folder}</dir>`).join('')
  await writeFile(
    fonts,
    `<?xml version="1.0"?><fontconfig>${folders}<cachedir>${join(directory, 'fontcache')}</cachedir></fontconfig>\n`,
  )
  const launch = { executablePath, args, env: { ...env, LD_LIBRARY_PATH: libraries, FONTCONFIG_FILE: fonts } }
  await refuseMissingLibraries(launch)
  return launch
}

async function refuseMissingLibraries({ executablePath, env }: ChromiumLaunch): Promise<void> {
  const listing = await execute('ldd', [executablePath], { env })
  const missing = [...listing.matchAll(/^\s*(\S+) => not found/gm)].map(([, library]) => library)
  if (missing.length > 0) throw new Error(`the unpacked Chromium lacks ${missing.join(', ')}`)
}

const definedOf = (env: NodeJS.ProcessEnv): Record<string, string> =>
  Object.fromEntries(Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))
