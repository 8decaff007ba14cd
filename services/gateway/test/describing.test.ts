import { defaultLaneCount } from '@plimsoll/contracts/lane.ts'
import { descriptionOf, METRIC_TYPE, metricBatchView, SERIES_KIND } from '@plimsoll/contracts/metric-batch.ts'
import type { Clock } from '@plimsoll/kit/clock.ts'
import type { EventLog } from '@plimsoll/kit/log/log.ts'
import { createMemoryLog } from '@plimsoll/kit/log/memory.ts'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createMetricColumns, pushValue } from '../batch/metriccolumns.ts'
import { fillMetricBatches, openMetricBatch } from '../batch/metricintake.ts'
import { createSeriesRegistry } from '../batch/registry.ts'
import { encodeSnappy } from '../decode/snappy.ts'
import { encodeRemoteWrite1 } from '../sender/remotewrite.ts'
import { allMessages, type TestGateway, testGateway } from './harness.ts'

let nowMs = 1_760_000_000_000
const clock: Clock = { now: () => nowMs }
let log: EventLog
let gateway: TestGateway

beforeEach(async () => {
  log = createMemoryLog(clock)
  gateway = await testGateway({ log, clock })
})
afterEach(() => gateway.close())

function send(...names: string[]): Promise<unknown> {
  nowMs += 1_000
  const samples = [{ timeMs: nowMs, value: 1 }]
  const series = names.map((name) => ({ labels: [['__name__', name] as const, ['job', 'shop'] as const], samples }))
  return gateway.app.inject({
    method: 'POST',
    url: '/api/v1/write',
    headers: { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' },
    payload: Buffer.from(encodeSnappy(encodeRemoteWrite1(series))),
  })
}

/** By message: whether each of its series is described. */
async function described(): Promise<boolean[][]> {
  const views = (await allMessages(log, METRIC_TYPE)).map((bytes) => metricBatchView(bytes))
  return views.map((view) => Array.from({ length: view.seriesRows }, (_, row) => descriptionOf(view, row) >= 0))
}

test('a series is described when it is first sent, and not again in the next batch', async () => {
  await send('up')
  await send('up', 'down')
  expect(await described()).toEqual([[true], [false, true]])
})

test('it is described again after five minutes', async () => {
  await send('up')
  nowMs += 5 * 60_000
  await send('up')
  expect(await described()).toEqual([[true], [true]])
})

test('it is described again in every sixteenth batch', async () => {
  for (let i = 0; i < 33; i++) await send('up')
  const told = (await described()).flatMap(([first], i) => (first ? [i] : []))
  expect(told).toEqual([0, 16, 32])
})

test('it is described in every batch until the log has acknowledged one of them', () => {
  const registry = createSeriesRegistry('local', 10, defaultLaneCount)
  const labels = ['__name__', 'up'].map((text) => registry.texts.internString(text))
  const series = registry.define({ labels, labelCount: 1, kind: () => SERIES_KIND.gauge, unit: 0 }) as number
  const columns = createMetricColumns()
  pushValue(columns, series, nowMs, 0, 1)
  const encode = () => {
    const batch = openMetricBatch(registry, clock.now)
    fillMetricBatches(registry, columns, () => batch)
    const view = metricBatchView(batch.encode())
    return { stored: batch.stored, described: descriptionOf(view, 0) >= 0 }
  }
  const first = encode()
  const second = encode()
  first.stored()
  expect([first.described, second.described, encode().described]).toEqual([true, true, false])
})
