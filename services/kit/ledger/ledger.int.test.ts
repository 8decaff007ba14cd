import { createHmac } from 'node:crypto'
import { pino } from 'pino'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../clock.ts'
import type { WorkerDatabase } from '../db/database.ts'
import { migrateService } from '../db/migrate.ts'
import { openDatabase, type ServiceDatabase } from '../db/pool.ts'
import { until } from '../lanes/testing.ts'
import { createMetrics } from '../telemetry/prometheus.ts'
import { type Stack, startStack } from '../testing/stack.ts'
import { attemptsAt, decideEffect, type Effect, intend, listEffects } from './ledger.ts'
import { mailPerformer } from './mail.ts'
import type { Performer } from './performer.ts'
import { startLedger } from './runner.ts'
import { slackPerformer } from './slack.ts'
import { httpSink, smtpSink } from './test/sinks.ts'
import { webhookPerformer } from './webhook.ts'

let stack: Stack
let database: ServiceDatabase
let db: WorkerDatabase<unknown>
let stop = async () => {}
const metrics = createMetrics({ processMetrics: false })

beforeAll(async () => {
  stack = await startStack({ nats: false })
  await migrateService({ url: stack.databaseUrl, service: 'performance' })
  database = openDatabase({ url: stack.databaseUrl, service: 'performance' })
  db = database.worker as WorkerDatabase<unknown>
})
beforeEach(() => async () => {
  await stop()
})
afterAll(async () => {
  await database?.close()
  await stack?.stop()
})

function start(performers: Record<string, Performer>): void {
  const logger = pino({ level: 'silent' })
  // random 1: half the delay, so that a first retry comes after a second.
  stop = startLedger({ service: 'performance', db, performers, logger, metrics, everyMs: 20, random: () => 1 })
}

const decide = (key: string, kind: string, payload: unknown, tries = 3) =>
  db.transaction().execute((tx) => intend(tx, Date.now(), [{ key, kind, about: key, payload, tries }]))

const effect = async (key: string): Promise<Effect | undefined> =>
  (await listEffects(database.reader, { about: key }, 1))[0]

const inState = (key: string, state: Effect['state']) =>
  until(
    () => effect(key),
    (found) => found?.state === state,
  )

test('a webhook is signed, and intended once however often it is decided', async () => {
  const hook = await httpSink(() => ({ status: 204 }))
  await decide('signed', 'webhook', { url: hook.url, body: { account: 'acme' } })
  await decide('signed', 'webhook', { url: hook.url, body: { account: 'acme' } })
  start({ webhook: webhookPerformer('secret', systemClock) })
  await inState('signed', 'done')
  const [posted, ...others] = hook.posts
  expect(others).toEqual([])
  const signature = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(posted?.headers['plimsoll-signature']))
  const expected = createHmac('sha256', 'secret').update(`${signature?.[1]}.{"account":"acme"}`).digest('hex')
  expect(signature?.[2]).toBe(expected)
  hook.close()
})

test('a decision that is rolled back intends nothing', async () => {
  const failing = db.transaction().execute(async (tx) => {
    await intend(tx, Date.now(), [{ key: 'undone', kind: 'webhook', about: 'undone', payload: {}, tries: 1 }])
    throw new Error('no')
  })
  await expect(failing).rejects.toThrow('no')
  expect(await effect('undone')).toBeUndefined()
})

test('what fails for now is tried again, is dead after its last try, and one more time by hand', async () => {
  let status = 503
  const hook = await httpSink(() => ({ status }))
  await decide('dying', 'webhook', { url: hook.url, body: {} }, 2)
  start({ webhook: webhookPerformer('secret', systemClock) })
  expect(await inState('dying', 'dead')).toMatchObject({ attempts: 2, reason: '503 thanks' })
  expect((await attemptsAt(database.reader, 'dying')).map(({ answer }) => answer)).toEqual(['503 thanks', '503 thanks'])
  expect(await metrics.expose()).toMatch(/plimsoll_effect_total\{service="performance",kind="webhook",state="dead"\} 1/)

  status = 200
  expect(await db.transaction().execute((tx) => decideEffect(tx, 'dying', 'retry'))).toBe(true)
  await inState('dying', 'done')
  expect(hook.posts).toHaveLength(3)
  hook.close()
})

test('what is refused for good is dead at once', async () => {
  const hook = await httpSink(() => ({ status: 410 }))
  await decide('gone', 'webhook', { url: hook.url, body: {} })
  start({ webhook: webhookPerformer('secret', systemClock) })
  expect(await inState('gone', 'dead')).toMatchObject({ attempts: 1, reason: '410 thanks' })
  hook.close()
})

test('a mail arrives readable, one of two recipients is unknown', async () => {
  const smtp = await smtpSink({ recipient: (to) => (to === 'ada@example.org' ? '250 ok' : '550 no such person') })
  const text = `${'Grüße. '.repeat(40)}\n.\nA line with a dot above.`
  await decide('written', 'mail', { to: 'ada@example.org', subject: 'Grüße\r\nBcc: eve@example.org', text })
  await decide('nobody', 'mail', { to: 'bob@example.org', subject: 'Hello', text })
  start({ mail: mailPerformer({ server: smtp.url, from: 'success@example.org', clock: systemClock }) })
  await inState('written', 'done')
  expect(await inState('nobody', 'dead')).toMatchObject({ reason: 'RCPT: 550 no such person' })

  expect(smtp.mails).toMatchObject([{ from: 'success@example.org', to: 'ada@example.org' }])
  const [head = '', body = ''] = smtp.mails[0]?.message.split('\r\n\r\n') ?? []
  expect(Buffer.from(body, 'base64').toString()).toBe(text)
  expect(head).toMatch(/^Message-ID: <[0-9a-f]{40}@example\.org>$/m)
  expect(head).not.toMatch(/^Bcc:/m)
  smtp.close()
})

test('a connection lost after the end of a mail leaves it unsure, until a person confirms it', async () => {
  const smtp = await smtpSink({ accept: () => undefined })
  await decide('lost', 'mail', { to: 'ada@example.org', subject: 'Hello', text: 'Hello.' })
  start({ mail: mailPerformer({ server: smtp.url, from: 'success@example.org', clock: systemClock }) })
  await until(
    () => smtp.mails.length,
    (arrived) => arrived === 1,
  )
  smtp.close()
  expect(await inState('lost', 'unsure')).toMatchObject({ reason: 'the server closed the connection' })
  expect(await db.transaction().execute((tx) => decideEffect(tx, 'lost', 'confirm'))).toBe(true)
  expect(await effect('lost')).toMatchObject({ state: 'done', attempts: 1 })
})

test('a mail server that is away is tried again', async () => {
  const away = await smtpSink()
  away.close()
  await decide('early', 'mail', { to: 'ada@example.org', subject: 'Hello', text: 'Hello.' })
  start({ mail: mailPerformer({ server: away.url, from: 'success@example.org', clock: systemClock }) })
  const tried = await until(
    () => effect('early'),
    (found) => found?.attempts === 2 && found.state !== 'running',
  )
  expect(tried?.state).toBe('waiting')
})

test('a mail server that turns everybody away is tried again, too', async () => {
  const smtp = await smtpSink({ greeting: '554 not today' })
  await decide('unwelcome', 'mail', { to: 'ada@example.org', subject: 'Hello', text: 'Hello.' })
  start({ mail: mailPerformer({ server: smtp.url, from: 'success@example.org', clock: systemClock }) })
  const tried = await until(
    () => effect('unwelcome'),
    (found) => (found?.attempts ?? 0) > 0 && found?.state !== 'running',
  )
  expect(tried).toMatchObject({ state: 'waiting', reason: 'greeting: 554 not today' })
  smtp.close()
})

test('Slack is asked to wait by its own time', async () => {
  const slack = await httpSink((_, n) => (n === 1 ? { status: 429, headers: { 'retry-after': '3' } } : { status: 200 }))
  await decide('told', 'slack', { text: 'acme is at risk' })
  start({ slack: slackPerformer(slack.url) })
  await inState('told', 'done')
  const [first, second] = await attemptsAt(database.reader, 'told')
  expect(Number(second?.startedAt) - Number(first?.endedAt)).toBeGreaterThanOrEqual(3_000)
  expect(slack.posts.map(({ body }) => body)).toEqual(['{"text":"acme is at risk"}', '{"text":"acme is at risk"}'])
  slack.close()
})
