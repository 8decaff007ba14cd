import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '@plimsoll/kit/embedded/ports.ts'
import { afterEach, beforeEach, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))
const launcher = join(root, 'tools/launch.mjs')

let dataDir: string
let port: number
const launched: ChildProcess[] = []

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'plimsoll-start-'))
  port = await freePort()
})
afterEach(async () => {
  for (const child of launched.splice(0)) kill(child, 'SIGKILL')
  await expect.poll(leftovers, { timeout: 20_000 }).toEqual([])
  await rm(dataDir, { recursive: true, force: true })
})

type Start = {
  readonly child: ChildProcess
  readonly ended: Promise<number | null>
  output(): string
  readonly readyAfterMs: number
}

/** As `npm start` does it, in a process group of its own as a terminal gives it; resolves when /ready says so. */
async function start(...options: string[]): Promise<Start> {
  const startedAt = performance.now()
  const child = spawn('node', [launcher, 'start', '--port', String(port), '--data-dir', dataDir, ...options], {
    cwd: root,
    detached: true,
  })
  launched.push(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (bytes) => (output += bytes))
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  while (!(await isReady())) {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}:\n${output}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return { child, ended, output: () => output, readyAfterMs: performance.now() - startedAt }
}

const isReady = () =>
  fetch(`http://127.0.0.1:${port}/ready`).then(
    ({ ok }) => ok,
    () => false,
  )

/** To the whole process group, as a terminal's Ctrl-C is. */
function kill(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    process.kill(-(child.pid ?? 0), signal)
  } catch {
    // Gone already.
  }
}

/** Lanes that are worked, as the metrics name them. */
async function lanes(): Promise<string[]> {
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  const found = metrics.matchAll(/^plimsoll_lane_halted\{.*processor="regression",lane="(\d+)"/gm)
  return [...new Set([...found].map(([, lane]) => lane as string))].sort()
}

/** Processes that name our data folder: servers, launcher and the program itself. */
function leftovers(): string[] {
  const listing = execFileSync('ps', ['-eo', 'stat=,args='], { encoding: 'utf8' })
  return listing.split('\n').filter((line) => line.includes(dataDir) && !line.startsWith('Z'))
}

test('a start gets ready, tells where to point things, and Ctrl-C ends it and leaves nothing; so does the next', async () => {
  const first = await start()
  for (const line of [
    `url: http://127.0.0.1:${port}/api/v1/write`,
    `OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:${port}`,
    `url: http://127.0.0.1:${port}/hooks/alertmanager`,
  ]) {
    await expect.poll(first.output).toContain(line)
  }
  // What is printed has to be true: these addresses take what they are said to take.
  for (const path of ['/api/v1/write', '/v1/metrics', '/v1/traces', '/hooks/alertmanager']) {
    const { headers } = await fetch(`http://127.0.0.1:${port}${path}`, { method: 'OPTIONS' })
    expect(headers.get('allow')).toContain('POST')
  }
  await expect.poll(lanes).toEqual(['00', '01', '02', '03'])
  kill(first.child, 'SIGINT')
  expect(await first.ended).toBe(0)
  expect(leftovers()).toEqual([])
  expect(first.output()).not.toMatch(/"level":"(warn|error|fatal)"/)

  const second = await start()
  console.log(`second start: ready after ${(second.readyAfterMs / 1000).toFixed(1)} s`)
  // 5 s on an idle machine; this one may be busy with other tests.
  expect(second.readyAfterMs).toBeLessThan(30_000)
  kill(second.child, 'SIGINT')
  expect(await second.ended).toBe(0)
})

test('the end of the launcher alone, even by kill -9, ends everything', async () => {
  const { child } = await start()
  child.kill('SIGKILL')
  await expect.poll(leftovers, { timeout: 30_000 }).toEqual([])
})

test('a signal to the launcher alone reaches the program', async () => {
  const { child, ended } = await start()
  child.kill('SIGTERM')
  expect(await ended).toBe(0)
  expect(leftovers()).toEqual([])
})

test('kill -9 of a server ends the program with an error that names it and its log', async () => {
  const { ended, output } = await start()
  const pid = execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' })
    .split('\n')
    .find((line) => line.includes(dataDir) && line.includes('nats.conf'))
  process.kill(Number.parseInt(pid ?? '', 10), 'SIGKILL')
  expect(await ended).not.toBe(0)
  expect(output()).toMatch(/nats-server .* ended by itself \(SIGKILL\)\. Its log: .*nats\.log/)
})

const run = (...args: string[]) => spawnToEnd([launcher, 'start', ...args])

async function spawnToEnd(args: string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn('node', args, { cwd: root })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (bytes) => (output += bytes))
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, output }
}

test('a key that is made beside a running Plimsoll is taken by it, until it is revoked', async () => {
  await start()
  const made = await run('keys', 'create', 'ci', '--scopes', 'gateway:read', '--data-dir', dataDir)
  const key = /plm_\S+/.exec(made.output)?.[0]
  const call = (path: string) =>
    fetch(`http://127.0.0.1:${port}${path}`, { headers: { authorization: `Bearer ${key}` } })
  expect((await call('/v1/gateway/sources')).status).toBe(200)
  expect((await call('/v1/reporting/overview')).status).toBe(403)
  const listed = await run('keys', 'list', '--data-dir', dataDir)
  expect(listed.output).toContain('gateway:read')
  expect(listed.output).not.toContain(key)
  expect((await run('keys', 'revoke', 'ci', '--data-dir', dataDir)).code).toBe(0)
  await expect
    .poll(async () => (await call('/v1/gateway/sources')).status, { timeout: 30_000, interval: 1_000 })
    .toBe(401)
})

test('help, validation and mistakes answer at once', async () => {
  expect(await run('--help')).toMatchObject({ code: 0, output: expect.stringContaining('--data-dir DIR') })
  const validated = await run('--validate')
  expect(validated).toMatchObject({ code: 0, output: expect.stringMatching(/PORT=8080[\s\S]*GATEWAY_/) })
  expect(await run('--nonsense')).toMatchObject({
    code: 1,
    output: expect.stringContaining("Unknown option '--nonsense'"),
  })
})
