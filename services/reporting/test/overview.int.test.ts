import { roleDatabase } from '@plimsoll/kit/db/pool.ts'
import { applyRebuild, planRebuild } from '@plimsoll/kit/lanes/rebuild.ts'
import type { Running } from '@plimsoll/kit/run.ts'
import { type Stack, startStack } from '@plimsoll/kit/testing/stack.ts'
import { type Kysely, sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { version } from '../events/overview.ts'
import type { ReportingTables } from '../store/tables.ts'
import { healthChanged } from './account-facts.ts'
import { detected, established, packedHistogram, resolved, startMs, summary } from './facts.ts'
import { createPublisher, eventually, type Published, type Publisher, startReporting } from './running.ts'

type Overview = { asOf: string; counts: Record<string, number>; services: readonly Record<string, unknown>[] }
type Regressions = { open: readonly Record<string, unknown>[]; recent: readonly Record<string, unknown>[] }

const minute = 60_000

/** A day in the life of three services; ids as the outbox makes them. */
const facts: readonly Published[] = [
  baseline('order', { throughput: 41, errorRate: 1 }),
  baseline('order', { endpoint: '/orders/{id}', latency: summary(500, 9, 20), throughput: 9, errorRate: 3 }),
  baseline('seat', { latency: summary(20_000, 9, 14.7) }),
  baseline('auth', { firmness: 'provisional', latency: summary(400, 21, 61) }),
  regression('r-order', 'order', { state: 'suspected', cost: 900 }, 1),
  regression('r-order', 'order', { state: 'confirmed', cost: 1_840 }, 3),
  regression('r-seat', 'seat', { state: 'suspected', cost: 5_000 }, 4),
  regression('r-auth', 'auth', { state: 'confirmed' }, 5),
  {
    type: 'plimsoll.performance.v1.RegressionResolved',
    key: 'r-auth',
    value: resolved({ regressionId: 'r-auth', service: 'auth', resolvedAt: startMs + 35 * minute }),
    id: 'performance.cause.v1.0.9.0',
    time: startMs + 35 * minute,
  },
  {
    type: 'plimsoll.customer_success.v1.HealthScoreChanged',
    key: 'acme',
    value: healthChanged({ accountId: 'acme', at: startMs + 50 * minute }),
    id: 'customer-success.health.v1.0.1.0',
    time: startMs + 50 * minute,
  },
]

function baseline(service: string, given: Parameters<typeof established>[0]): Published {
  const value = established({ service, ...given })
  return {
    type: 'plimsoll.performance.v1.BaselineEstablished',
    key: value.baselineId,
    value,
    id: `performance.regression.v1.0.1.${value.baselineId}`,
    time: value.at,
  }
}

function regression(id: string, service: string, given: Parameters<typeof detected>[0], minutes: number): Published {
  const before = summary(8_000, 62, 110, packedHistogram([50, 60, 60, 70, 110]))
  const after = summary(900, 121, 237, packedHistogram([100, 120, 130, 240]))
  const time = startMs + minutes * minute
  return {
    type: 'plimsoll.performance.v1.RegressionDetected',
    key: id,
    value: detected({ regressionId: id, service, detectedAt: time, before, after, ...given }),
    id: `performance.cause.v1.0.${minutes}.${id}`,
    time,
  }
}

let stack: Stack
let publisher: Publisher
let running: Running
let owner: Kysely<ReportingTables>

beforeAll(async () => {
  stack = await startStack()
  running = await startReporting(stack)
  publisher = await createPublisher(stack)
  owner = roleDatabase<ReportingTables>({ url: stack.databaseUrl, service: 'reporting', role: 'owner', connections: 2 })
  for (const fact of facts) await publisher.publish(fact)
  await caughtUp()
})
afterAll(async () => {
  await owner.destroy()
  await publisher.close()
  await running.stop()
  await stack.stop()
})

const overview = (accept: (body: Overview) => boolean) =>
  eventually<Overview>(`${running.url}/v1/reporting/overview`, accept)

/** Each lane tells its part when it gets there. */
const caughtUp = () =>
  overview(({ counts, services }) => counts.resolvedLastDay === 1 && counts.suspected === 1 && services.length >= 3)

/** Everything the projection holds; sequences are the order in which lanes committed, so they are left out. */
async function projection() {
  const feed = await owner
    .selectFrom('feed')
    .select(['event_id', 'type', 'occurred_at', 'body'])
    .orderBy('event_id')
    .execute()
  const { version, seq, as_of, account_as_of } = await owner.selectFrom('head').selectAll().executeTakeFirstOrThrow()
  return {
    baselines: await owner.selectFrom('baseline').selectAll().orderBy('baseline_id').execute(),
    regressions: await owner.selectFrom('regression').selectAll().orderBy('regression_id').execute(),
    feed,
    head: { version, seq, as_of, account_as_of },
  }
}

/** Waits until every lane has committed the last fact published on it. */
async function lanesCaughtUp() {
  await expect
    .poll(
      async () => {
        const lanes = await sql<{ lane: number; seq: number }>`select lane, seq from lane`.execute(owner)
        const behind = lanes.rows.filter(({ lane, seq }) => seq < (publisher.lastSeqs.get(lane) ?? 0))
        return behind.map(({ lane }) => lane)
      },
      { timeout: 10_000 },
    )
    .toEqual([])
}

/** Sends every lane back to the start of the stream, as a restored backup or a rebuild would. */
async function rewindLanes() {
  await sql`update lane set seq = 0, seq_time = null where processor = 'overview'`.execute(owner)
}

test('given published facts, the overview has the services worst first', async () => {
  const { services, counts } = await caughtUp()
  expect(services.map(({ service, state }) => [service, state])).toEqual([
    ['order', 'confirmed'],
    ['seat', 'suspected'],
    ['auth', 'normal'],
  ])
  expect(counts).toMatchObject({ services: 3, baselines: 4, firmBaselines: 3, confirmed: 1, suspected: 1 })
})

test('services and accounts each have their own newest fact', async () => {
  const { asOf } = await caughtUp()
  const book = await eventually<{ asOf: string; accounts: number }>(
    `${running.url}/v1/reporting/book`,
    ({ accounts }) => accounts === 1,
  )
  expect([asOf, book.asOf]).toEqual([35, 50].map((minutes) => new Date(startMs + minutes * minute).toISOString()))
})

test('rates add up over endpoints, and the p95 is that of one named series', async () => {
  const { services } = await caughtUp()
  const [order, , auth] = services
  expect(order).toMatchObject({ throughput: 50, cost: 1_840, headline: { before: 110, after: 237 } })
  // (41 req/s x 1 % + 9 req/s x 3 %) / 50 req/s
  expect(order?.errorRate).toBeCloseTo(1.36, 10)
  expect(auth).toMatchObject({ headline: { endpoint: '/orders/refresh', before: 61, after: null } })
})

test('open regressions come with both histograms as bucket arrays; closed ones stay with their evidence', async () => {
  const response = await fetch(`${running.url}/v1/reporting/regressions`)
  const { open, recent } = (await response.json()) as Regressions
  expect(open.map(({ regressionId, state }) => [regressionId, state])).toEqual([
    ['r-order', 'confirmed'],
    ['r-seat', 'suspected'],
  ])
  const histogram = open[0]?.histogram as { before: { scale: number; counts: number[] }; after: { counts: number[] } }
  const total = (counts: readonly number[]) => counts.reduce((sum, count) => sum + count, 0)
  expect([histogram.before.scale, total(histogram.before.counts), total(histogram.after.counts)]).toEqual([5, 5, 4])
  expect(recent).toEqual([expect.objectContaining({ regressionId: 'r-auth', state: 'resolved', auc: 0.84 })])
})

test('given a service, only its regressions are answered', async () => {
  const response = await fetch(`${running.url}/v1/reporting/regressions?service=seat`)
  const { open, recent } = (await response.json()) as Regressions
  expect([...open, ...recent].map(({ regressionId }) => regressionId)).toEqual(['r-seat'])
})

test('given the whole stream a second time, nothing changes', async () => {
  const before = await projection()
  await running.stop()
  await rewindLanes()
  running = await startReporting(stack)
  await lanesCaughtUp()
  expect(await projection()).toEqual(before)
})

test('given an old fact again under another id, as after the broker has forgotten the first, no state changes', async () => {
  const before = await projection()
  const [suspected] = facts.filter(({ key }) => key === 'r-order')
  if (suspected === undefined) throw new Error('the facts have no r-order')
  await publisher.publish({ ...suspected, id: 'again' })
  await lanesCaughtUp()
  const after = await projection()
  expect(after.regressions).toEqual(before.regressions)
  expect(after.head.seq).toBe(before.head.seq + 1)
})

test('a rebuild gives the same projection, and tells listeners to read everything again', async () => {
  const before = await projection()
  const { generation, seq } = await owner.selectFrom('head').selectAll().executeTakeFirstOrThrow()
  // What `npm run rebuild -- reporting overview --from start --empty feed --yes` does, beside the running service.
  const options = { processor: 'overview', version, from: 'start', emptyTables: ['feed'] } as const
  await applyRebuild(owner as never, await planRebuild(owner as never, options))
  await expect.poll(async () => (await projection()).head.seq, { timeout: 15_000 }).toBe(before.head.seq)
  await lanesCaughtUp()
  expect(await projection()).toEqual(before)
  const [first] = await readEvents(`${generation}.${seq}`, 1)
  expect(first).toMatchObject({ event: 'reset', id: `${generation + 1}.${seq}` })
})

test('given a fact that cannot be read, it is set aside and those behind it are projected', async () => {
  const [first] = facts
  if (first === undefined) throw new Error('there are no facts')
  await publisher.publishBytes({ ...first, id: 'broken' }, Uint8Array.of(0xc3, 0x01, 1, 2, 3))
  await publisher.publish({ ...first, id: 'behind-it' })
  await lanesCaughtUp()
  const { rows } = await sql<{ message_id: string }>`select message_id from dead_letter`.execute(owner)
  expect(rows).toEqual([{ message_id: 'broken' }])
  expect((await projection()).feed.map(({ event_id }) => event_id)).toContain('behind-it')
})

test('the event stream resumes behind Last-Event-ID, without a gap or a repeat', async () => {
  const { generation, seq } = await owner.selectFrom('head').selectAll().executeTakeFirstOrThrow()
  const events = await readEvents(`${generation}.${seq - 3}`, 4, () =>
    publisher.publish(regression('r-new', 'seat', { state: 'suspected' }, 40)),
  )
  expect(events.map(({ id }) => id)).toEqual([2, 1, 0, -1].map((back) => `${generation}.${seq - back}`))
  expect(events.at(-1)).toMatchObject({
    event: 'change',
    data: { kind: 'regression', id: 'r-new', state: 'suspected' },
  })
})

test.each([
  ['of an older build', '0.5'],
  ['from the future', '1000.999999'],
])('given a Last-Event-ID %s, the event stream says to read everything again', async (_, lastEventId) => {
  const [first] = await readEvents(lastEventId, 1)
  expect(first?.event).toBe('reset')
})

test('given no Last-Event-ID, the event stream starts at its present end', async () => {
  const { generation, seq } = await owner.selectFrom('head').selectAll().executeTakeFirstOrThrow()
  const [first] = await readEvents(undefined, 1)
  expect(first).toMatchObject({ event: 'hello', id: `${generation}.${seq}` })
})

test('a fact is in the overview and on the event stream within a second', async () => {
  const startedAt = performance.now()
  const [, change] = await readEvents(undefined, 2, () =>
    publisher.publish(regression('r-fast', 'fast', { state: 'confirmed' }, 41)),
  )
  const { services } = await overview(({ services }) => services.some(({ service }) => service === 'fast'))
  expect(change?.data).toMatchObject({ id: 'r-fast' })
  expect(services.find(({ service }) => service === 'fast')).toMatchObject({ state: 'confirmed' })
  expect(performance.now() - startedAt).toBeLessThan(1_000)
})

type Received = { id: string; event: string; data: Record<string, unknown> }

/** Reads `count` events; `started` runs after the first byte has arrived. */
async function readEvents(
  lastEventId: string | undefined,
  count: number,
  started?: () => Promise<void>,
): Promise<Received[]> {
  const abort = new AbortController()
  const timeout = setTimeout(() => abort.abort(new Error(`fewer than ${count} events came`)), 10_000)
  const response = await fetch(`${running.url}/v1/reporting/events`, {
    headers: lastEventId === undefined ? {} : { 'last-event-id': lastEventId },
    signal: abort.signal,
  })
  const received: Received[] = []
  let rest = ''
  let begun = false
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    rest += chunk
    const blocks = rest.split('\n\n')
    rest = blocks.pop() ?? ''
    for (const block of blocks) {
      const fields = Object.fromEntries(
        block.split('\n').map((line) => [line.split(': ', 1)[0], line.slice(line.indexOf(': ') + 2)]),
      )
      if (fields.data !== undefined)
        received.push({ id: fields.id ?? '', event: fields.event ?? '', data: JSON.parse(fields.data) })
    }
    if (!begun) {
      begun = true
      await started?.()
    }
    if (received.length >= count) break
  }
  clearTimeout(timeout)
  abort.abort()
  return received
}
