import { readFile, rm, writeFile } from 'node:fs/promises'
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
    if (await isAlive(previous.app)) {
      throw appError(
        'configuration',
        `Plimsoll (process ${previous.app.pid}) is running on ${dataDir}. Stop it first, or give this one another --data-dir.`,
      )
    }
    await untilGone(previous, waitMs)
  }
  const app = await identify(process.pid)
  const write = (owner: Owner) => writeFile(file, `${JSON.stringify(owner)}\n`)
  await write({ app, servers: [] })
  return {
    async record(guardPid, serverPids) {
      await write({ app, guard: await identify(guardPid), servers: await Promise.all(serverPids.map(identify)) })
    },
    release: () => rm(file, { force: true }),
  }
}

/** Whether a start that is still running has the folder. */
export async function isDataDirInUse(dataDir: string): Promise<boolean> {
  const owner = await readOwner(join(dataDir, 'owner.json'))
  return owner !== undefined && (await isAlive(owner.app))
}

async function untilGone(owner: Owner, waitMs: number): Promise<void> {
  // The guard sees its parent's end at once and stops the servers in order: that is the clean way.
  const deadline = performance.now() + waitMs
  while (owner.guard !== undefined && (await isAlive(owner.guard)) && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  for (const [signal, graceMs] of [
    ['SIGINT', 10_000],
    ['SIGKILL', 5_000],
  ] as const) {
    for (const server of owner.servers) if (await isAlive(server)) process.kill(server.pid, signal)
    const until = performance.now() + graceMs
    while (performance.now() < until && (await Promise.all(owner.servers.map(isAlive))).includes(true)) {
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

async function readOwner(file: string): Promise<Owner | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Owner
  } catch {
    // None, or one whose writing was cut short: the kernel's locks of the servers themselves still hold.
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
