import { spawn } from 'node:child_process'
import { appError } from '../errors.ts'

export type ExecuteOptions = {
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly cwd?: string
  readonly uid?: number
  readonly gid?: number
  readonly withinMs?: number
}

/** Runs a program to its end and returns what it printed. Rejects with the end of what it complained of when it fails. */
export function execute(command: string, args: readonly string[], options: ExecuteOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const { withinMs = 300_000, ...spawnOptions } = options
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: withinMs, ...spawnOptions })
    let output = ''
    let errors = ''
    child.stdout.on('data', (bytes) => (output += bytes))
    child.stderr.on('data', (bytes) => (errors += bytes))
    child.once('error', (error) =>
      reject(appError('server-failed', `${command} could not be run: ${error.message}.`, { cause: error })),
    )
    child.once('close', (code, signal) => {
      if (code === 0) return resolve(output)
      const tail = (errors.trim() || output.trim()).split('\n').slice(-6).join(' / ')
      reject(
        appError(
          'server-failed',
          `${command} failed (${signal ?? `exit code ${code}`}): ${tail || 'it printed nothing'}`,
        ),
      )
    })
  })
}
