import { createHmac } from 'node:crypto'
import { type EventType, type EventValue, encodeEvent } from '@plimsoll/contracts/events.ts'
import { laneOf } from '@plimsoll/contracts/lane.ts'
import { subjectOf } from '@plimsoll/contracts/subjects.ts'
import { openDatabase, type ServiceDatabase } from '@plimsoll/kit/db/pool.ts'
import { until } from '@plimsoll/kit/lanes/testing.ts'
import { httpSink, smtpSink } from '@plimsoll/kit/ledger/test/sinks.ts'
import { connectJetStream } from '@plimsoll/kit/log/jetstream.ts'
import type { EventLog } from '@plimsoll/kit/log/log.ts'
import type { Running } from '@plimsoll/kit/run.ts'
import { startOn } from '@plimsoll/kit/testing/running.ts'
import { type Stack, startStack } from '@plimsoll/kit/testing/stack.ts'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DAY_MS, dayOf } from '../domain/day.ts'
import { assign } from '../events/assignment.ts'
import { enrolmentId } from '../events/enrol.ts'
import { customerSuccess } from '../service.ts'
import { keyHash, userKey } from '../store/identity.ts'
import type { Tables } from '../store/tables.ts'

const SECRET = 'a secret of sixteen'
const TODAY = dayOf(Date.now())
/** Who is put in which arm follows from the names. */
const shares = { control: 0.05, holdout: 0.2 }
const names = Array.from({ length: 50 }, (_, i) => `account-${i}`)
const [treated = ''] = names.filter((name) => assign('save', name, shares) === 'treated')
const [heldOut = ''] = names.filter((name) => assign('save', name, shares) === 'holdout')

let stack: Stack
let running: Running
let log: EventLog
let database: ServiceDatabase<Tables>
let hook: Awaited<ReturnType<typeof httpSink>>
let smtp: Awaited<ReturnType<typeof smtpSink>>

beforeAll(async () => {
  stack = await startStack()
  hook = await httpSink(() => ({ status: 200 }))
  smtp = await smtpSink()
  running = await startOn(stack, [customerSuccess], {
    LOG_LEVEL: 'error',
    CUSTOMER_SUCCESS_WEBHOOK_SECRET: SECRET,
    CUSTOMER_SUCCESS_SMTP_URL: smtp.url,
    CUSTOMER_SUCCESS_MAIL_FROM: 'success@example.org',
    // Any hour is an hour to write in: the test does not wait for the morning.
    CUSTOMER_SUCCESS_QUIET_FROM_HOUR: '0',
    CUSTOMER_SUCCESS_QUIET_TO_HOUR: '0',
  })
  log = await connectJetStream({ url: stack.natsUrl })
  database = openDatabase<Tables>({ url: stack.databaseUrl, service: 'customer-success' })
  await database.worker
    .insertInto('health_progress')
    .values({ name: 'risk', day: TODAY - 1 })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  for (const accountId of [treated, heldOut]) await contract(accountId)
})
afterAll(async () => {
  hook?.close()
  smtp?.close()
  await log?.close()
  await database?.close()
  await running?.stop()
  await stack?.stop()
})

async function publish<T extends EventType>(type: T, key: string, value: EventValue<T>): Promise<void> {
  const headers = { 'Plimsoll-Type': type, 'Plimsoll-Source': 'test', 'Plimsoll-Time': new Date().toISOString() }
  await log.publish({
    id: crypto.randomUUID(),
    subject: subjectOf(type, laneOf(key, log.lanes)),
    headers,
    data: encodeEvent(type, value),
  })
}

const contract = (accountId: string, status: 'active' | 'cancel_requested' = 'active') =>
  publish('plimsoll.usage.v1.SubscriptionRecorded', accountId, {
    ...{
      subscriptionId: accountId,
      source: 'test',
      accountId,
      status,
      plan: 'pro',
      segment: 'smb',
      seats: 5,
    },
    ...{ mrrMinor: 10_000, currency: 'EUR', startedAt: Date.now() - 100 * DAY_MS, renewsAt: null, cancelledAt: null },
    ...{ reason: '', updatedAt: status === 'active' ? Date.now() - 90 * DAY_MS : Date.now(), receivedAt: Date.now() },
  })

const raise = (accountId: string) =>
  publish('plimsoll.customer_success.v1.ChurnRiskRaised', accountId, {
    ...{ episodeId: `${accountId}-1`, accountId, at: Date.now(), trigger: 'score', score: 30, churnProbability: null },
    ...{ mrrMinor: 0, currency: '', drivers: [], reason: 'the score fell' },
  })

async function call(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
  const answer = await fetch(`${running.url}/v1/customer-success${path}`, {
    method,
    ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  })
  return { status: answer.status, body: await answer.json() }
}
const items = async (path: string) => ((await call('GET', path)).body as { items: Record<string, unknown>[] }).items

const save = {
  name: 'Save',
  description: '',
  trigger: { kind: 'event', event: 'risk_raised' },
  reenrolment: { kind: 'maxN', n: 1 },
  priority: 90,
  holdoutShare: shares.holdout,
  steps: [
    { id: 'tell', kind: 'webhook', url: '', fields: { why: '{{reason}}' } },
    { id: 'write', kind: 'email', subject: 'Hello {{account}}', text: 'Hello.' },
    { id: 'call', kind: 'task', title: 'Call {{account}}' },
  ],
  goal: { metric: 'isCancelled', direction: 'down', target: 0, windowDays: 30, leastEffect: 0.1 },
}

test('a wrong playbook is refused with what is wrong, a right one is the next version', async () => {
  expect(await call('PUT', '/playbooks/save', { ...save, steps: [{ id: 'a', kind: 'fax' }] })).toMatchObject({
    status: 400,
    body: { errors: [{ field: 'body/steps/0/kind' }] },
  })
  const [tell, ...others] = save.steps
  const definition = { ...save, steps: [{ ...tell, url: hook.url }, ...others] }
  expect(await call('PUT', '/playbooks/save', definition)).toMatchObject({ status: 200, body: { version: 1 } })
  expect(await call('PUT', '/playbooks/save', definition)).toMatchObject({ status: 200, body: { version: 2 } })
  expect(await call('POST', '/playbooks/save/activate', {})).toMatchObject({ status: 200, body: { version: 2 } })
  expect(await call('GET', '/playbooks/save')).toMatchObject({ body: { version: 2, activeVersion: 2, definition } })
  const listed = await items('/playbooks')
  expect(listed.map(({ id }) => id)).toEqual([
    'adoption-lag',
    'champion-inactive',
    'failed-payment',
    'high-churn-risk',
    'low-engagement',
    'new-customer',
    'save',
  ])
  const audited = await database.reader
    .selectFrom('audit' as never)
    .select('action' as never)
    .execute()
  expect(audited).toEqual([
    { action: 'playbook.saved' },
    { action: 'playbook.saved' },
    { action: 'playbook.activated' },
  ])
})

test('a risk that is raised reaches the webhook, the person and the task list, and nobody who is held out', async () => {
  for (const accountId of [treated, heldOut]) {
    const contact = { email: `ann@${accountId}.example.org`, roles: ['admin'], consent: true }
    expect(await call('PUT', `/contacts/${accountId}/ann`, contact)).toMatchObject({ status: 200 })
  }
  await until(accountsKnown, (known) => known === 2)
  await raise(heldOut)
  await raise(treated)
  await until(
    () => items('/actions'),
    (actions) => actions.length === 2,
  )
  await until(
    () => items('/effects'),
    (effects) => effects.filter(({ state }) => state === 'done').length === 2,
  )

  const [posted] = hook.posts
  expect(JSON.parse(posted?.body ?? '')).toMatchObject({
    accountId: treated,
    step: 'tell',
    fields: { why: 'the score fell' },
  })
  const [, seconds, signature] = /^t=(\d+),v1=(\w+)$/.exec(String(posted?.headers['plimsoll-signature'])) ?? []
  expect(signature).toBe(createHmac('sha256', SECRET).update(`${seconds}.${posted?.body}`).digest('hex'))
  expect(smtp.mails.map(({ to }) => to)).toEqual([`ann@${treated}.example.org`])
  expect(hook.posts).toHaveLength(1)

  const [task] = await items('/tasks?open=true')
  expect(task).toMatchObject({ accountId: treated, title: `Call ${treated}` })
  expect(await call('POST', `/tasks/${task?.id}/done`)).toMatchObject({ status: 200 })
  expect(await items('/tasks?open=true')).toEqual([])
  expect(await items('/actions?arm=holdout')).toMatchObject([{ accountId: heldOut, state: 'observed' }])
  const [action] = await items('/actions?arm=treated')
  expect(action).toMatchObject({ accountId: treated, state: 'finished', reason: 'the score fell' })
  expect(await items(`/actions/${action?.id}/steps`)).toMatchObject([
    { step: 'tell', outcome: 'done' },
    { step: 'write', outcome: 'sent', userId: 'ann' },
    { step: 'call', outcome: 'done' },
  ])
  expect(await call('GET', '/playbooks/save/effect')).toMatchObject({ body: { verdict: 'not enough data' } })
})

const accountsKnown = async () =>
  (await database.reader.selectFrom('subscription_state').select('account_id').execute()).length

test('a contact that is imported changes what it states and no more, and never to what was known before', async () => {
  const whole = { email: 'bea@example.org', roles: ['billing'], timeZone: 'Europe/Berlin', consent: true }
  expect(await call('PUT', `/contacts/${treated}/bea`, whole)).toMatchObject({ status: 200 })
  const told = { accountId: treated, userId: 'bea', source: 'crm', receivedAt: Date.now() }
  const silent = { email: '', timeZone: '', roles: [], consent: null, doNotContact: null }
  const later = Date.now() + 1_000
  for (const stated of [
    { ...silent, doNotContact: true, updatedAt: later },
    { ...silent, email: 'old@example.org', doNotContact: false, updatedAt: later - 60_000 },
    { ...silent, userId: 'new', updatedAt: later },
  ])
    await publish('plimsoll.usage.v1.ContactRecorded', treated, { ...told, ...stated })
  const contacts = () =>
    database.reader
      .selectFrom('contact')
      .select(['user_id', 'email', 'roles', 'time_zone', 'consent', 'do_not_contact'])
      .where('user_id', 'in', ['bea', 'new'])
      .orderBy('user_id')
      .execute()
  await expect.poll(contacts, { timeout: 20_000 }).toHaveLength(2)
  const { email, roles, timeZone, consent } = whole
  expect(await contacts()).toEqual([
    { user_id: 'bea', email, roles, time_zone: timeZone, consent, do_not_contact: true },
    { user_id: 'new', email: '', roles: [], time_zone: 'UTC', consent: false, do_not_contact: false },
  ])
  await publish('plimsoll.usage.v1.ContactRecorded', treated, {
    ...told,
    ...silent,
    consent: true,
    updatedAt: later + 1,
  })
  // Of what changed, by the API and by the import; not of what was old, nor of what said nothing or nothing new.
  const target = `${treated}/${keyHash(userKey('bea')).toString('hex')}`
  const onRecord = () => audited('contact.saved').then((rows) => rows.filter((row) => row.target === target))
  const byImport = { kind: 'source', principal: 'crm', consent: true, doNotContact: true }
  await publish('plimsoll.usage.v1.ContactRecorded', treated, {
    ...{ ...told, ...silent, consent: false, updatedAt: later + 2 },
  })
  await expect
    .poll(onRecord, { timeout: 20_000 })
    .toMatchObject([{ kind: 'local', consent: true, doNotContact: false }, byImport, { ...byImport, consent: false }])
  expect(JSON.stringify(await audited('contact.saved'))).not.toMatch(/"new"|bea@|example/)
})

const audited = async (action: string) => {
  const { rows } = await sql<{
    target: string
    kind: string
    principal: string
    consent: boolean
    doNotContact: boolean
  }>`
    select target, principal_kind as kind, principal, (detail->>'consent')::boolean as consent,
      (detail->>'doNotContact')::boolean as "doNotContact"
    from audit where action = ${action} order by n`.execute(database.worker)
  return rows
}

test('a dry run finds who would have entered, and writes nothing', async () => {
  const before = await items('/actions')
  const trigger = { kind: 'condition', condition: { metric: 'ageDays', is: '=', value: 60 }, dwellDays: 1 }
  expect(await call('POST', '/playbooks/save/dry-run', { ...save, steps: save.steps.slice(1), trigger })).toMatchObject(
    {
      status: 200,
      body: { accounts: 2, treated: 1, heldOut: 1, items: [{ reason: 'ageDays = 60: ageDays 60' }, {}] },
    },
  )
  expect(await call('POST', '/playbooks/save/dry-run', {})).toMatchObject({ body: { accounts: 2 } })
  expect(await items('/actions')).toEqual(before)
})

const unsent = { ...save, steps: save.steps.slice(1) }

test('a campaign from before is put down once, refused where it cannot be true, and judged like any other', async () => {
  expect(await call('PUT', '/playbooks/earlier', unsent)).toMatchObject({ status: 200 })
  const at = new Date(Date.now() - 60 * DAY_MS).toISOString()
  const [acted, left] = [
    { accountId: treated, arm: 'treated', at, note: 'called' },
    { accountId: heldOut, arm: 'holdout', at },
  ]
  const told = [
    acted,
    left,
    acted,
    { ...left, arm: 'treated' },
    { ...acted, accountId: 'nobody' },
    { ...acted, at: new Date(Date.now() + DAY_MS).toISOString() },
    { ...acted, at: '0001-01-01T00:00:00Z' },
  ]
  expect(await call('POST', '/playbooks/earlier/actions', { items: told })).toMatchObject({
    status: 200,
    body: {
      ...{ recorded: 2, repeated: 1 },
      refused: [
        { index: 3, reason: 'It is on record as holdout, and an arm does not change.' },
        { index: 4, accountId: 'nobody', reason: expect.stringContaining('Nothing is known') },
        { index: 5, reason: expect.stringContaining('at is in the future') },
        { index: 6, reason: expect.stringContaining('more than 800 days ago') },
      ],
    },
  })
  expect(await call('POST', '/playbooks/earlier/actions', { items: [acted, left] })).toMatchObject({
    body: { recorded: 0, repeated: 2, refused: [] },
  })
  expect(await call('POST', '/playbooks/nowhere/actions', { items: [acted] })).toMatchObject({ status: 404 })
  const both = await until(
    () => items('/actions?playbook=earlier'),
    (actions) => actions.every(({ reached }) => reached !== null),
  )
  expect(both).toMatchObject([
    { reached: true, state: 'finished' },
    { reached: true, state: 'finished' },
  ])
  expect(await call('GET', '/playbooks/earlier/effect')).toMatchObject({
    body: { treated: { n: 1, reached: 1 }, heldOut: { n: 1, reached: 1 } },
  })
  expect(hook.posts).toHaveLength(1)
})

test('two requests that put the same down at once count it once, and each is told what became of its rows', async () => {
  await call('PUT', '/playbooks/twice', unsent)
  const told = [30, 40].map((days) => ({
    ...{ accountId: treated, arm: 'treated', at: new Date(Date.now() - days * DAY_MS).toISOString() },
  }))
  const ids = told.map(({ at }) => enrolmentId('twice', treated, Date.parse(at)))
  const record = (rows: object[]) => call('POST', '/playbooks/twice/actions', { items: rows })

  const same = await atOnce(ids, () => [record(told), record([...told].reverse())])
  expect(same.map(({ status }) => status)).toEqual([200, 200])
  expect(same.map(({ body }) => body).sort((a, b) => recordedOf(b) - recordedOf(a))).toEqual([
    { recorded: 2, repeated: 0, refused: [] },
    { recorded: 0, repeated: 2, refused: [] },
  ])

  const later = { accountId: treated, at: new Date(Date.now() - 20 * DAY_MS).toISOString() }
  const arms = ['treated', 'holdout'] as const
  const answers = await atOnce([enrolmentId('twice', treated, Date.parse(later.at))], () =>
    arms.map((arm) => record([{ ...later, arm }])),
  )
  const [first, second] = answers[0] && recordedOf(answers[0].body) === 1 ? [0, 1] : [1, 0]
  expect(answers[first]).toMatchObject({ body: { recorded: 1, repeated: 0, refused: [] } })
  const reason = `It is on record as ${arms[first]}, and an arm does not change.`
  expect(answers[second]).toMatchObject({ body: { recorded: 0, repeated: 0, refused: [{ index: 0, reason }] } })
  expect(await items('/actions?playbook=twice')).toHaveLength(3)
})

const recordedOf = (body: unknown): number => (body as { recorded: number }).recorded

/** Begins requests that write these actions, and lets none of them go on before all have come to where they wait. */
async function atOnce<T>(ids: readonly string[], begin: () => Promise<T>[]): Promise<T[]> {
  const requests: Promise<T>[] = []
  const tx = await database.worker.startTransaction().execute()
  try {
    // Whoever wants to write one of these waits for what becomes of it here: it is taken back.
    for (const id of ids)
      await sql`
        insert into action
        select copy.* from action, jsonb_populate_record(action, ${JSON.stringify({ id })}::jsonb) as copy limit 1`.execute(
        tx,
      )
    requests.push(...begin())
    const waiting = sql<{ n: number }>`
      select count(*)::int as n from pg_locks where not granted and locktype in ('advisory', 'transactionid')`
    const count = async () => (await waiting.execute(tx)).rows[0]?.n
    await expect.poll(count, { timeout: 10_000 }).toBe(requests.length)
  } finally {
    await tx.rollback().execute()
  }
  return await Promise.all(requests)
}

test('a change as a goal needs to be known at the start', async () => {
  const { target: _, ...change } = save.goal
  await call('PUT', '/playbooks/change', { ...unsent, goal: { ...change, metric: 'healthScore', direction: 'up' } })
  const at = new Date(Date.now() - 60 * DAY_MS).toISOString()
  expect(
    await call('POST', '/playbooks/change/actions', { items: [{ accountId: treated, arm: 'treated', at }] }),
  ).toMatchObject({ body: { recorded: 0, refused: [{ reason: expect.stringContaining('healthScore') }] } })
})

test('an action by hand is put down and told, for an account there is', async () => {
  expect(await call('POST', '/actions', { accountId: 'nobody', kind: 'ebr' })).toMatchObject({ status: 404 })
  const started = await call('POST', '/actions', { accountId: treated, kind: 'ebr', note: 'They asked for it.' })
  expect(started).toMatchObject({ status: 201, body: { id: expect.stringContaining('ebr.') } })
  expect(await items('/actions?playbook=ebr')).toMatchObject([{ mode: 'manual', reason: 'They asked for it.' }])
  await until(
    () => database.reader.selectFrom('action').select('told').where('playbook_id', '=', 'ebr').execute(),
    ([row]) => row?.told === true,
  )
  expect(await call('GET', '/actions/effect/ebr')).toMatchObject({ body: { label: 'observational', matched: 0 } })
  expect(await call('GET', '/actions/effect/gift')).toMatchObject({ status: 404 })
})

test('a message of a playbook is shown in the product until it is put away', async () => {
  const steps = [{ id: 'ask', kind: 'in_app', title: 'What happened?', text: 'Tell us, {{account}}.' }]
  const asked = { ...save, trigger: { kind: 'event', event: 'cancel_requested' }, holdoutShare: 0, steps }
  expect(await call('PUT', '/playbooks/ask', asked)).toMatchObject({ status: 200 })
  expect(await call('POST', '/playbooks/ask/activate', {})).toMatchObject({ status: 200 })
  await contract(treated, 'cancel_requested')
  const path = `/guidance?accountId=${treated}&userId=ann`
  const [message] = await until(
    () => items(path),
    (shown) => shown.length === 1,
  )
  expect(message).toMatchObject({ kind: 'message', title: 'What happened?', text: `Tell us, ${treated}.` })
  expect(await items(`/guidance?accountId=${treated}&userId=bob`)).toEqual([])
  expect(await call('POST', `/guidance/messages/${message?.id}/dismiss`)).toMatchObject({ status: 200 })
  expect(await items(path)).toEqual([])
})

test('a person who is erased can no longer be reached, and nothing tells what was sent to them', async () => {
  // Of each account the contact; of the treated one the mail and the message.
  expect(await call('POST', '/privacy/erase', { userId: 'ann' })).toMatchObject({ status: 200, body: { contacts: 4 } })
  expect(await items('/effects')).toMatchObject([{ kind: 'webhook' }])
  const dump = await Promise.all(
    (['contact', 'action', 'action_step', 'guidance_message', 'playbook_signal'] as const).map((table) =>
      database.reader.selectFrom(table).selectAll().execute(),
    ),
  )
  expect(JSON.stringify(dump)).not.toContain('ann')
})
