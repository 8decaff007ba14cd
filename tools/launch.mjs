#!/usr/bin/env node
// Brings what the project needs to run (the locked packages, Node 24) and then runs the real program with it.
// No dependency, and nothing newer than Node 18: this is the first code a fresh machine runs.
//
//   npm start [-- --help]       npm test       npm run check
//   node tools/launch.mjs start|test|check|vitest|run [arguments]
import { spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const pnpm = 'pnpm@10.34.8'
const wantedMajor = 24
const root = dirname(dirname(fileURLToPath(import.meta.url)))
const own = join(root, '.plimsoll')
const bin = (name) => join(root, 'node_modules', '.bin', name)
const color = process.stderr.isTTY && !process.env.NO_COLOR

class Failure extends Error {}

/** One line for a step: rewritten each second on a terminal, printed once at its end elsewhere. */
async function step(title, work) {
  const started = Date.now()
  const seconds = () => `${((Date.now() - started) / 1000).toFixed(1)} s`
  const show = (text, end) => process.stderr.write(color ? `\r\x1b[2K${text}${end}` : `${text}\n`)
  const timer = color ? setInterval(() => show(`  ${title} ... ${seconds()}`, ''), 200) : undefined
  if (!color) show(`  ${title} ...`)
  try {
    const result = await work()
    show(`  ${title}: ${seconds()}`, '\n')
    return result
  } catch (error) {
    show(`  ${title}: failed after ${seconds()}`, '\n')
    throw error
  } finally {
    clearInterval(timer)
  }
}

/** Runs a program quietly, its output in a log; resolves to the exit code. */
function quietly(command, args, logFile) {
  mkdirSync(dirname(logFile), { recursive: true })
  const log = openSync(logFile, 'w')
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', log, log] })
    forwardSignals(child)
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      closeSync(log)
      resolve(exitCode(code, signal))
    })
  })
}

const tail = (file, lines = 30) => readFileSync(file, 'utf8').trim().split('\n').slice(-lines).join('\n')
const exitCode = (code, signal) => code ?? 128 + (constants.signals[signal] ?? 0)

/** The installed packages are those of the lock file when pnpm's own copy of it is the same. */
async function ensurePackages() {
  const installed = join(root, 'node_modules', '.pnpm', 'lock.yaml')
  const locked = join(root, 'pnpm-lock.yaml')
  if (existsSync(installed) && readFileSync(installed).equals(readFileSync(locked))) return
  const log = join(own, 'log', 'install.log')
  await step('Installing the locked packages (first time or after a change)', async () => {
    const args = ['-y', pnpm, 'install', '--frozen-lockfile']
    const code = await quietly('npx', args, log).catch((error) => {
      throw new Failure(
        `npx could not be run (${error.message}). Install Node.js together with npm: https://nodejs.org`,
      )
    })
    if (code !== 0) {
      throw new Failure(
        `\n${tail(log)}\n\nThe packages could not be installed (exit code ${code}, log: ${log}).\nCheck the network and npm's registry settings, free some disk space (0.7 GB is needed), and try again.`,
      )
    }
  })
}

/** Node 24: the one that came with the packages, else the present one when it is new enough. */
function findNode() {
  if (existsSync(bin('node'))) return bin('node')
  if (Number(process.versions.node.split('.')[0]) >= wantedMajor) return process.execPath
  throw new Failure(
    `No Node ${wantedMajor} is available for ${process.platform}-${process.arch} as a package. Install Node ${wantedMajor} or later (https://nodejs.org) and try again.`,
  )
}

const children = new Set()
/** Ctrl-C reaches the whole process group by itself; a signal sent to this process alone has to be passed on. */
function forwardSignals(child) {
  children.add(child)
  child.once('exit', () => children.delete(child))
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    if (children.size === 0) process.exit(128 + constants.signals[signal])
    // A terminal has sent SIGINT to the child as well: the second one is harmless, see kit/signals.ts.
    for (const child of children) child.kill(signal)
  })
}

/**
 * glibc would raise both of these as large buffers are freed, and then keep what lies between small ones that stay: 80 MB
 * of a process that watches 10,000 endpoints (`npm run bench -- regress`). Other C libraries do not read them.
 */
const mallocSettings = {
  MALLOC_MMAP_THRESHOLD_: process.env.MALLOC_MMAP_THRESHOLD_ ?? '65536',
  MALLOC_TRIM_THRESHOLD_: process.env.MALLOC_TRIM_THRESHOLD_ ?? '65536',
}

/** Runs the real program in the foreground; the channel tells it when this process is killed. */
function foreground(command, args, { channel = false } = {}) {
  return new Promise((resolve, reject) => {
    const env = {
      ...process.env,
      NODE_COMPILE_CACHE: join(own, 'cache', 'compiled'),
      // V8 would keep 134 MB for new objects, which make nothing faster (`npm run bench -- lane`); what is set already wins.
      NODE_OPTIONS: `--max-semi-space-size=8 ${process.env.NODE_OPTIONS ?? ''}`,
      ...mallocSettings,
      PLIMSOLL_HOME: own,
    }
    const child = spawn(command, args, {
      cwd: process.cwd(),
      env,
      stdio: ['inherit', 'inherit', 'inherit', ...(channel ? ['ipc'] : [])],
    })
    forwardSignals(child)
    child.once('error', (error) =>
      reject(new Failure(`${command} could not be run (${error.message}). Delete node_modules and try again.`)),
    )
    child.once('exit', (code, signal) => resolve(exitCode(code, signal)))
  })
}

/** Lint, types, contracts and the dependency rule; each prints only when it fails. Returns the titles of those that did. */
async function check(node) {
  const checks = [
    ['Format and lint', bin('biome'), ['check', '--error-on-warnings', '.']],
    ['Types', bin('tsc'), ['-p', '.']],
    ['Types of the page', bin('tsc'), ['-p', 'services/reporting/page']],
    ['Contracts', node, ['tools/contracts/main.ts', 'check']],
    ['Dependency rule', node, ['tools/arch-check/main.ts']],
  ]
  const failed = []
  for (const [title, command, args] of checks) {
    const log = join(own, 'log', 'check.log')
    await step(title, async () => {
      if ((await quietly(command, args, log)) !== 0) throw new Failure()
    }).catch(() => {
      failed.push(title)
      process.stderr.write(`${readFileSync(log, 'utf8').trim()}\n`)
    })
  }
  return failed
}

async function test(node, args) {
  const failedChecks = args.length === 0 ? await check(node) : []
  const results = join(own, 'log', 'test-results.json')
  rmSync(results, { force: true })
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${results}`]
  const code = await foreground(node, [join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...reporters, ...args])
  const {
    numPassedTests: passed = 0,
    numFailedTests = 0,
    testResults = [],
  } = existsSync(results) ? JSON.parse(readFileSync(results, 'utf8')) : {}
  // A file that could not be loaded or set up has failed without a failed test.
  const broken = testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some(({ status }) => status === 'failed'),
  ).length
  // Said again below the tests: whoever reads only the end of a log must find it.
  if (failedChecks.length > 0) process.stdout.write(`\nFailed before the tests: ${failedChecks.join(', ')}\n`)
  const failed = failedChecks.length + numFailedTests + broken
  const honest = Math.max(failed, code === 0 ? 0 : 1)
  process.stdout.write(`\n${passed} passed, ${honest} failed\n`)
  return honest === 0 ? 0 : code || 1
}

const usage = 'usage: node tools/launch.mjs start | test | check | vitest ... | run FILE ...'

async function main([command, ...args]) {
  if (Number(process.versions.node.split('.')[0]) < 18)
    throw new Failure(`Node ${process.versions.node} is too old to start with: install Node 18 or later.`)
  if (process.platform === 'win32') throw new Failure('Plimsoll runs on Linux and macOS. On Windows use WSL 2.')
  const commands = {
    start: (node) => foreground(node, [join(root, 'services/all/main.ts'), ...args], { channel: true }),
    test: (node) => test(node, args),
    check: async (node) => ((await check(node)).length === 0 ? 0 : 1),
    vitest: (node) => foreground(node, [join(root, 'node_modules/vitest/vitest.mjs'), ...args]),
    run: (node) => foreground(node, args),
  }
  const run = Object.hasOwn(commands, command ?? '') ? commands[command] : undefined
  if (run === undefined || (command === 'run' && args.length === 0)) throw new Failure(usage)
  await ensurePackages()
  return await run(findNode())
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code
  },
  (error) => {
    process.stderr.write(`${error instanceof Failure ? error.message : error.stack}\n`)
    process.exitCode = 1
  },
)
