import { expect, test } from 'vitest'
import { foldSamples } from './count.ts'
import { MINUTE_MS } from './endpoint.ts'
import { forget } from './forget.ts'
import { resolveSeries } from './introduce.ts'
import { createLane, type Lane } from './lane.ts'
import { PAGE_BITS } from './seriestable.ts'
import { judge } from './watch.ts'
import { closeTouched } from './windows.ts'

const HOUR_MS = 60 * MINUTE_MS
const START = Date.UTC(2026, 0, 5)
const LATENESS = { allowedMs: 10_000, idleMs: 15_000 }

type Reading = { readonly id: number; readonly labels: Record<string, string>; readonly value: number }

/** Folds one message of counters at one time, closes and judges, as a worker does; returns the requests closed. */
function send(lane: Lane, atMs: number, readings: readonly Reading[], receivedAtMs = atMs): number {
  const { fold } = lane
  const rows = new Int32Array(readings.length)
  const dictionary = {
    count: readings.length,
    ids: Uint32Array.from(readings.flatMap(({ id }) => [id, 7])),
    describe: (row: number) => ({
      name: 'http_requests_total',
      unit: '',
      kind: 1,
      labels: new Map(Object.entries(readings[row]?.labels ?? {})),
    }),
  }
  resolveSeries(fold, 'test', dictionary, rows)
  const columns = {
    series: Uint32Array.from(readings, (_, row) => row),
    time: new Float64Array(readings.length).fill(atMs),
    start: new Float64Array(0),
    value: Float64Array.from(readings, ({ value }) => value),
  }
  foldSamples(fold, rows, columns, receivedAtMs)
  fold.receivedAtMs = Math.max(fold.receivedAtMs, receivedAtMs)
  const closed = closeTouched(fold, LATENESS)
  judge(fold, lane.watch, {}, closed)
  return closed.minutes.flatMap(({ windows }) => windows).reduce((sum, { requests }) => sum + requests, 0)
}

const create = () => createLane(0, { endpointsPerService: 1_000 })
const pages = (lane: Lane): number => Math.ceil(lane.fold.table.count / 2 ** PAGE_BITS)

test('200,000 series of pods that come and go leave a lane as large as what is alive, and no request is lost by it', {
  timeout: 30_000,
}, () => {
  const lane = create()
  let [counted, mostPages, forgotten] = [0, 0, 0]
  const alive = (hour: number): Reading[] =>
    Array.from({ length: 100 }, (_, i) => ({
      id: i + 1,
      labels: { job: 'cart', handler: '/cart', pod: `stays-${i}` },
      value: 60 * hour,
    }))
  for (let hour = 0; hour < 200; hour++) {
    const pods = Array.from({ length: 1_000 }, (_, i) => ({
      id: 1_000 + hour * 1_000 + i,
      labels: { job: 'cart', handler: '/cart', pod: `goes-${hour}-${i}` },
      value: 1,
    }))
    counted += send(lane, START + hour * HOUR_MS, [...alive(hour), ...pods])
    forgotten += forget(lane)?.series ?? 0
    mostPages = Math.max(mostPages, pages(lane))
  }
  // Five hours of pods are within the time a reading is kept, or waiting until a quarter is gone.
  expect(mostPages).toBeLessThanOrEqual(Math.ceil(7_100 / 2 ** PAGE_BITS))
  expect(lane.fold.table.role.length).toBeLessThanOrEqual(8_192)
  expect(lane.fold.endpoints[0]?.slots).toHaveLength(lane.fold.table.count)
  expect(forgotten).toBeGreaterThan(190_000)
  // 100 counters by 60 an hour.
  counted += send(lane, START + 200 * HOUR_MS, alive(200))
  expect(counted).toBe(100 * 60 * 200)
})

test('endpoints that are gone for two days go with their detectors, and an open episode ends', () => {
  const lane = create()
  const reading = (endpoint: number, minute: number): Reading => ({
    id: endpoint + 1,
    labels: { job: `job-${endpoint}`, handler: '/' },
    value: minute,
  })
  for (let minute = 0; minute < 3; minute++) {
    send(
      lane,
      START + minute * MINUTE_MS,
      Array.from({ length: 400 }, (_, i) => reading(i, minute)),
    )
  }
  const watched = lane.watch.series.at(-1)
  if (watched === undefined) throw new Error('nothing is watched')
  watched.episodeMs = START + MINUTE_MS
  for (let hour = 1; hour <= 50; hour++) send(lane, START + hour * HOUR_MS, [reading(0, 60 * hour)])
  send(lane, START + 50 * HOUR_MS + 2 * MINUTE_MS, [reading(0, 3_001)])
  // What waits in the windows of the silent is closed by the lane's time.
  for (const endpoint of lane.fold.endpoints) for (const cell of endpoint.cells) cell.open.length = 0

  forget(lane)
  lane.fold.receivedAtMs += HOUR_MS
  const forgotten = forget(lane)

  expect(forgotten).toMatchObject({ endpoints: 399, signals: [{ state: 'resolved', watched }] })
  expect(lane.fold.endpoints.map(({ place }) => place.service)).toEqual(['job-0'])
  expect(new Set(lane.watch.series.map(({ place }) => place.service))).toEqual(new Set(['job-0']))
  expect(lane.watch.index.size).toBe(lane.watch.series.length)
})

test('history that is sent series by series is not taken for gone', () => {
  const lane = create()
  const labels = { job: 'cart', handler: '/' }
  for (let hour = 0; hour <= 100; hour++) {
    send(lane, START + hour * HOUR_MS, [{ id: 1, labels: { ...labels, pod: 'a' }, value: hour }], START)
  }
  const backlog = Array.from({ length: 1_000 }, (_, i) => ({
    id: i + 2,
    labels: { ...labels, pod: `b-${i}` },
    value: 1,
  }))
  send(lane, START, backlog, START + HOUR_MS)
  forget(lane)
  send(lane, START + MINUTE_MS, backlog, START + 2 * HOUR_MS)
  expect(forget(lane)).toBeUndefined()
  expect(lane.fold.table.count).toBe(1_001)
})
