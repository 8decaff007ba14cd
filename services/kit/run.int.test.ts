import { type ChildProcess, spawn } from 'node:child_process'
import { laneOf } from '@plimsoll/contracts/lane.ts'
import { sql } from 'kysely'
import { type TObject, Type } from 'typebox'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { writeAudit } from './auth/audit.ts'
import { poison } from './errors.ts'
import { processor } from './lanes/processor.ts'
import { connectJetStream } from './log/jetstream.ts'
import { type Running, startServices } from './run.ts'
import type { AnyService, Service } from './service.ts'
import { type Stack, startStack } from './testing/stack.ts'

let stack: Stack
let env: Record<string, string>
const running: Running[] = []

beforeAll(async () => {
  stack = await startStack()
})
beforeEach(async () => {
  env = { NATS_URL: stack.natsUrl, DATABASE_URL: await stack.createDatabase(), PORT: '0', LOG_LEVEL: 'silent' }
})
afterEach(async () => {
  for (const one of running.splice(0)) await one.stop()
})
afterAll(() => stack.stop())

const start = async (services: readonly AnyService[], more: Record<string, string> = {}): Promise<Running> => {
  const one = await startServices(services, { ...env, LOG_LEVEL: 'fatal', ...more })
  running.push(one)
  return one
}
const get = async (url: string) => {
  const response = await fetch(url)
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

const config = Type.Object({ DEMO_GREETING: Type.String({ default: 'hello' }) })

const demo = (more: Partial<Service<typeof config>> = {}): Service<typeof config> => ({
  name: 'demo',
  config,
  permissions: { 'demo:read': 'Read.' },
  routes: (context) => [
    {
      method: 'GET',
      url: '/v1/demo/greeting',
      permission: 'demo:read',
      schema: { summary: 'Greets', response: { 200: Type.Object({ text: Type.String() }) } },
      handler: () => ({ text: context.config.DEMO_GREETING }),
    },
  ],
  ...more,
})

test('services run on one port with their own configuration, and say that they are ready', async () => {
  const { url } = await start([demo()], { DEMO_GREETING: 'ahoy' })
  expect(await get(`${url}/v1/demo/greeting`)).toEqual({ status: 200, body: { text: 'ahoy' } })
  expect(await get(`${url}/ready`)).toEqual({ status: 200, body: { status: 'ready', reasons: {} } })
  expect(await get(`${url}/live`)).toMatchObject({ status: 200 })
  expect(await (await fetch(`${url}/metrics`)).text()).toContain('process_cpu_seconds_total')
})

test('everything wrong with the configuration of every service is told at once', async () => {
  const second: AnyService = {
    name: 'second',
    config: Type.Object({ SECOND_URL: Type.String() }) as TObject,
    permissions: {},
  }
  const error = await start([demo(), second], { PORT: 'http', NATS_URL: '' }).catch((caught: Error) => caught)
  for (const problem of ['NATS_URL is not set', 'PORT must be an integer', 'SECOND_URL is not set']) {
    expect((error as Error).message).toContain(problem)
  }
})

test('beyond loopback nothing is listened on while nobody could sign in', async () => {
  await expect(start([demo()], { HOST: '0.0.0.0' })).rejects.toThrow(/nobody could sign in: make an API key first/)
  const { url } = await start([demo()], { HOST: '0.0.0.0', BOOTSTRAP_API_KEY: 'k'.repeat(32) })
  const greeting = `${url}/v1/demo/greeting`
  expect((await fetch(greeting)).status).toBe(401)
  expect((await fetch(greeting, { headers: { authorization: `Bearer ${'k'.repeat(32)}` } })).status).toBe(200)
  // Probes do not sign in.
  expect((await fetch(`${url}/ready`)).status).toBe(200)
})

test('a stop ends things in their order: lanes, then HTTP and what a service started, then the log and the pools', async () => {
  const order: string[] = []
  const { url, stop } = await start([
    demo({
      start: async ({ db, log }) => {
        order.push('started')
        return async () => {
          // What a service finishes as it stops still has its database and its log.
          await sql`select 1`.execute(db)
          order.push(`stopped, ${log.connected() ? 'log connected' : 'log gone'}`)
        }
      },
    }),
  ])
  await Promise.all([stop(), stop()])
  expect(order).toEqual(['started', 'stopped, log connected'])
  await expect(fetch(`${url}/live`)).rejects.toThrow()
})

test('a request under way is answered before the end', async () => {
  const began = Promise.withResolvers<void>()
  const { url, stop } = await start([
    demo({
      routes: () => [
        {
          method: 'GET',
          url: '/v1/demo/slow',
          permission: 'demo:read',
          schema: { summary: 'Takes a while', response: { 200: Type.Object({ done: Type.Boolean() }) } },
          handler: async () => {
            began.resolve()
            await new Promise((resolve) => setTimeout(resolve, 300))
            return { done: true }
          },
        },
      ],
    }),
  ])
  const answer = get(`${url}/v1/demo/slow`)
  await began.promise
  await stop()
  expect(await answer).toEqual({ status: 200, body: { done: true } })
})

test('a failed start leaves nothing running', async () => {
  let stopped = false
  const service = demo({
    start: async () => async () => {
      stopped = true
    },
    routes: () => {
      throw new Error('no routes today')
    },
  })
  await expect(start([service])).rejects.toThrow('no routes today')
  expect(stopped).toBe(true)
})

test('ready asks what else a process depends on', async () => {
  let problem: string | undefined = 'the disk is full'
  const one = await startServices([demo()], { ...env, LOG_LEVEL: 'fatal' }, { disk: () => problem })
  running.push(one)
  expect(await get(`${one.url}/ready`)).toEqual({
    status: 503,
    body: { status: 'not-ready', reasons: { disk: 'the disk is full' } },
  })
  problem = undefined
  expect((await get(`${one.url}/ready`)).status).toBe(200)
})

test('ready says that the broker is away, and when it is back', async () => {
  const { url } = await start([demo()])
  await stack.downNats()
  await expect.poll(async () => (await get(`${url}/ready`)).status, { timeout: 20_000 }).toBe(503)
  expect((await get(`${url}/ready`)).body.reasons).toMatchObject({ log: expect.stringContaining('not connected') })
  await stack.restartNats()
  await expect.poll(async () => (await get(`${url}/ready`)).status, { timeout: 20_000 }).toBe(200)
})

test('ready says which lane halted and why', async () => {
  const refusing = processor({
    name: 'refusing',
    version: 1,
    stream: 'USAGE',
    types: ['plimsoll.usage.v1.UsageBatch'],
    onPoison: 'halt',
    load: async () => undefined,
    handle: () => {
      throw poison('not today')
    },
  })
  const { url } = await start([demo({ processors: () => [refusing] })])
  const log = await connectJetStream({ url: stack.natsUrl })
  const lane = laneOf('acme', log.lanes)
  const token = String(lane).padStart(2, '0')
  await log.publish({
    subject: `usage.${token}.UsageBatch`,
    data: new Uint8Array(),
    headers: { 'Plimsoll-Type': 'plimsoll.usage.v1.UsageBatch' },
  })
  await log.close()
  await expect.poll(async () => (await get(`${url}/ready`)).status, { timeout: 30_000 }).toBe(503)
  expect(JSON.stringify((await get(`${url}/ready`)).body)).toMatch(
    new RegExp(`refusing lane ${lane} halted: .*not today`),
  )
})

test('who changed what is written with the change or not at all, and cannot be altered', async () => {
  let context: { db: Parameters<NonNullable<ReturnType<typeof demo>['start']>>[0]['db'] } | undefined
  await start([
    demo({
      start: async (given) => {
        context = given
        return async () => {}
      },
    }),
  ])
  const db = context?.db
  if (db === undefined) throw new Error('not started')
  const principal = { kind: 'api-key', name: 'ada', permissions: new Set<string>() } as const
  const entry = {
    principal,
    action: 'regression.accepted',
    target: 'r1',
    detail: { note: 'known' },
    timeMs: Date.UTC(2026, 0, 31),
  }
  await db.transaction().execute((tx) => writeAudit(tx, entry))
  await db
    .transaction()
    .execute(async (tx) => {
      await writeAudit(tx, { ...entry, target: 'r2' })
      throw new Error('changed my mind')
    })
    .catch(() => {})
  const { rows } = await sql<{
    principal: string
    target: string
    detail: unknown
  }>`select principal, target, detail from audit`.execute(db)
  expect(rows).toEqual([{ principal: 'ada', target: 'r1', detail: { note: 'known' } }])
  await expect(sql`delete from audit`.execute(db)).rejects.toMatchObject({ code: '42501' })
  await expect(sql`update audit set principal = 'bob'`.execute(db)).rejects.toMatchObject({ code: '42501' })
})

/** A process as `main.ts` of a service is one. */
function runProcess(code: string): { child: ChildProcess; ended: Promise<{ code: number | null; output: string }> } {
  const source = `import { run } from ${JSON.stringify(new URL('run.ts', import.meta.url).href)}\nimport { Type } from 'typebox'\n${code}`
  const child = spawn(process.execPath, ['--input-type=module-typescript', '--eval', source], {
    cwd: import.meta.dirname,
    env: { ...process.env, ...env, LOG_LEVEL: 'info' },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (output += bytes))
  return {
    child,
    ended: new Promise((resolve) => child.once('close', (exitCode) => resolve({ code: exitCode, output }))),
  }
}

test('a defect nobody caught ends the process with a line that names it and exit code 1', async () => {
  const { ended } = runProcess(`
    await run([{ name: 'demo', config: Type.Object({}), permissions: {},
      start: async () => { setTimeout(() => { throw new Error('the sky fell') }, 3_000); return async () => console.log('stopped in order') } }])`)
  const { code, output } = await ended
  expect(code).toBe(1)
  expect(output).toMatch(/^crashed: Error: the sky fell$/m)
  expect(output).toContain('stopped in order')
})

test('a defect during the start ends the process as well', async () => {
  const { ended } = runProcess(`
    await run([{ name: 'demo', config: Type.Object({}), permissions: {},
      start: async () => { setTimeout(() => { throw new Error('too early') }, 1); return new Promise(() => {}) } }])`)
  expect(await ended).toMatchObject({ code: 1, output: expect.stringContaining('crashed: Error: too early') })
})

test('a signal ends the process in order with exit code 0', async () => {
  const { child, ended } = runProcess(`
    await run([{ name: 'demo', config: Type.Object({}), permissions: {},
      start: async () => { console.log('up'); return async () => console.log('stopped in order') } }])
    console.log('ready now')`)
  await new Promise<void>((resolve) =>
    child.stdout?.on('data', (bytes) => String(bytes).includes('ready now') && resolve()),
  )
  child.kill('SIGTERM')
  child.kill('SIGINT')
  expect(await ended).toMatchObject({ code: 0, output: expect.stringContaining('stopped in order') })
})

test('a configuration that is not valid ends the process at once, with what to correct', async () => {
  env.PORT = 'http'
  const { code, output } = await runProcess(`await run([])`).ended
  expect(code).toBe(1)
  expect(output).toContain('PORT must be an integer from 0 to 65535, not http')
})
