import { describe, expect, test } from 'vitest'
import { type ClosedWindow, createCell, createEndpoint, endOfMinute } from './endpoint.ts'
import { createFold } from './fold.ts'
import { createGauge } from './gauge.ts'
import { histogramOf } from './histogramcodec.ts'
import { restoreGauge } from './introduce.ts'
import { signalOf } from './signal.ts'
import { createWatch, judge, type Watch } from './watch.ts'

const place = { service: 'cart', environment: '', endpoint: '/cart', method: 'GET', instrument: 'spans' }
const endpoint = createEndpoint(1, 'test', place)
const create = () => ({ fold: createFold(0, { endpointsPerService: 10 }), watch: createWatch() })

/** One closed minute of requests that took `ms` each, give or take a tenth. */
function minute(number: number, requests: number, ms: number, statusClass: 2 | 5 = 2, release = '1.0'): ClosedWindow {
  const took = Array.from(
    { length: requests },
    (_, i) => ms * (0.9 + (0.2 * ((i * 7919 + number * 104_729) % 101)) / 100),
  )
  return {
    cell: createCell(2, { statusClass, release, requestClass: '' }),
    minute: number,
    requests,
    rate: requests / 60,
    durationSumMs: 0,
    histogram: histogramOf(took),
  }
}

function see({ fold, watch }: ReturnType<typeof create>, number: number, windows: readonly ClosedWindow[]) {
  const minutes = [{ endpoint, minute: number, atMs: endOfMinute(number), windows }]
  const judged = judge(fold, watch, {}, { minutes, gauges: [] })
  return judged.judgements.flatMap((judgement) => signalOf(watch, judgement) ?? [])
}

const latencyOf = (watch: Watch) => watch.series.find(({ metric }) => metric === 'latency')

describe('an endpoint', () => {
  test('is watched by latency, error rate and throughput', () => {
    const lane = create()
    see(lane, 1, [minute(1, 50, 100), minute(1, 5, 3, 5)])
    expect(lane.watch.series.map(({ metric, unit }) => [metric, unit])).toEqual([
      ['latency', 'ms'],
      ['error_rate', '%'],
      ['throughput', '1/s'],
    ])
    expect(lane.watch.series.map(({ latestValue }) => Math.round(latestValue))).toEqual([100, 9, 1])
  })

  test('that slows down for good opens one episode, and one that quickens none', () => {
    const lane = create()
    const signals = Array.from({ length: 90 }, (_, i) => see(lane, i, [minute(i, 60, i < 60 ? 100 : 250)])).flat()
    const opened = signals.filter(({ state }) => state === 'suspected' || state === 'confirmed')
    expect(new Set(signals.map(({ episodeId }) => episodeId)).size).toBe(1)
    expect(opened.at(-1)).toMatchObject({ state: 'confirmed', direction: 'up', watched: { metric: 'latency' } })

    const quicker = create()
    const none = Array.from({ length: 90 }, (_, i) => see(quicker, i, [minute(i, 60, i < 60 ? 100 : 30)])).flat()
    expect(none).toEqual([])
  })

  test('with few requests a minute has longer windows', () => {
    const lane = create()
    for (let i = 0; i < 12; i++) see(lane, i, [minute(i, 6, 100)])
    expect(latencyOf(lane.watch)).toMatchObject({ windows: 3, pending: undefined })
    see(lane, 12, [minute(12, 6, 100)])
    expect(latencyOf(lane.watch)?.pending?.count).toBe(6)
  })

  test('of which nobody knows enough for half an hour begins its window anew', () => {
    const lane = create()
    for (const at of [0, 20, 40]) see(lane, at, [minute(at, 9, 100)])
    expect(latencyOf(lane.watch)?.windows).toBe(0)
    expect(latencyOf(lane.watch)?.pending?.count).toBe(9)
  })
})

test('of imported percentiles the one nearest p95 speaks for its place', () => {
  const { fold, watch } = create()
  const gauges = [0.9, 0.99, 0.95].map((quantile, i) =>
    createGauge(i + 10, 'test', place, { kind: 'latency', quantile, scale: 1000, unit: 'ms' }),
  )
  for (const gauge of gauges) restoreGauge(fold, gauge)
  for (let i = 1; i <= 5; i++) {
    const closed = gauges.map((gauge) => ({
      gauge,
      window: { key: i * 60_000, atMs: i * 60_000, sum: 5, readings: 1, min: 5, max: 5 },
    }))
    judge(fold, watch, {}, { minutes: [], gauges: closed })
  }
  expect(watch.series.map(({ quantile, windows }) => [quantile, windows])).toEqual([['p95', 5]])
})
