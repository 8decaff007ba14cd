import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import { migrateService } from '@plimsoll/kit/db/migrate.ts'
import { openDatabase, type ServiceDatabase } from '@plimsoll/kit/db/pool.ts'
import { inTransaction } from '@plimsoll/kit/db/transaction.ts'
import { type Stack, startStack } from '@plimsoll/kit/testing/stack.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encodeHistogram, histogramOf } from '../domain/histogramcodec.ts'
import { causeTicker } from '../events/cause.ts'
import { driftTicker } from '../events/drift.ts'
import { acceptRegression } from '../store/regressions.ts'
import type { Tables } from '../store/tables.ts'
import { saveWindows, type WindowRow } from '../store/windows.ts'
import { random } from './batches.ts'

const HOUR = 3_600_000
const DAYS = 14
const HOURS = 24 * DAYS
const START = Date.UTC(2026, 9, 1)
const CHANGE_AT = 290
const noise = random(5)

let stack: Stack
let database: ServiceDatabase<Tables>

beforeAll(async () => {
  stack = await startStack({ nats: false })
  const migrations = new URL('../store/migrations/', import.meta.url)
  await migrateService({ url: stack.databaseUrl, service: 'performance', migrations })
  database = openDatabase<Tables>({ url: stack.databaseUrl, service: 'performance' })
})

afterAll(async () => {
  await database?.close()
  await stack?.stop()
})

const transaction = <T>(work: (tx: WorkerTransaction) => Promise<T>): Promise<T> => inTransaction(database.worker, work)

/**
 * An endpoint with two weeks of hours, as the roll-up leaves them: around `ms` by the hour, with a daily course, but for
 * the share of requests that is answered in a tenth of it by a cache.
 */
async function endpoint(
  number: number,
  service: string,
  ms: (hour: number) => number,
  cached: (hour: number) => number = () => 0,
): Promise<void> {
  const place = { service, environment: '', endpoint: '/', method: 'GET', instrument: 'spans' }
  const latest = { latest_at: new Date(START + HOURS * HOUR), latest_value: 1 }
  await database.worker
    .insertInto('endpoint')
    .values({ id: number, lane: 0, source: 'test', ...place })
    .execute()
  await database.worker
    .insertInto('cell')
    .values([
      { id: number + 1, endpoint_id: number, status_class: 2, release: '' },
      { id: number + 3, endpoint_id: number, status_class: 3, release: '' },
    ])
    .execute()
  await database.worker
    .insertInto('series')
    .values({
      ...{ id: number + 2, lane: 0, owner_id: number, ...place, ...latest },
      ...{ metric: 'latency', quantile: '', unit: 'ms', kind: 'latency', windows: HOURS * 60, release: '' },
      ...{ first_at: new Date(START), pending: null, pending_at: null, episode_at: null },
      ...{ episode_evidence: 0, episode_told: 0 },
    })
    .execute()
  const rows = Array.from({ length: HOURS }, (_, hour) => {
    const day = ms(hour) * (1 + 0.3 * Math.sin((2 * Math.PI * hour) / 24))
    const quick = Math.round(200 * cached(hour))
    const startMs = START + hour * HOUR
    return [windowOf(number + 1, startMs, 200 - quick, day), windowOf(number + 3, startMs, quick, day / 10)]
  }).flat()
  await transaction((tx) =>
    saveWindows(
      tx,
      'perf_window_1h',
      rows.filter(({ requests }) => requests > 0),
    ),
  )
}

function windowOf(cellId: number, startMs: number, requests: number, ms: number): WindowRow {
  const histogram = histogramOf(Array.from({ length: requests }, () => ms * (0.7 + 0.6 * noise())))
  const { count, sum, min, max } = histogram
  return { cellId, startMs, requests: count, rate: count / 3600, sum, min, max, histogram: encodeHistogram(histogram) }
}

const regressions = () => database.reader.selectFrom('regression').selectAll().execute()

async function tick(nowMs: number): Promise<void> {
  const context = { lane: 0, now: () => nowMs }
  const config = { PERFORMANCE_FDR: 0.05 } as Parameters<typeof causeTicker>[0]
  await transaction(async (tx) => {
    await driftTicker.tick(await driftTicker.load(tx, context), tx, context)
  })
  const cause = causeTicker(config, () => undefined)
  await transaction(async (tx) => {
    await cause.tick(await cause.load(tx, context), tx, context)
  })
}

test('hours that creep upwards become one confirmed drift, and a person may accept it', async () => {
  const now = START + HOURS * HOUR
  await endpoint(10, 'cart', (hour) => (hour < CHANGE_AT ? 80 : 80 + 1.2 * (hour - CHANGE_AT)))
  await endpoint(20, 'web', () => 120)
  await tick(now)

  const [drift, ...others] = await regressions()
  expect(others).toEqual([])
  expect(drift).toMatchObject({
    service: 'cart',
    metric: 'latency',
    detector: 'drift',
    direction: 'up',
    state: 'confirmed',
  })
  const onset = ((drift?.onset_at.getTime() ?? 0) - START) / HOUR
  expect(Math.abs(onset - CHANGE_AT)).toBeLessThanOrEqual(12)
  expect((drift?.after_value ?? 0) / (drift?.before_value ?? 1)).toBeGreaterThan(1.2)
  expect(drift?.before_histogram).not.toBeNull()
  expect(drift?.after_histogram).not.toBeNull()

  await tick(now + 24 * HOUR)
  expect(await regressions()).toMatchObject([{ state: 'confirmed' }])

  await transaction((tx) => acceptRegression(tx, drift?.id ?? '', { name: 'anna', note: '', timeMs: now }))
  await tick(now + 48 * HOUR)
  expect(await regressions()).toMatchObject([{ state: 'accepted', accepted_by: 'anna' }])
})

test('hours that rise because a cache answers less and less are withheld', async () => {
  const known = await regressions()
  await endpoint(
    30,
    'search',
    () => 80,
    (hour) => (hour < CHANGE_AT ? 0.97 : 0.6),
  )
  await tick(START + HOURS * HOUR)

  const alarms = await database.reader.selectFrom('regression_signal').selectAll().where('series_id', '=', 32).execute()
  expect(alarms).toMatchObject([
    { detector: 'drift', withheld_reason: expect.stringContaining('the mix of requests explains') },
  ])
  expect(await regressions()).toEqual(known)
})
