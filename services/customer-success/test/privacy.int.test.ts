import type { DecodedEvent } from '@plimsoll/contracts/events.ts'
import { openDatabase, roleDatabase } from '@plimsoll/kit/db/pool.ts'
import { inTransaction } from '@plimsoll/kit/db/transaction.ts'
import { until } from '@plimsoll/kit/lanes/testing.ts'
import { connectJetStream } from '@plimsoll/kit/log/jetstream.ts'
import type { EventLog } from '@plimsoll/kit/log/log.ts'
import type { Running } from '@plimsoll/kit/run.ts'
import { startOn } from '@plimsoll/kit/testing/running.ts'
import { type Stack, startStack } from '@plimsoll/kit/testing/stack.ts'
import { type Kysely, sql } from 'kysely'
import { Value } from 'typebox/value'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CustomerSuccessConfig, customerSuccessConfig } from '../config.ts'
import { DAY_MS, dayOf, isoDay, startOf } from '../domain/day.ts'
import { usageUpkeepTicker } from '../events/usage-upkeep.ts'
import { customerSuccess } from '../service.ts'
import { KEPT_TABLES, OTHER_TABLES } from '../store/export-tables.ts'
import { keyHash } from '../store/identity.ts'
import { loadSnapshots } from '../store/snapshot.ts'
import type { Tables } from '../store/tables.ts'
import { derivedEvents } from './derived.ts'
import { type BriefEvent, publishFact, publishUsage, usageEvent } from './usage-batches.ts'

const today = dayOf(Date.now())
const noon = (daysAgo: number): number => startOf(today - daysAgo) + DAY_MS / 2
/** Ids no other text has by chance. */
const [ANN, PHONE, BOB, ACME, BETA] = ['ann-7f3', 'phone-7f3', 'bob-7f3', 'acme-7f3', 'beta-7f3']

let stack: Stack
let running: Running
let log: EventLog
let owner: Kysely<Tables>

const start = (lateDays = 400) => startOn(stack, [customerSuccess], { CUSTOMER_SUCCESS_LATE_DAYS: String(lateDays) })

beforeAll(async () => {
  stack = await startStack()
  running = await start()
  log = await connectJetStream({ url: stack.natsUrl })
  owner = roleDatabase<Tables>({
    ...{ url: stack.databaseUrl, service: 'customer-success', role: 'owner', connections: 2 },
  })
  await tellEverything()
})

afterAll(async () => {
  await owner?.destroy()
  await log?.close()
  await running?.stop()
  await stack?.stop()
})

async function send(method: string, path: string, body?: unknown): Promise<Response> {
  return await fetch(`${running.url}/v1/customer-success${path}`, {
    method,
    ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  })
}

async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const answer = await send(method, path, body)
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
  return (answer.status === 204 ? undefined : await answer.json()) as T
}

type Active = { days: { events: number; active28: number }[] }
const active28 = async (query = ''): Promise<number | undefined> => {
  const range = `from=${isoDay(today - 1)}&to=${isoDay(today)}`
  return (await call<Active>('GET', `/analytics/active?${range}${query}`)).days.at(-1)?.active28
}

const use = (id: string, event: Omit<BriefEvent, 'id'>) => usageEvent({ id, name: 'exported', ...event })
const publish = (events: Parameters<typeof publishUsage>[1], receivedAt = Date.now()) =>
  publishUsage(log, events, receivedAt)

/** A row of everything that is kept, by whatever way it comes. */
async function tellEverything(): Promise<void> {
  await publish([
    use('g', { kind: 'group', userId: ANN, accountId: ACME, properties: '{"plan":"pro"}', timeMs: noon(20) }),
    use('i', { kind: 'identify', userId: ANN, anonymousId: PHONE, timeMs: noon(20) }),
    use('1', { userId: ANN, accountId: ACME, timeMs: noon(9) }),
    use('2', { anonymousId: PHONE, timeMs: noon(3) }),
    use('3', { userId: ANN, accountId: BETA, timeMs: noon(2) }),
    use('4', { userId: BOB, accountId: ACME, timeMs: noon(2) }),
    use('5', { userId: 'cyd', accountId: BETA, timeMs: noon(2) }),
    use('late', { userId: ANN, accountId: ACME, timeMs: noon(450) }),
    use('late-device', { anonymousId: PHONE, timeMs: noon(450) }),
  ])
  const told = { source: 'crm', receivedAt: Date.now(), updatedAt: noon(8) }
  for (const accountId of [ACME, BETA]) {
    await publishFact(log, 'plimsoll.usage.v1.SubscriptionRecorded', {
      ...{ ...told, accountId, subscriptionId: `s-${accountId}`, status: 'active', plan: 'pro', segment: 'smb' },
      ...{ seats: 4, mrrMinor: 9_900, currency: 'EUR', startedAt: noon(30), renewsAt: null, cancelledAt: null },
      reason: '',
    })
    await publishFact(log, 'plimsoll.usage.v1.InvoiceRecorded', {
      ...{ ...told, accountId, invoiceId: `i-${accountId}`, amountMinor: 9_900, currency: 'EUR', status: 'paid' },
      ...{ dueAt: noon(4), paidAt: noon(4), attempts: 1 },
    })
  }
  await publish([use('fresh', { userId: 'cyd', accountId: BETA, timeMs: noon(0) })])
  await tellFacts('1')
  await call('PUT', `/contacts/${ACME}/${ANN}`, { email: `${ANN}@example.org`, consent: true })
  await until(
    () => active28(),
    (persons) => persons === 3,
  )
  await until(
    () => counted('ticket_state'),
    (n) => n === 1,
  )
  await until(
    () => counted('nps_answer'),
    (n) => n === 1,
  )
  await until(
    () => counted('health_score'),
    (n) => n > 10,
  )
  await until(signalsOfPersons, (n) => n === 2)
  await tellPlaybooks()
}

async function signalsOfPersons(): Promise<number> {
  const rows = owner.selectFrom('playbook_signal').select('id').where('event', 'in', ['ticket_opened', 'detractor'])
  return (await rows.execute()).length
}

async function tellFacts(id: string): Promise<void> {
  const told = { source: 'crm', accountId: ACME, userId: ANN, receivedAt: Date.now() }
  await publishFact(log, 'plimsoll.usage.v1.TicketRecorded', {
    ...{ ...told, ticketId: `t-${id}`, updatedAt: noon(3), severity: 'high', openedAt: noon(3), resolvedAt: null },
    ...{ reopened: 0, csat: null, text: `Call ${ANN}.` },
  })
  await publishFact(log, 'plimsoll.usage.v1.NpsRecorded', {
    ...{ ...told, responseId: `r-${id}`, score: 3, comment: `${ANN} is not amused.`, answeredAt: noon(2) },
  })
  await publishFact(log, 'plimsoll.usage.v1.ContactRecorded', {
    ...{ ...told, email: `${ANN}@example.org`, timeZone: '', roles: [], consent: true, doNotContact: null },
    updatedAt: noon(2),
  })
}

/** What playbooks would have put down within weeks. */
async function tellPlaybooks(): Promise<void> {
  const at = new Date(noon(2))
  await owner
    .insertInto('action')
    .values({
      ...{ id: 'p.1', playbook_id: 'p', version: 1, priority: 0, account_id: ACME, user_id: ANN, mode: 'automatic' },
      ...{ arm: 'treated', holdout_share: 0, state: 'finished', triggered_at: at, episode_id: '', started_by: '' },
      ...{ reason: `${ANN} answered`, told: true, step: '', due_at: null, window_ends_at: at, goal_before: null },
      goal: JSON.stringify({ metric: 'healthScore', direction: 'up', windowDays: 28 }),
    })
    .execute()
  const own = { action_id: 'p.1', account_id: ACME }
  const step = { ...own, step: 'mail', outcome: 'sent', reason: '', at, effect_key: `p.1.mail.${ANN}` } as const
  await owner
    .insertInto('action_step')
    .values({ ...step, user_id: ANN })
    .execute()
  await owner
    .insertInto('action_step')
    .values({ ...step, user_id: '', outcome: 'suppressed', reason: `nobody to contact: ${ANN}` })
    .execute()
  await owner
    .insertInto('action_task')
    .values({ ...own, id: 'task', title: `Call ${ANN}`, assignee: 'us', created_at: at })
    .execute()
  await owner
    .insertInto('guidance_message')
    .values({ ...own, id: `p.1.${ANN}`, user_id: ANN, title: 'Hello', text: ANN, created_at: at })
    .execute()
  const payload = JSON.stringify({ accountId: ACME, userId: ANN, subject: 'Hello', text: ANN })
  await sql`
    insert into effect (key, kind, about, payload, state, tries_left, intended_at)
    values (${`p.1.mail.${ANN}`}, 'email', 'p.1', ${payload}, 'done', 0, ${at})`.execute(owner)
}

async function counted(table: string): Promise<number> {
  const { rows } = await sql<{ n: number }>`select count(*)::int as n from ${sql.table(table)}`.execute(owner)
  return rows[0]?.n ?? 0
}

async function tablesOfService(): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select relname as name from pg_class
    where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p') and not relispartition
    order by 1`.execute(owner)
  return rows.map(({ name }) => name)
}

/** Tables with a row that holds one of these texts, as it is or as bytes. */
async function tracesOf(...texts: string[]): Promise<string[]> {
  const found: string[] = []
  for (const name of await tablesOfService()) {
    for (const text of texts) {
      const bytes = Buffer.from(text).toString('hex')
      const { rows } = await sql`
        select from ${sql.table(name)} as t where strpos(t::text, ${text}) > 0 or strpos(t::text, ${bytes}) > 0
        limit 1`.execute(owner)
      if (rows.length > 0) found.push(`${name}: ${text}`)
    }
  }
  return found
}

/** Events others are told erasures by. */
const erasures = async (): Promise<DecodedEvent[]> =>
  (await derivedEvents(log)).filter(({ type }) => type.endsWith('Erased'))

type Score = { row: { score: number }; drivers: { points: number }[] }
type Line = { kind: string; lines?: Record<string, number> } & Record<string, unknown>

async function bundle(query: string): Promise<Line[]> {
  const answer = await send('GET', `/privacy/export?${query}`)
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/x-ndjson'])
  const text = await answer.text()
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
}

const countsOf = (lines: readonly Line[]) =>
  Object.fromEntries([...Map.groupBy(lines, ({ kind }) => kind)].map(([kind, those]) => [kind, those.length]))

test('every table is looked through for persons and accounts, or there is a reason why not', async () => {
  expect(Object.keys({ ...KEPT_TABLES, ...OTHER_TABLES }).sort()).toEqual(await tablesOfService())
})

test('a bundle of a person has everything under all identifiers, and ends with how much that is', async () => {
  const lines = await bundle(`anonymousId=${PHONE}`)
  const end = lines.pop()
  expect(end).toEqual({ kind: 'end', lines: countsOf(lines) })
  expect(end?.lines).toEqual({
    ...{ identifier: 2, identity_link: 1, usage_event: 5, usage_quarantine: 2, ticket_state: 1, nps_answer: 1 },
    ...{ effect: 1, action_step: 1, action_task: 1, guidance_message: 1, action: 1, playbook_signal: 2, contact: 1 },
    ...{ account_node: 2, membership: 1, day_of_use: 6 },
  })
  expect(lines).toContainEqual({
    kind: 'day_of_use',
    row: {
      ...{ identifier: `anonymous:${PHONE}`, accountId: ACME, feature: 'exported' },
      ...{ day: isoDay(today - 3), count: 1 },
    },
  })
  expect((await bundle('userId=nobody-7f3')).at(-1)).toEqual({ kind: 'end', lines: {} })
})

test('a bundle of an account has its facts, scores with what moved them, and what was done in it', async () => {
  const lines = await bundle(`accountId=${ACME}`)
  const end = lines.pop()
  expect(end).toEqual({ kind: 'end', lines: countsOf(lines) })
  expect(end?.lines).toMatchObject({
    ...{ account: 1, subscription_state: 1, invoice_state: 1, ticket_state: 1, nps_answer: 1, contact: 1 },
    ...{ action: 1, action_step: 2, action_task: 1, membership: 1, usage_event: 3, usage_quarantine: 1, day_of_use: 6 },
  })
  const scores = lines.filter(({ kind }) => kind === 'health_score') as unknown as Score[]
  const moved = scores.findIndex(({ drivers }) => drivers.length > 0)
  const [before, after] = [scores[moved - 1], scores[moved]]
  const sum = after?.drivers.reduce((total, { points }) => total + points, 0)
  expect(sum).toBeCloseTo((after?.row.score ?? Number.NaN) - (before?.row.score ?? Number.NaN), 9)
  expect((await send('GET', '/privacy/export?accountId=none')).status).toBe(404)
  expect((await send('GET', `/privacy/export?accountId=${ACME}&userId=${ANN}`)).status).toBe(400)
})

test('who opted out of profiling stays in every count, and no score has a share of it', async () => {
  const database = openDatabase<Tables>({ url: stack.databaseUrl, service: 'customer-success' })
  const acme = async () => (await loadSnapshots(database.reader, today, [ACME]))[0]
  const before = await acme()
  expect(before?.activity).toMatchObject({ users28: 2, lastDay: today - 2 })
  expect(before).toMatchObject({ seats: 4, tickets: [{ severity: 'high' }], nps: [{ score: 3 }] })
  // By the device: all identifiers of the person follow.
  await call('PUT', `/privacy/opt-outs/anonymous/${PHONE}`)
  await call('PUT', `/privacy/opt-outs/anonymous/${PHONE}`)
  type OptOuts = { items: object[] }
  const listed = await call<OptOuts>('GET', '/privacy/opt-outs')
  expect(listed.items).toMatchObject([{ kind: 'anonymous', id: PHONE }])
  const without = await acme()
  expect(without).toMatchObject({ seats: 3, tickets: [], nps: [], champion: undefined })
  expect(without?.activity).toMatchObject({ users28: 1, users84: 1 })
  expect([...(without?.activity.events ?? [])].slice(-10)).toEqual([0, 0, 0, 0, 0, 0, 0, 1, 0, 0])
  expect(without?.features).toMatchObject([{ feature: 'exported', uses28: 1, users28: 1, firstDay: today - 2 }])
  expect([await active28(), await active28(`&account=${ACME}`)]).toEqual([3, 2])
  await call('DELETE', `/privacy/opt-outs/anonymous/${PHONE}`)
  expect(await acme()).toEqual(before)
  await database.close()
  const { rows } = await sql<{ action: string; target: string }>`
    select action, target from audit where action like 'profiling%' order by n`.execute(owner)
  const target = keyHash(`anonymous:${PHONE}`).toString('hex')
  expect(rows).toEqual([
    { action: 'profiling.opted-out', target },
    { action: 'profiling.opted-in', target },
  ])
})

test('what was too late is listed with its reason, and counted once when the limit lets it in', async () => {
  type Quarantine = { items: { reason: string; userId: string; anonymousId: string }[]; next: string | null }
  const listed = async () => await call<Quarantine>('GET', '/privacy/quarantine')
  expect((await listed()).items).toMatchObject([
    { reason: 'more than 400 days old when it was received' },
    { reason: 'more than 400 days old when it was received' },
  ])
  expect(await call('POST', '/privacy/quarantine/replay')).toEqual({ counted: 0, left: 2, next: null })
  await running.stop()
  running = await start(500)
  const range = `from=${isoDay(today - 450)}&to=${isoDay(today - 450)}`
  const events = async () => (await call<Active>('GET', `/analytics/active?${range}`)).days[0]
  expect(await events()).toMatchObject({ events: 0, active28: 0 })
  const first = await call<{ next: string }>('POST', '/privacy/quarantine/replay?limit=1')
  expect(first).toMatchObject({ counted: 1, left: 0 })
  expect(await call('POST', `/privacy/quarantine/replay?cursor=${first.next}`)).toMatchObject({
    counted: 1,
    next: null,
  })
  expect(await call('POST', '/privacy/quarantine/replay')).toEqual({ counted: 0, left: 0, next: null })
  await publish([
    use('late', { userId: ANN, accountId: ACME, timeMs: noon(450) }),
    use('mark', { userId: 'cyd', accountId: BETA, timeMs: noon(1) }),
  ])
  const marked = async () =>
    (await call<Active>('GET', `/analytics/active?from=${isoDay(today - 1)}&to=${isoDay(today - 1)}`)).days[0]?.events
  await expect.poll(marked, { timeout: 20_000 }).toBe(1)
  expect(await events()).toMatchObject({ events: 2, active28: 1 })
  expect((await listed()).items).toEqual([])
})

test('of an erased person nothing is left, nothing comes back, and others are told without the id', async () => {
  await publish([use('later', { userId: ANN, accountId: ACME, timeMs: noon(700) })])
  await expect.poll(() => counted('usage_quarantine'), { timeout: 20_000 }).toBe(1)
  const receipt = await call<object>('POST', '/privacy/erase', { userId: ANN })
  expect(receipt).toEqual({ identifiers: 2, events: 6, days: 4, tickets: 1, answers: 1, contacts: 3 })
  expect(await active28()).toBe(2)
  expect(await active28(`&account=${ACME}`)).toBe(1)
  await publish([
    use('again', { userId: ANN, accountId: ACME, timeMs: noon(1) }),
    use('again-late', { userId: ANN, accountId: ACME, timeMs: noon(700) }),
    use('shared', { userId: BOB, anonymousId: PHONE, accountId: ACME, timeMs: noon(1) }),
  ])
  await tellFacts('2')
  await expect.poll(() => counted('ticket_state'), { timeout: 20_000 }).toBe(2)
  await expect.poll(() => counted('nps_answer'), { timeout: 20_000 }).toBe(2)
  await expect.poll(signalsOfPersons, { timeout: 20_000 }).toBe(4)
  await expect.poll(async () => (await bundle(`userId=${BOB}`)).at(-1)?.lines?.usage_event, { timeout: 20_000 }).toBe(2)
  await expect.poll(erasures, { timeout: 20_000 }).toEqual([
    {
      type: 'plimsoll.customer_success.v1.PersonErased',
      value: {
        ...{ personHash: keyHash(`user:${ANN}`).toString('hex'), accountId: ACME, actionIds: ['p.1'] },
        at: expect.any(Number),
      },
    },
  ])
  expect(await tracesOf(ANN, PHONE)).toEqual([])
  expect((await send('POST', '/privacy/erase', { userId: ANN })).status).toBe(404)
})

test('of an erased account nothing is left, those who are elsewhere too stay there, and it does not come back', async () => {
  await publish([use('both', { userId: BOB, accountId: BETA, timeMs: noon(1) })])
  await expect.poll(() => active28(`&account=${BETA}`), { timeout: 20_000 }).toBe(2)
  const receipt = await call<{ persons: number; rows: object }>('POST', '/privacy/erase-account', { accountId: ACME })
  expect(receipt).toMatchObject({ persons: 0, rows: { account: 1, subscription_state: 1, invoice_state: 1 } })
  expect([await active28(), await active28(`&account=${BETA}`), await active28(`&account=${ACME}`)]).toEqual([2, 2, 0])
  expect(await active28('&plan=pro')).toBe(2)
  await tellFacts('3')
  await publish([
    use('back', { userId: BOB, accountId: ACME, timeMs: noon(1) }),
    use('other', { userId: 'dee', accountId: BETA, timeMs: noon(1) }),
  ])
  await expect.poll(() => active28(`&account=${BETA}`), { timeout: 20_000 }).toBe(3)
  await expect
    .poll(async () => (await erasures()).at(-1), { timeout: 20_000 })
    .toEqual({
      type: 'plimsoll.customer_success.v1.AccountErased',
      value: { accountHash: keyHash(`account:${ACME}`).toString('hex'), at: expect.any(Number) },
    })
  expect(await tracesOf(ACME)).toEqual([`audit: ${ACME}`])
  expect((await send('POST', '/privacy/erase-account', { accountId: ACME })).status).toBe(404)
  expect((await bundle(`userId=${BOB}`)).at(-1)?.lines).toMatchObject({ usage_event: 1, day_of_use: 2 })
})

test('each class of data goes at its age and not before; figures of accounts stay', async () => {
  const note = await call<{ id: string }>('POST', '/actions', { accountId: BETA, kind: 'deep_dive', note: 'Call Dee.' })
  await publishFact(log, 'plimsoll.usage.v1.TicketRecorded', {
    ...{ source: 'crm', receivedAt: Date.now(), accountId: BETA, ticketId: 't-9', userId: 'dee', updatedAt: noon(0) },
    ...{ severity: 'low', openedAt: noon(0), resolvedAt: null, reopened: 0, csat: null, text: 'Slow.' },
  })
  await publishFact(log, 'plimsoll.usage.v1.NpsRecorded', {
    ...{ source: 'crm', receivedAt: Date.now(), accountId: BETA, responseId: 'r-9', userId: 'dee', score: 9 },
    ...{ comment: 'Fine.', answeredAt: noon(0) },
  })
  await publish([use('ancient', { userId: 'dee', accountId: BETA, timeMs: noon(900) })])
  await expect.poll(() => counted('usage_quarantine'), { timeout: 20_000 }).toBe(1)
  const texts = async () => ({
    tickets: (await owner.selectFrom('ticket_state').select('text').where('ticket_id', '=', 't-9').execute())[0]?.text,
    answers: (await owner.selectFrom('nps_answer').select('comment').where('response_id', '=', 'r-9').execute())[0]
      ?.comment,
    notes: (await owner.selectFrom('action').select('reason').where('id', '=', note.id).execute())[0]?.reason,
  })
  const kept = async () => ({
    raw: (await counted('usage_event')) > 0,
    quarantine: await counted('usage_quarantine'),
    texts: Object.values(await texts()),
    days: (await bundle('userId=dee')).at(-1)?.lines?.day_of_use,
  })
  const all = { raw: true, quarantine: 1, texts: ['Slow.', 'Fine.', 'Call Dee.'], days: 2 }
  await expect.poll(kept, { timeout: 20_000 }).toEqual(all)
  const figures = await active28(`&account=${BETA}`)
  const none = ['', '', '']
  for (const [days, expected] of [
    [85, all],
    [95, { ...all, raw: false, quarantine: 0 }],
    [175, { ...all, raw: false, quarantine: 0 }],
    [185, { raw: false, quarantine: 0, texts: none, days: 2 }],
    [395, { raw: false, quarantine: 0, texts: none, days: 2 }],
    [405, { raw: false, quarantine: 0, texts: none, days: undefined }],
  ] as const) {
    await upkeepIn(days)
    expect([days, await kept()]).toEqual([days, expected])
    expect(await active28(`&account=${BETA}`)).toBe(figures)
  }
})

/** What the ticker does when it is so many days later. */
async function upkeepIn(days: number): Promise<void> {
  const config = Value.Default(customerSuccessConfig, { CUSTOMER_SUCCESS_LATE_DAYS: 310 }) as CustomerSuccessConfig
  const { tick } = usageUpkeepTicker(config)
  const database = openDatabase<Tables>({ url: stack.databaseUrl, service: 'customer-success' })
  const context = { lane: 0, now: () => Date.now() + days * DAY_MS }
  const state = { droppedMs: 0, forgotUpTo: 0 }
  // Partitions are dropped by a tick of their own.
  for (let ticks = 0; ticks < 2; ticks++) await inTransaction(database.worker, (tx) => tick(state, tx, context))
  await database.close()
}
