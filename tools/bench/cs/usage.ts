/**
 * Usage on real servers, from HTTP over JetStream to PostgreSQL with all rollups (scoreboard rows 3, 4, 5 and 20).
 * `throughput`: the newest events of cs-sim in the order of time, as they would come live. `counts`: events of a part of
 * the accounts, shuffled, a tenth of them twice; every cell is compared with counting plainly, before and after erasures.
 */

import { existsSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { createRandom } from '@plimsoll/customer-success/domain/learn/random.ts'
import { dayOf, startOf } from '../../../services/customer-success/domain/day.ts'
import { cssimFolder } from './cssim.ts'
import { cssimEvents, type SimEvent, segmentBatch } from './cssim-events.ts'
import type { CsRow } from './rows.ts'
import { pause, type Services, startServices } from './services.ts'

const THROUGHPUT_EVENTS = 400_000
const BATCH = 250
const CONNECTIONS = 8
/** One account in this many is counted; all of them would take minutes. */
const ACCOUNT_SHARE = 5
const ERASED = 300

export async function throughputRows(data: string): Promise<CsRow[]> {
  if (!existsSync(cssimFolder(data))) return absent(data)
  const events = [...cssimEvents(data)].sort((a, b) => a.day - b.day || a.second - b.second).slice(-THROUGHPUT_EVENTS)
  const dayZeroMs = dayZero(events)
  const services = await startServices()
  try {
    const warm = events.slice(0, 40_000)
    await send(services, bodiesOf(warm, dayZeroMs))
    await stored(services, warm.length)
    const bodies = bodiesOf(events.slice(warm.length), dayZeroMs)
    const before = services.cpuSeconds()
    const startedAt = performance.now()
    const acks = await send(services, bodies)
    const sentSeconds = (performance.now() - startedAt) / 1000
    await stored(services, events.length)
    const seconds = (performance.now() - startedAt) / 1000
    const after = services.cpuSeconds()
    const counted = events.length - warm.length
    const micros = (of: 'gateway' | 'customerSuccess'): string =>
      `${(((after[of] - before[of]) / counted) * 1e6).toFixed(1)} us`
    const p99 = quantile(acks, 0.99)
    const rate = counted / seconds
    return [
      row('4', 'events/s HTTP to rollups', rate, '/s', {
        baseline: 'pieces: 42 k rollup',
        goal: '>= 25 k',
        met: rate >= 25_000,
        detail: `${counted} events in ${seconds.toFixed(1)} s (accepted in ${sentSeconds.toFixed(1)} s), CPU per event: gateway ${micros('gateway')}, customer-success ${micros('customerSuccess')}`,
      }),
      row('4', 'ack p99', p99, 'ms', {
        goal: '<= 150',
        met: p99 <= 150,
        detail: `${BATCH} events a request, ${CONNECTIONS} connections, p50 ${quantile(acks, 0.5).toFixed(0)} ms`,
      }),
    ]
  } finally {
    await services.stop()
  }
}

export async function countRows(data: string): Promise<CsRow[]> {
  if (!existsSync(cssimFolder(data))) return absent(data)
  const events = [...cssimEvents(data)].filter(({ accountId }) => Number(accountId) % ACCOUNT_SHARE === 0)
  const dayZeroMs = dayZero(events)
  const random = createRandom(5)
  const repeated = events.filter(() => random() < 0.1)
  const sent = shuffled([...events, ...repeated], random)
  const services = await startServices()
  try {
    await send(services, bodiesOf(sent, dayZeroMs))
    await stored(services, events.length)
    await summedUp(services)
    await daysClosed(services)
    const { count } = await services.database.worker
      .selectFrom('event_key')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow()
    const counted = await compare(services, events, dayZeroMs)
    const reads = await readYears(services, events)
    const users = [...new Set(events.map(({ userId }) => userId))]
    const erased = new Set(shuffled(users, random).slice(0, ERASED))
    const startedAt = performance.now()
    for (const userId of erased) await erase(services, userId)
    const eraseMs = (performance.now() - startedAt) / erased.size
    const rest = events.filter(({ userId }) => !erased.has(userId))
    const left = await compare(services, rest, dayZeroMs)
    return [
      row('3', 'stored - unique, a tenth sent twice, shuffled', count - events.length, 'events', {
        goal: '0',
        met: count === events.length,
        detail: `${sent.length} sent, ${count} stored`,
      }),
      row('5', 'wrong cells', counted.wrong, 'cells', {
        baseline: '0 of 138,556; HLL 2.7 % off',
        goal: '0',
        met: counted.wrong === 0,
        detail: `${counted.cells} cells: everybody, features and accounts; events, first days, 1, 7, 28 and 30 days`,
      }),
      row('5', 'a year of any account or feature over HTTP, p99', quantile(reads, 0.99), 'ms', {
        goal: '<= 50',
        met: quantile(reads, 0.99) <= 50,
        detail: `${reads.length} reads, p50 ${quantile(reads, 0.5).toFixed(1)} ms`,
      }),
      row('20', `wrong cells after ${erased.size} erasures`, left.wrong, 'cells', {
        goal: '0',
        met: left.wrong === 0,
        detail: `${left.cells} cells`,
      }),
      row('20', 'one erasure over HTTP', eraseMs, 'ms', {
        baseline: '56-88 ms',
        goal: '<= 60 s',
        met: eraseMs <= 60_000,
      }),
    ]
  } finally {
    await services.stop()
  }
}

function absent(data: string): CsRow[] {
  console.error(`ABSENT: customer-success/cs-sim under ${data}: its rows are missing from this run`)
  return []
}

const row = (bench: string, measure: string, value: number, unit: string, more: Partial<CsRow>): CsRow => ({
  ...{ bench, rule: 'plimsoll', measure, value, unit },
  ...more,
})

/** The recording ends with yesterday. */
function dayZero(events: readonly SimEvent[]): number {
  const last = events.reduce((most, { day }) => Math.max(most, day), 0)
  return startOf(dayOf(Date.now()) - 1 - last)
}

function bodiesOf(events: readonly SimEvent[], dayZeroMs: number): Uint8Array[] {
  const bodies: Uint8Array[] = []
  for (let from = 0; from < events.length; from += BATCH) {
    bodies.push(segmentBatch(events.slice(from, from + BATCH), dayZeroMs))
  }
  return bodies
}

/** Sends all bodies; milliseconds until each was answered. */
async function send(services: Services, bodies: readonly Uint8Array[]): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  const acks: number[] = []
  let next = 0
  const connection = async (): Promise<void> => {
    while (next < bodies.length) {
      const body = bodies[next++] as Uint8Array
      const startedAt = performance.now()
      await post(agent, `${services.gatewayUrl}/v1/batch`, body)
      acks.push(performance.now() - startedAt)
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, connection))
  agent.destroy()
  return acks
}

function post(agent: Agent, url: string, body: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': body.length }
    const sent = request(url, { agent, method: 'POST', headers }, (answer) => {
      answer.resume()
      answer.once('end', () => {
        if (answer.statusCode === 200) resolve()
        else reject(new Error(`${url} was answered ${answer.statusCode}`))
      })
    })
    sent.once('error', reject)
    sent.end(body)
  })
}

/** Waits until this many events are in the tables. */
async function stored(services: Services, events: number): Promise<void> {
  for (const deadline = Date.now() + 600_000; Date.now() < deadline; await pause(50)) {
    // Counting rows takes the time of those that are still to come: only once the service says it has them.
    if ((await storedByMetric(services)) < events) continue
    const { count } = await services.database.worker
      .selectFrom('event_key')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow()
    if (count >= events) return
  }
  throw new Error(`fewer than ${events} events were stored after ten minutes`)
}

async function storedByMetric({ url }: Services): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(/^plimsoll_customer_success_events_total\{outcome="stored"\} (\d+)$/m.exec(text)?.[1] ?? 0)
}

/** Waits until the upkeep has summed up what the burst left in many rows: reads are measured as of an ordinary day. */
async function summedUp(services: Services): Promise<void> {
  for (const deadline = Date.now() + 120_000; Date.now() < deadline; await pause(500)) {
    const many = await services.database.worker
      .selectFrom('usage_cells')
      .select(['subject', 'block'])
      .where('fresh', '=', true)
      .groupBy(['subject', 'block'])
      .having(({ fn }) => fn.countAll(), '>=', 8)
      .limit(1)
      .execute()
    if (many.length === 0) return
  }
}

/** Waits until the days of the recording are closed and scored: reads are measured beside no catching up. */
async function daysClosed({ database: { worker } }: Services): Promise<void> {
  const yesterday = dayOf(Date.now()) - 1
  const last = (table: 'adoption_day' | 'churn_day') =>
    worker
      .selectFrom(table)
      .select('day')
      .where('day', '>=', yesterday - 1)
      .limit(1)
      .execute()
  for (const deadline = Date.now() + 300_000; Date.now() < deadline; await pause(500)) {
    const closed = await Promise.all([last('adoption_day'), last('churn_day')])
    if (closed.every((rows) => rows.length > 0)) return
  }
}

type Active = {
  readonly days: readonly Readonly<Record<'events' | 'new' | 'active1' | 'active7' | 'active28' | 'active30', number>>[]
}

async function active(services: Services, query: string, firstDay: number, lastDay: number): Promise<Active> {
  const iso = (day: number): string => new Date(startOf(day)).toISOString().slice(0, 10)
  const path = `/v1/customer-success/analytics/active?from=${iso(firstDay)}&to=${iso(lastDay)}${query}`
  const answer = await fetch(`${services.url}${path}`)
  if (!answer.ok) throw new Error(`${path} was answered ${answer.status}: ${await answer.text()}`)
  return (await answer.json()) as Active
}

const WIDTHS = [1, 7, 28, 30] as const

/** Asks for every account, feature and everybody, and counts the cells that differ from counting plainly. */
async function compare(services: Services, events: readonly SimEvent[], dayZeroMs: number) {
  const zero = dayOf(dayZeroMs)
  const days = events.reduce((most, { day }) => Math.max(most, day), 0) + 1
  let [cells, wrong] = [0, 0]
  const check = async (query: string, own: readonly SimEvent[]): Promise<void> => {
    const found = await active(services, query, zero, zero + days - 1)
    const users = Map.groupBy(own, ({ userId }) => userId)
    const counts = new Float64Array(days)
    for (const { day } of own) counts[day] = (counts[day] ?? 0) + 1
    const firsts = new Float64Array(days)
    for (const mine of users.values()) {
      const first = mine.reduce((least, { day }) => Math.min(least, day), days)
      firsts[first] = (firsts[first] ?? 0) + 1
    }
    const expected = { events: counts, new: firsts } as Record<keyof Active['days'][number], Float64Array>
    for (const width of WIDTHS) expected[`active${width}`] = plainly(users.values(), width, days)
    for (const [name, values] of Object.entries(expected)) {
      values.forEach((value, day) => {
        cells++
        if (found.days[day]?.[name as keyof Active['days'][number]] !== value) wrong++
      })
    }
  }
  await check('', events)
  for (const [name, own] of Map.groupBy(events, (event) => event.name)) await check(`&feature=${name}`, own)
  for (const [id, own] of Map.groupBy(events, (event) => event.accountId)) await check(`&account=${id}`, own)
  return { cells, wrong }
}

/** Users who did something in the `width` days that end with each day. */
function plainly(users: Iterable<readonly SimEvent[]>, width: number, days: number): Float64Array {
  const counts = new Float64Array(days)
  for (const own of users) {
    const isActive = new Uint8Array(days)
    for (const { day } of own) isActive.fill(1, day, day + width)
    isActive.forEach((one, day) => {
      counts[day] = (counts[day] ?? 0) + one
    })
  }
  return counts
}

/** Milliseconds to read a year of each account and of everybody. */
async function readYears(services: Services, events: readonly SimEvent[]): Promise<number[]> {
  const accounts = [...new Set(events.map(({ accountId }) => accountId))]
  const features = [...new Set(events.map(({ name }) => name))]
  const today = dayOf(Date.now())
  const queries = [
    ...accounts.map((id) => `&account=${id}`),
    ...[...features.map((name) => `&feature=${name}`), ''].flatMap((query) => Array<string>(20).fill(query)),
  ]
  const reads: number[] = []
  for (const query of queries) {
    const startedAt = performance.now()
    await active(services, query, today - 364, today)
    reads.push(performance.now() - startedAt)
  }
  return reads
}

async function erase(services: Services, userId: string): Promise<void> {
  const answer = await fetch(`${services.url}/v1/customer-success/privacy/erase`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ userId }),
  })
  if (!answer.ok) throw new Error(`erasing was answered ${answer.status}: ${await answer.text()}`)
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const all = [...items]
  for (let i = all.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    ;[all[i], all[j]] = [all[j] as T, all[i] as T]
  }
  return all
}

function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN
}
