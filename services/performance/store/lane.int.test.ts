import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import { migrateService } from '@plimsoll/kit/db/migrate.ts'
import { openDatabase, type ServiceDatabase } from '@plimsoll/kit/db/pool.ts'
import { inTransaction } from '@plimsoll/kit/db/transaction.ts'
import { type Stack, startStack } from '@plimsoll/kit/testing/stack.ts'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { foldSamples } from '../domain/count.ts'
import { forget } from '../domain/forget.ts'
import { resolveSeries } from '../domain/introduce.ts'
import { createLane, type Lane } from '../domain/lane.ts'
import { judge } from '../domain/watch.ts'
import { type Closed, closeTouched } from '../domain/windows.ts'
import { loadLane, saveLane } from './lane.ts'
import type { Tables } from './tables.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const START = Date.UTC(2026, 0, 5)
const LIMITS = { endpointsPerService: 1_000 }

let stack: Stack
let database: ServiceDatabase<Tables>

beforeAll(async () => {
  stack = await startStack({ nats: false })
  await migrateService({
    url: stack.databaseUrl,
    service: 'performance',
    migrations: new URL('migrations/', import.meta.url),
  })
  database = openDatabase<Tables>({ url: stack.databaseUrl, service: 'performance' })
})

afterAll(async () => {
  await database?.close()
  await stack?.stop()
})

const transaction = <T>(work: (tx: WorkerTransaction) => Promise<T>): Promise<T> => inTransaction(database.worker, work)

/** Counters of one route each, of `pods` pods: folded, closed, judged and saved as one batch. */
async function send(lane: Lane, atMs: number, pods: readonly string[], value: number): Promise<Closed> {
  const { fold } = lane
  const rows = new Int32Array(pods.length)
  const ids = Uint32Array.from(pods.flatMap((pod) => [Number.parseInt(pod, 36), 9]))
  const describe = (row: number) => ({
    name: 'http_requests_total',
    unit: '',
    kind: 1,
    labels: new Map([
      ['job', 'cart'],
      ['handler', `/${(pods[row] ?? '').slice(0, 2)}`],
      ['pod', pods[row] ?? ''],
      ['tenant_tier', 'gold'],
    ]),
  })
  resolveSeries(fold, 'test', { count: pods.length, ids, describe }, rows)
  foldSamples(
    fold,
    rows,
    {
      series: Uint32Array.from(pods, (_, row) => row),
      time: new Float64Array(pods.length).fill(atMs),
      start: new Float64Array(0),
      value: new Float64Array(pods.length).fill(value),
    },
    atMs,
  )
  fold.receivedAtMs = Math.max(fold.receivedAtMs, atMs)
  const closed = closeTouched(fold, { allowedMs: 10_000, idleMs: 15_000 })
  const { changed } = judge(fold, lane.watch, {}, closed)
  forget(lane)
  await transaction((tx) => saveLane(tx, lane, changed))
  return closed
}

const stays = Array.from({ length: 50 }, (_, i) => `sa${i.toString(36).padStart(2, '0')}`)
const goes = (hour: number) =>
  Array.from({ length: 500 }, (_, i) => `g${hour.toString(36)}${i.toString(36).padStart(3, '0')}`)

test('a lane whose pods come and go keeps pages for what is alive, and goes on exactly where it was when loaded', async () => {
  let lane = createLane(3, LIMITS)
  const hours = 30
  for (let hour = 0; hour < hours; hour++) await send(lane, START + hour * HOUR, [...stays, ...goes(hour)], 60 * hour)
  const { rows } = await sql<{ kind: number; pages: number }>`
    select kind, count(*)::int4 as pages from lane_page where lane = 3 group by kind`.execute(database.worker)
  const seriesPages = rows.find(({ kind }) => kind === 1)?.pages ?? 0
  expect(seriesPages).toBe(Math.ceil(lane.fold.table.count / 256))
  expect(lane.fold.table.count).toBeLessThan(hours * 250)

  const before = lane
  lane = await transaction((tx) => loadLane(tx, 3, LIMITS))
  expect(lane.fold.table.count).toBe(before.fold.table.count)
  expect(lane.fold.endpoints).toEqual(before.fold.endpoints)
  expect(lane.fold.endpoints[0]?.cells).toMatchObject([{ requestClass: 'gold' }])
  const closed = await send(lane, START + hours * HOUR, stays, 60 * hours)
  const requests = closed.minutes.flatMap(({ windows }) => windows).reduce((sum, window) => sum + window.requests, 0)
  expect(requests).toBe(60 * stays.length)
})

test('endpoints that are gone stay in the catalogue and are not loaded any more', async () => {
  const lane = createLane(4, LIMITS)
  const old = Array.from({ length: 500 }, (_, i) => i.toString(36).padStart(2, '0')).map((name) => `${name}00`)
  await send(lane, START, old, 1)
  await send(lane, START + MINUTE, old, 2)
  for (let hour = 1; hour < 60; hour++) {
    await send(lane, START + hour * HOUR, stays, hour)
    for (const endpoint of lane.fold.endpoints.slice(0, 500)) {
      if (endpoint.latestMs > START + MINUTE) continue
      for (const cell of endpoint.cells) cell.open.length = 0
    }
  }
  const loaded = await transaction((tx) => loadLane(tx, 4, LIMITS))
  expect(loaded.fold.endpoints.map(({ place }) => place.endpoint)).toEqual(['/sa'])
  expect(loaded.watch.series.map(({ place }) => place.endpoint)).toEqual(['/sa'])
  const { rows } = await sql<{ endpoints: number; detectors: number }>`
    select (select count(*)::int4 from endpoint where lane = 4) as endpoints,
      (select count(*)::int4 from detector where lane = 4) as detectors`.execute(database.worker)
  expect(rows[0]).toMatchObject({ endpoints: expect.any(Number), detectors: 1 })
  expect(rows[0]?.endpoints).toBeGreaterThan(400)
})
