import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { connectJetStream } from '../log/jetstream.ts'
import { ensureStreams } from '../log/streams.ts'
import { testResolution } from '../testing/servers.ts'
import { startEmbedded } from './servers.ts'

let dataDir: string
const started: { stop(): Promise<void> }[] = []

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'plimsoll-embedded-'))
})
afterEach(async () => {
  for (const embedded of started.splice(0)) await embedded.stop()
  await rm(dataDir, { recursive: true, force: true })
})

async function start(options: { reset?: boolean } = {}) {
  const wanted = { nats: true, postgres: true, redis: false }
  const embedded = await startEmbedded({ ...testResolution, dataDir, wanted, ...options })
  started.push(embedded)
  const { nats, postgres } = embedded
  if (nats === undefined || postgres === undefined) throw new Error('not started')
  return { ...embedded, nats, postgres }
}

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

async function publish(url: string): Promise<number> {
  await ensureStreams({ url })
  const log = await connectJetStream({ url })
  try {
    return (await log.publish({ subject: 'usage.00.Thing', data: new Uint8Array([1]) })).seq
  } finally {
    await log.close()
  }
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

test('what is stored survives a stop and a start, on the same ports', async () => {
  const first = await start()
  await query(first.postgres.url, 'create table t as select 42 as answer')
  expect(await publish(first.nats.url)).toBe(1)
  await first.stop()
  const second = await start()
  expect([second.postgres.url, second.nats.url]).toEqual([first.postgres.url, first.nats.url])
  expect(await query(second.postgres.url, 'select answer from t')).toEqual([{ answer: 42 }])
  expect(await publish(second.nats.url)).toBe(2)
})

test('--reset deletes what the servers stored and nothing else in the folder', async () => {
  const first = await start()
  await query(first.postgres.url, 'create table t (x int)')
  await publish(first.nats.url)
  await first.stop()
  await writeFile(join(dataDir, 'notes.txt'), 'mine')
  const second = await start({ reset: true })
  expect(await query(second.postgres.url, "select to_regclass('t') as t")).toEqual([{ t: null }])
  expect(await publish(second.nats.url)).toBe(1)
  expect(await readFile(join(dataDir, 'notes.txt'), 'utf8')).toBe('mine')
})

test('the database asks for its password, which only the owner of the files can read', async () => {
  const { postgres } = await start()
  const without = new URL(postgres.url)
  without.password = 'guess'
  await expect(query(without.href, 'select 1')).rejects.toMatchObject({ code: '28P01' })
  const { mode } = await stat(join(dataDir, 'postgres/password'))
  expect(mode & 0o077).toBe(0)
})

test('nothing listens beyond loopback', async () => {
  const { nats, postgres } = await start()
  for (const { url } of [nats, postgres]) expect(new URL(url).hostname).toBe('127.0.0.1')
  const rows = await query(
    postgres.url,
    "select current_setting('listen_addresses') as on, current_setting('unix_socket_directories') as sockets",
  )
  expect(rows).toEqual([{ on: '127.0.0.1', sockets: '' }])
  expect(await readFile(join(dataDir, 'nats/nats.conf'), 'utf8')).toMatch(/listen: "127\.0\.0\.1:\d+"/)
})

test('a second start on the same folder is refused, and says by whom it is taken', async () => {
  await start()
  await expect(start()).rejects.toThrow(`Plimsoll (process ${process.pid}) is running on ${dataDir}`)
})

test("a lock that names some other program's process does not keep the database from starting", async () => {
  const first = await start()
  await first.stop()
  // What a killed start leaves when its number went to another program: ours, here.
  await writeFile(join(dataDir, 'postgres/cluster/postmaster.pid'), `${process.pid}\n${dataDir}\n`)
  await query((await start()).postgres.url, 'select 1')
})

test('a folder that cannot be used is named, with what to do', async () => {
  const file = join(dataDir, 'file')
  await writeFile(file, '')
  const wanted = { nats: true, postgres: true, redis: false }
  const starting = startEmbedded({ ...testResolution, dataDir: join(file, 'data'), wanted })
  await expect(starting).rejects.toThrow(`The data folder ${join(file, 'data')} cannot be used. Give another one`)
})

type Parent = { readonly child: ChildProcess; readonly serverPids: number[]; readonly guardPid: number }

/** A process of its own that starts the servers, says their process ids and waits. */
async function startParent(): Promise<Parent> {
  const code = `
    import { startEmbedded } from ${JSON.stringify(fileURLToPath(new URL('servers.ts', import.meta.url)))}
    const embedded = await startEmbedded({ dataDir: ${JSON.stringify(dataDir)}, cacheDir: ${JSON.stringify(testResolution.cacheDir)},
      env: process.env, wanted: { nats: true, postgres: true, redis: false }, progress: () => {} })
    console.log(JSON.stringify(embedded.servers.map(({ server }) => server.pid)))
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module-typescript', '--eval', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const serverPids = await new Promise<number[]>((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', (line) => resolve(JSON.parse(line)))
    child.once('exit', () => reject(new Error('the parent ended')))
  })
  const owner = JSON.parse(await readFile(join(dataDir, 'owner.json'), 'utf8')) as { guard: { pid: number } }
  return { child, serverPids, guardPid: owner.guard.pid }
}

test('kill -9 of the process leaves no server behind, and the data whole for the next start', async () => {
  const { child, serverPids, guardPid } = await startParent()
  expect(serverPids.map(isAlive)).toEqual([true, true])
  child.kill('SIGKILL')
  await expect.poll(() => [...serverPids, guardPid].filter(isAlive), { timeout: 15_000 }).toEqual([])
  // Stopped in order: PostgreSQL takes its lock file away only when it ends cleanly.
  expect(existsSync(join(dataDir, 'postgres/cluster/postmaster.pid'))).toBe(false)
  await query((await start()).postgres.url, 'select 1')
})

test('a start right after kill -9 waits for the servers to end instead of failing', async () => {
  const { child } = await startParent()
  child.kill('SIGKILL')
  await query((await start()).postgres.url, 'select 1')
})

test('even when the guard was killed too, the next start ends the servers that were left and takes over', async () => {
  const { child, serverPids, guardPid } = await startParent()
  process.kill(guardPid, 'SIGKILL')
  child.kill('SIGKILL')
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(serverPids.filter(isAlive)).not.toEqual([])
  const { postgres } = await start()
  // They have ended; whoever inherits orphans on this system takes a moment to bury them.
  await expect.poll(() => serverPids.filter(isAlive), { timeout: 15_000 }).toEqual([])
  await query(postgres.url, 'select 1')
})

test('a Ctrl-C of the whole process group does not reach the servers before their time', async () => {
  const { serverPids, child, guardPid } = await startParent()
  // The guard and its servers have left the group a terminal signals.
  for (const pid of [...serverPids, guardPid]) expect(() => process.kill(-(child.pid ?? 0), 0) && pid).toThrow()
  child.kill('SIGKILL')
  await expect.poll(() => serverPids.filter(isAlive), { timeout: 15_000 }).toEqual([])
})
