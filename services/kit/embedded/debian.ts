import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { appError } from '../errors.ts'
import { execute } from './execute.ts'

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'

export type DebianRequest = {
  readonly packages: readonly string[]
  /** A suite's name, or 'own' for the one this machine runs. */
  readonly suite: string
  /**
   * `alone`: just these packages, whatever is installed: right for static programs from another suite.
   * `missing`: these and every dependency this machine does not have installed.
   */
  readonly dependencies: 'alone' | 'missing'
}

/** The folder that stands for `/`, once packages are unpacked below `directory`. */
export const unpackedRoot = (directory: string): string => join(directory, 'root')

/**
 * Unpacks Debian packages below `directory` without installing anything and without being root: a private apt state
 * takes them, signature-checked, from the mirror this machine already uses. Returns `unpackedRoot(directory)`.
 */
export async function unpackDebian(request: DebianRequest, directory: string): Promise<string> {
  const root = unpackedRoot(directory)
  if (existsSync(root)) return root
  for (const need of ['/usr/bin/apt-get', '/usr/bin/dpkg-deb', keyring]) {
    if (!existsSync(need)) {
      throw appError('server-not-found', `Debian packages cannot be used here: ${need} does not exist.`)
    }
  }
  await mkdir(directory, { recursive: true })
  const work = await mkdtemp(join(directory, 'apt-'))
  try {
    const archives = await downloadPackages(request, work)
    for (const archive of archives) await execute('dpkg-deb', ['-x', archive, join(work, 'unpacked')])
    await rename(join(work, 'unpacked'), root)
  } catch (error) {
    // Another process may have been first: what it unpacked is as good.
    if (!existsSync(root)) throw error
  } finally {
    await rm(work, { recursive: true, force: true })
  }
  return root
}

/** Fetches what is asked for into a private apt state below `work`; returns the package files. */
async function downloadPackages({ packages, suite, dependencies }: DebianRequest, work: string): Promise<string[]> {
  const { mirror, codename } = await debianMirror()
  const archives = join(work, 'cache/archives')
  for (const folder of [join(work, 'lists/partial'), join(archives, 'partial')])
    await mkdir(folder, { recursive: true })
  const sources = join(work, 'sources.list')
  await writeFile(sources, `deb [signed-by=${keyring}] ${mirror} ${suite === 'own' ? codename : suite} main\n`)
  const nothingInstalled = join(work, 'status')
  await writeFile(nothingInstalled, '')

  const settings = {
    'Dir::Etc::sourcelist': sources,
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::State::lists': join(work, 'lists'),
    'Dir::Cache': join(work, 'cache'),
    // An installed package of the same name with a higher version must not hide the one asked for.
    ...(dependencies === 'alone' && { 'Dir::State::status': nothingInstalled }),
    'APT::Sandbox::User': '',
    'APT::Install-Recommends': 'false',
    'Acquire::Languages': 'none',
    'Debug::NoLocking': '1',
  }
  const options = ['-qq', '-y', ...Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])]
  await execute('apt-get', [...options, 'update'])
  const fetch = dependencies === 'alone' ? ['download'] : ['install', '--download-only', '--reinstall']
  await execute('apt-get', [...options, ...fetch, ...packages], { cwd: archives })
  return (await readdir(archives)).filter((name) => name.endsWith('.deb')).map((name) => join(archives, name))
}

/** The folders of shared libraries below an unpacked root, for LD_LIBRARY_PATH. */
export async function libraryPath(root: string): Promise<string> {
  const bases = [join(root, 'usr/lib'), join(root, 'lib')]
  const machine = (await Promise.all(bases.map(foldersIn))).flat().filter((folder) => folder.endsWith('-linux-gnu'))
  // Some packages keep libraries to themselves and find them by a path that starts at /.
  const own = (await Promise.all(machine.map(foldersIn))).flat()
  const holdLibraries = await Promise.all(
    own.map(async (folder) => (await readdir(folder)).some((name) => /^lib.*\.so/.test(name))),
  )
  return [...machine, ...own.filter((_, index) => holdLibraries[index])].join(':')
}

async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(folder, name))
}

/** The archive this machine's own suite comes from. Read from what apt would fetch: there may be no lists yet. */
async function debianMirror(): Promise<{ mirror: string; codename: string }> {
  const codename = /^VERSION_CODENAME="?([a-z]+)/m.exec(await readFile('/etc/os-release', 'utf8'))?.[1] ?? ''
  const wouldFetch = await execute('apt-get', ['-o', 'Debug::NoLocking=1', 'update', '--print-uris'])
  const mirror = new RegExp(`^'(.+/)dists/${codename}/main/binary-`, 'm').exec(wouldFetch)?.[1]
  if (mirror !== undefined && codename !== '') return { mirror, codename }
  throw appError('server-not-found', "Debian packages cannot be used here: apt's configuration names no Debian mirror.")
}
