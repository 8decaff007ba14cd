import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { WorkerDatabase } from '../db/database.ts'
import { migrateService } from '../db/migrate.ts'
import { openDatabase, type ServiceDatabase } from '../db/pool.ts'
import { until } from '../lanes/testing.ts'
import { type Stack, startStack } from '../testing/stack.ts'
import { attemptsAt, type EffectState, intend, listEffects } from './ledger.ts'
import { httpSink, smtpSink } from './test/sinks.ts'

let stack: Stack
let database: ServiceDatabase
const workers: ChildProcess[] = []

beforeAll(async () => {
  stack = await startStack({ nats: false })
  await migrateService({ url: stack.databaseUrl, service: 'performance' })
  database = openDatabase({ url: stack.databaseUrl, service: 'performance' })
})
afterAll(async () => {
  for (const worker of workers) worker.kill('SIGKILL')
  await database?.close()
  await stack?.stop()
})

function startWorker(smtpUrl: string): ChildProcess {
  const worker = spawn(process.execPath, [fileURLToPath(new URL('./test/worker.ts', import.meta.url))], {
    // Shorter than an attempt may take: what the worker left is taken up soon.
    env: { ...process.env, DATABASE_URL: stack.databaseUrl, SMTP_URL: smtpUrl, CLAIM_MS: '1500' },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  workers.push(worker)
  return worker
}

const stateOf = async (key: string): Promise<EffectState | undefined> =>
  (await listEffects(database.reader, {}, 10)).find((effect) => effect.key === key)?.state

test('kill -9 between effect and outcome: the webhook comes again under its key, the mail is held', async () => {
  const hook = await httpSink((_, n) => (n === 1 ? undefined : { status: 200 }))
  const smtp = await smtpSink({ accept: () => undefined })
  const mail = { to: 'ada@example.org', subject: 'Hello', text: 'Hello.' }
  await (database.worker as WorkerDatabase<unknown>).transaction().execute((tx) =>
    intend(tx, Date.now(), [
      { key: 'hook-1', kind: 'webhook', about: 'test', payload: { url: hook.url, body: { a: 1 } }, tries: 5 },
      { key: 'mail-1', kind: 'mail', about: 'test', payload: mail, tries: 5 },
    ]),
  )
  const first = startWorker(smtp.url)
  await until(
    () => hook.posts.length + smtp.mails.length,
    (arrived) => arrived === 2,
  )
  first.kill('SIGKILL')

  startWorker(smtp.url)
  await until(
    () => stateOf('hook-1'),
    (state) => state === 'done',
  )
  expect(hook.posts.map(({ headers }) => headers['idempotency-key'])).toEqual(['hook-1', 'hook-1'])
  expect(hook.posts[1]?.body).toBe(hook.posts[0]?.body)
  expect((await attemptsAt(database.reader, 'hook-1')).map(({ outcome }) => outcome)).toEqual([undefined, 'done'])

  await until(
    () => stateOf('mail-1'),
    (state) => state === 'unsure',
  )
  expect(smtp.mails).toHaveLength(1)
  hook.close()
  smtp.close()
})
