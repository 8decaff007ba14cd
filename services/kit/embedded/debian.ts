import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
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

/**
 * Unpacks Debian packages below `directory` without installing anything and without being root: a private apt state
 * takes them, signature-checked, from the mirror this machine already uses. Returns the folder that stands for `/`.
 */
export async function unpackDebian(request: DebianRequest, directory: string): Promise<string> {
  const root = join(directory, 'root')
  if (existsSync(root)) return root
  for (const need of ['/usr/bin/apt-get', '/usr/bin/dpkg-deb', keyring]) {
    if (!existsSync(need))
      throw appError('server-not-found', `Debian packages cannot be used here: ${need} does not exist.`)
  }
  const { mirror, codename } = await debianMirror()
  const suite = request.suite === 'own' ? codename : request.suite
  const work = join(directory, 'apt')
  await rm(work, { recursive: true, force: true })
  for (const folder of ['lists/partial', 'cache/archives/partial', 'unpacked'])
    await mkdir(join(work, folder), { recursive: true })
  await writeFile(join(work, 'sources.list'), `deb [signed-by=${keyring}] ${mirror} ${suite} main\n`)
  await writeFile(join(work, 'status'), '')

  const settings = {
    'Dir::Etc::sourcelist': join(work, 'sources.list'),
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::State::lists': join(work, 'lists'),
    'Dir::Cache': join(work, 'cache'),
    // An installed package of the same name with a higher version must not hide the one asked for.
    ...(request.dependencies === 'alone' ? { 'Dir::State::status': join(work, 'status') } : {}),
    'APT::Sandbox::User': '',
    'Acquire::Languages': 'none',
    'Debug::NoLocking': '1',
  }
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])
  await execute('apt-get', [...options, '-qq', 'update'])
  if (request.dependencies === 'alone') {
    await execute('apt-get', [...options, '-qq', 'download', ...request.packages], {
      cwd: join(work, 'cache/archives'),
    })
  } else {
    await execute('apt-get', [
      ...options,
      '-qq',
      '-y',
      '--download-only',
      '--no-install-recommends',
      '--reinstall',
      'install',
      ...request.packages,
    ])
  }
  const archives = join(work, 'cache/archives')
  for (const file of (await readdir(archives)).filter((name) => name.endsWith('.deb'))) {
    await execute('dpkg-deb', ['-x', join(archives, file), join(work, 'unpacked')])
  }
  await rename(join(work, 'unpacked'), root)
  await rm(work, { recursive: true, force: true })
  return root
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
