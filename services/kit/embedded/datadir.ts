import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { appError } from '../errors.ts'
import { execute } from './execute.ts'

/** A process, told from another that got its number later. */
export type ProcessIdentity = { readonly pid: number; readonly startedAt: string }

type Owner = {
  readonly app: ProcessIdentity
  readonly guard?: ProcessIdentity
  readonly servers: readonly ProcessIdentity[]
}

export type DataDirLock = {
  /** Notes who has to be gone before another start may use the data. */
  record(guardPid: number, serverPids: readonly number[]): Promise<void>
  release(): Promise<void>
}

/**
 * Takes a data folder for this process. A start that is still running refuses it; of one that was killed, the guard is
 * waited for and servers it could not stop are stopped now.
 */
export async function lockDataDir(dataDir: string, waitMs = 30_000): Promise<DataDirLock> {
  const file = join(dataDir, 'owner.json')
  const previous = await readOwner(file)
  if (previous !== undefined) {
    // A process that was just killed takes a moment to be gone.
    if (!(await isGoneWithin(previous.app, 1_500))) {
      throw appError(
        'configuration',
        `Plimsoll (process ${previous.app.pid}) is running on ${dataDir}. Stop it first, or give this one another --data-dir.`,
      )
    }
    await untilGone(previous, waitMs)
  }
  const app = await identify(process.pid)
  await rm(file, { force: true })
  const first = await writeFile(file, textOf({ app, servers: [] }), { flag: 'wx' }).catch(
    (error: NodeJS.ErrnoException) => error,
  )
  // Another start came between: it is asked about in turn.
  if (first?.code === 'EEXIST') return await lockDataDir(dataDir, waitMs)
  if (first !== undefined) throw first
  return {
    async record(guardPid, serverPids) {
      const owner = { app, guard: await identify(guardPid), servers: await Promise.all(serverPids.map(identify)) }
      await writeFile(`${file}.new`, textOf(owner))
      await rename(`${file}.new`, file)
    },
    release: () => rm(file, { force: true }),
  }
}

const textOf = (owner: Owner): string => `${JSON.stringify(owner)}\n`

/** Whether a start that is still running has the folder. */
export async function isDataDirInUse(dataDir: string): Promise<boolean> {
  const owner = await readOwner(join(dataDir, 'owner.json'))
  return owner !== undefined && (await isAlive(owner.app))
}

async function isGoneWithin(identity: ProcessIdentity, ms: number): Promise<boolean> {
  for (const deadline = performance.now() + ms; performance.now() < deadline; ) {
    if (!(await isAlive(identity))) return true
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return false
}

async function untilGone(owner: Owner, waitMs: number): Promise<void> {
  // The guard sees its parent's end at once and stops the servers in order: that is the clean way.
  if (owner.guard !== undefined) await isGoneWithin(owner.guard, waitMs)
  for (const signal of ['SIGINT', 'SIGKILL'] as const) {
    for (const server of owner.servers) if (await isAlive(server)) process.kill(server.pid, signal)
    await Promise.all(owner.servers.map((server) => isGoneWithin(server, 10_000)))
  }
}

async function readOwner(file: string): Promise<Owner | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Owner
  } catch {
    // None, or one that was cut short as a start began: it had no servers yet.
    return undefined
  }
}

async function identify(pid: number): Promise<ProcessIdentity> {
  return { pid, startedAt: (await startedAt(pid)) ?? '' }
}

async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  return identity.startedAt !== '' && (await startedAt(identity.pid)) === identity.startedAt
}

/** When a process started, in whatever unit the system states it; undefined when there is no such process. */
async function startedAt(pid: number): Promise<string | undefined> {
  if (process.platform !== 'linux') {
    const text = await execute('ps', ['-o', 'lstart=', '-o', 'stat=', '-p', String(pid)]).catch(() => '')
    return text.trim() === '' || / Z/.test(text) ? undefined : text.trim().slice(0, 24)
  }
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  if (stat === undefined) return undefined
  // proc(5): after the name in parentheses, field 3 is the state and field 22 the start in clock ticks since boot.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' ? undefined : `${await bootId()}/${fields[19]}`
}

const bootId = async (): Promise<string> =>
  (await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')).trim()
