// Holds the embedded servers in a session of their own, so that Ctrl-C in a terminal reaches Plimsoll but never them,
// and stops them in order when the process that asked for them ends, by whatever means: its end closes our stdin.
// Plain JavaScript: this process lives as long as Plimsoll does and needs nothing but node:child_process.
//
// stdin, one JSON object a line:  { id, name, command, args, env, cwd, uid, gid, logFile, stopSignals }  start a server
// stdout, one JSON object a line: { id, pid } started | { id, error } not started | { id, code, signal } ended
import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { createInterface } from 'node:readline'

// The first signal asks politely, the last one of the server's own insists; after that it is killed.
const politeMs = 2_000
const stopWithinMs = 20_000

/** Running servers in the order they were started. @type {Map<number, { stopSignals: NodeJS.Signals[], child: import('node:child_process').ChildProcess }>} */
const running = new Map()
let stopping = false

const report = (message) => process.stdout.write(`${JSON.stringify(message)}\n`)

function start({ id, command, args, env, cwd, uid, gid, logFile, stopSignals }) {
  const log = openSync(logFile, 'a')
  const child = spawn(command, args, { env, cwd, uid, gid, stdio: ['ignore', log, log] })
  closeSync(log)
  running.set(id, { stopSignals, child })
  child.once('spawn', () => report({ id, pid: child.pid }))
  child.once('error', (error) => {
    running.delete(id)
    report({ id, error: error.message })
  })
  child.once('exit', (code, signal) => {
    running.delete(id)
    report({ id, code, signal })
  })
}

function ended({ child, stopSignals }) {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return Promise.resolve()
  return new Promise((resolve) => {
    const insist = [...stopSignals.slice(1), 'SIGKILL']
    const timers = insist.map((signal, index) =>
      setTimeout(() => child.kill(signal), signal === 'SIGKILL' ? stopWithinMs : politeMs * (index + 1)),
    )
    child.once('exit', () => {
      for (const timer of timers) clearTimeout(timer)
      resolve(undefined)
    })
    child.kill(stopSignals[0])
  })
}

async function stopAll() {
  if (stopping) return
  stopping = true
  // Last started, first stopped: what depends on a server goes before it.
  for (const server of [...running.values()].reverse()) await ended(server)
  process.exit(0)
}

// The parent may be gone: a report nobody reads must not end us before the servers have ended.
process.stdout.on('error', () => {})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, stopAll)
const lines = createInterface({ input: process.stdin })
lines.on('line', (line) => {
  if (!stopping) start(JSON.parse(line))
})
lines.on('close', stopAll)
