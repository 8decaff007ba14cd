import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { foldSamples } from './count.ts'
import { type ClosedWindow, MINUTE_MS } from './endpoint.ts'
import { createFold, type Fold } from './fold.ts'
import { resolveSeries } from './introduce.ts'
import { closeIdle, closeTouched } from './windows.ts'

const LATENESS = { allowedMs: 10_000, idleMs: 15_000 }
const START = 1_000 * MINUTE_MS

type Series = { readonly name: string; readonly kind?: number; readonly labels?: Record<string, string> }
type Sample = readonly [series: number, timeMs: number, value: number]

/** Folds one message of samples of `series`, whose ids are their places in the list. */
function send(fold: Fold, series: readonly Series[], samples: readonly Sample[], receivedAtMs = START): void {
  const rows = new Int32Array(series.length)
  const dictionary = {
    count: series.length,
    ids: Uint32Array.from(series.flatMap((_, i) => [i + 1, 7])),
    describe: (row: number) => ({
      name: series[row]?.name ?? '',
      unit: '',
      kind: series[row]?.kind ?? 5,
      labels: new Map(Object.entries({ job: 'cart', ...series[row]?.labels })),
    }),
  }
  resolveSeries(fold, 'test', dictionary, rows)
  const columns = {
    series: Uint32Array.from(samples, ([row]) => row),
    time: Float64Array.from(samples, ([, time]) => time),
    start: new Float64Array(0),
    value: Float64Array.from(samples, ([, , value]) => value),
  }
  foldSamples(fold, rows, columns, receivedAtMs)
}

const counter: Series[] = [{ name: 'http_requests_total' }]
const create = (endpointsPerService = 100) => createFold(0, { endpointsPerService })
const closedWindows = (fold: Fold): ClosedWindow[] =>
  closeTouched(fold, LATENESS).minutes.flatMap(({ windows }) => [...windows])
const total = (windows: readonly ClosedWindow[]): number => windows.reduce((sum, { requests }) => sum + requests, 0)

describe('a counter', () => {
  test('gives each minute its share of an increase that crosses its end, in whole requests', () => {
    const fold = create()
    send(fold, counter, [
      [0, START + 50_000, 100],
      [0, START + 65_000, 115],
      [0, START + 125_000, 115],
    ])
    const windows = closedWindows(fold)
    expect(windows.map(({ requests }) => requests)).toEqual([10, 5])
    expect(windows.map(({ rate }) => rate)).toEqual([10 / 60, 5 / 60])
  })

  test('counts on from zero after a reset', () => {
    const fold = create()
    send(fold, counter, [
      [0, START + 10_000, 100],
      [0, START + 20_000, 7],
      [0, START + 30_000, 9],
      [0, START + 60_000, 9],
    ])
    expect(total(closedWindows(fold))).toBe(9)
  })

  test('counts a repeated sample once', () => {
    const fold = create()
    const samples: Sample[] = [
      [0, START + 10_000, 100],
      [0, START + 25_000, 110],
    ]
    send(fold, counter, samples)
    send(fold, counter, samples)
    send(fold, counter, [[0, START + 60_000, 110]])
    expect(total(closedWindows(fold))).toBe(10)
    expect(fold.counts).toMatchObject({ repeated: 1, late: 1 })
  })

  test('of any history adds up to its increase', () => {
    const steps = fc.array(fc.tuple(fc.integer({ min: 1, max: 200_000 }), fc.integer({ min: 0, max: 5_000 })), {
      minLength: 1,
      maxLength: 60,
    })
    fc.assert(
      fc.property(steps, (history) => {
        const fold = create()
        let time = START
        let value = 0
        const samples: Sample[] = [[0, time, value]]
        for (const [elapsed, increase] of history) {
          time += elapsed
          value += increase
          samples.push([0, time, value])
        }
        samples.push([0, time + 10 * MINUTE_MS, value])
        send(fold, counter, samples)
        const windows = closedWindows(fold)
        expect(total(windows)).toBe(value)
        expect(windows.every(({ requests }) => Number.isInteger(requests) && requests >= 0)).toBe(true)
      }),
    )
  })
})

describe('a window', () => {
  const replicas: Series[] = ['a', 'b'].map((instance) => ({ name: 'http_requests_total', labels: { instance } }))

  test('waits for every replica that is alive, and then no longer', () => {
    const fold = create()
    send(fold, replicas, [
      [0, START + 15_000, 0],
      [1, START + 15_000, 0],
      [0, START + 45_000, 30],
      [1, START + 45_000, 30],
      [0, START + 60_000, 45],
    ])
    expect(closedWindows(fold)).toEqual([])
    send(fold, replicas, [[1, START + 60_000, 45]])
    expect(closedWindows(fold)).toMatchObject([{ requests: 90, rate: 1.5 }])
  })

  test('does not wait longer than the allowed lateness', () => {
    const fold = create()
    send(fold, replicas, [
      [0, START + 15_000, 0],
      [1, START + 15_000, 0],
      [0, START + 60_000, 45],
      [0, START + 71_000, 45],
    ])
    expect(total(closedWindows(fold))).toBe(45)
  })

  test('that is closed takes what comes late as a correction', () => {
    const fold = create()
    const delta: Series[] = [{ name: 'http_requests_total', kind: 2 }]
    send(fold, delta, [
      [0, START + 30_000, 5],
      [0, START + 90_000, 5],
    ])
    expect(total(closedWindows(fold))).toBe(10)
    send(fold, delta, [[0, START + 40_000, 3]])
    expect([...fold.corrections.values()].map(({ window }) => window.requests)).toEqual([3])
    expect(fold.counts.late).toBe(1)
  })

  test('of a series that fell silent closes when its lane has gone on', () => {
    const fold = create()
    const two: Series[] = [{ name: 'http_requests_total' }, { name: 'http_requests_total', labels: { path: '/b' } }]
    send(fold, two, [
      [0, START + 10_000, 0],
      [0, START + 20_000, 8],
      [1, START + 5 * MINUTE_MS, 0],
    ])
    expect(closedWindows(fold)).toEqual([])
    expect(closeIdle(fold, LATENESS, START + 14_000).minutes).toEqual([])
    expect(closeIdle(fold, LATENESS, START + 15_000).minutes).toMatchObject([{ windows: [{ requests: 8 }] }])
  })
})

test('classic buckets become one histogram of milliseconds', () => {
  const fold = create()
  const bounds = ['0.1', '0.2', '+Inf']
  const buckets: Series[] = bounds.map((le) => ({ name: 'http_request_duration_seconds_bucket', labels: { le } }))
  send(fold, buckets, [
    ...bounds.map((_, i) => [i, START + 10_000, 0] as const),
    ...[60, 90, 100].map((value, i) => [i, START + 40_000, value] as const),
    ...[60, 90, 100].map((value, i) => [i, START + 60_000, value] as const),
  ])
  const [window] = closedWindows(fold)
  expect(window).toMatchObject({ requests: 100, rate: 100 / 60 })
  expect(window?.histogram?.count).toBe(100)
  expect(window?.histogram?.max).toBeGreaterThan(200)
})

test('endpoints beyond the cap share one', () => {
  const fold = create(2)
  const many: Series[] = ['/a', '/b', '/c', '/d'].map((path) => ({ name: 'http_requests_total', labels: { path } }))
  send(fold, many, [])
  expect(fold.endpoints.map(({ place }) => place.endpoint)).toEqual(['/a', '/b', '(other)'])
  expect(fold.counts.overflow).toBe(2)
})

test('request classes beyond the cap of an endpoint share one, so that a label of any size costs no more', () => {
  const fold = create()
  const tiers = Array.from({ length: 20 }, (_, i) => ({ tenant_tier: `tier ${i}` }))
  const many: Series[] = tiers.map((labels) => ({ name: 'http_requests_total', labels }))
  send(fold, many, [])
  const classes = fold.endpoints.flatMap(({ cells }) => cells.map(({ requestClass }) => requestClass))
  expect(classes).toEqual([...tiers.slice(0, 8).map(({ tenant_tier }) => tenant_tier), '(other)'])
})

test('series of two senders with one identity are two series', () => {
  const fold = create()
  const rows = new Int32Array(1)
  const dictionary = {
    count: 1,
    ids: Uint32Array.of(1, 1),
    describe: () => ({ name: 'http_requests_total', unit: '', kind: 1, labels: new Map([['job', 'cart']]) }),
  }
  resolveSeries(fold, 'eu', dictionary, rows)
  const [eu] = rows
  resolveSeries(fold, 'us', dictionary, rows)
  expect(rows[0]).not.toBe(eu)
})
