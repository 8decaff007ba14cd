import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { appError } from '../errors.ts'

/** How to run one server. `stopSignals` end it cleanly, the polite one first. */
export type ServerCommand = {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly uid?: number
  readonly gid?: number
  readonly logFile: string
  readonly stopSignals: readonly [NodeJS.Signals, ...NodeJS.Signals[]]
}

export type ServerExit = { readonly code: number | null; readonly signal: NodeJS.Signals | null }

export type RunningServer = {
  readonly name: string
  readonly pid: number
  readonly logFile: string
  /** Resolves when the process has ended, whoever ended it. */
  readonly exited: Promise<ServerExit>
  hasExited(): boolean
  /** Sends `signal` (the last of the clean ones unless given) and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<ServerExit>
}

export type Guard = {
  readonly pid: number
  start(server: ServerCommand): Promise<RunningServer>
  /** Stops every server, last started first, and ends the guard. */
  close(): Promise<void>
}

type Report = { id: number; pid?: number; error?: string; code?: number | null; signal?: NodeJS.Signals | null }
type Pending = { readonly onReport: (report: Report) => void; readonly onGuardEnd: () => void }

/**
 * Starts the process that owns the embedded servers (see guard.mjs).
 * @example const guard = await startGuard(); const nats = await guard.start({ name: 'nats', ... }); await guard.close()
 */
export async function startGuard(): Promise<Guard> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('guard.mjs', import.meta.url))], {
    detached: true,
    stdio: ['pipe', 'pipe', 'inherit'],
    // No cache, no inspector, no reporter of the parent's: the guard is on its own.
    env: { PATH: process.env.PATH ?? '' },
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', () => resolve())
    child.once('error', (error) =>
      reject(appError('server-failed', 'The guard of the embedded servers did not start.', { cause: error })),
    )
  })

  const pending = new Map<number, Pending>()
  createInterface({ input: child.stdout }).on('line', (line) => {
    const report = JSON.parse(line) as Report
    pending.get(report.id)?.onReport(report)
  })
  void ended.then(() => {
    for (const { onGuardEnd } of pending.values()) onGuardEnd()
  })
  // Once the guard is gone there is nobody to write to; `exited` of each server tells it.
  child.stdin.on('error', () => {})

  let nextId = 0
  return {
    pid: child.pid ?? 0,
    start: (server) => {
      nextId += 1
      return startServer(server, nextId, pending, (line) => child.stdin.write(line))
    },
    async close() {
      child.stdin.end()
      await ended
    },
  }
}

function startServer(
  server: ServerCommand,
  id: number,
  pending: Map<number, Pending>,
  write: (line: string) => void,
): Promise<RunningServer> {
  const exit = Promise.withResolvers<ServerExit>()
  let exited = false
  const finish = (result: ServerExit) => {
    exited = true
    pending.delete(id)
    exit.resolve(result)
  }
  return new Promise((resolve, reject) => {
    const onReport = (report: Report) => {
      if (report.error !== undefined) {
        pending.delete(id)
        reject(appError('server-failed', `${server.name} could not be started: ${report.error}.`))
      } else if (report.pid !== undefined) {
        resolve(runningServer(server, report.pid, exit.promise, () => exited))
      } else {
        finish({ code: report.code ?? null, signal: report.signal ?? null })
      }
    }
    const onGuardEnd = () => {
      finish({ code: null, signal: null })
      reject(appError('server-failed', `${server.name} could not be started: its guard process has ended.`))
    }
    pending.set(id, { onReport, onGuardEnd })
    write(`${JSON.stringify({ id, ...server, env: { ...serverEnvironment(), ...server.env } })}\n`)
  })
}

function runningServer(
  server: ServerCommand,
  pid: number,
  exited: Promise<ServerExit>,
  hasExited: () => boolean,
): RunningServer {
  return {
    name: server.name,
    pid,
    logFile: server.logFile,
    exited,
    hasExited,
    stop(signal = server.stopSignals.at(-1)) {
      if (!hasExited()) process.kill(pid, signal)
      return exited
    },
  }
}

/** Servers get a bare environment: PGHOST and the like of the user's shell must not reach them. */
function serverEnvironment(): Record<string, string> {
  const kept = ['PATH', 'HOME', 'TMPDIR', 'TZ', 'DOCKER_HOST', 'DOCKER_CONTEXT', 'DOCKER_CONFIG']
  return Object.fromEntries(
    kept.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  )
}

/** Waits until `isReady` says so; an early end of the server rejects with the last lines of its log. */
export async function untilReady(
  server: RunningServer,
  isReady: () => Promise<boolean>,
  withinMs = 30_000,
): Promise<void> {
  const deadline = performance.now() + withinMs
  while (!(await isReady())) {
    if (server.hasExited() || performance.now() > deadline) {
      const what = server.hasExited() ? 'ended while starting' : `was not ready within ${withinMs / 1000} s`
      throw appError(
        'server-failed',
        `${server.name} ${what}. Its log (${server.logFile}) ends with: ${await lastLines(server.logFile)}`,
      )
    }
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

async function lastLines(file: string, count = 8): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '')
  return text.trim().split('\n').slice(-count).join('\n  ') || '(nothing)'
}
