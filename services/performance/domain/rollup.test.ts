import { expect, test } from 'vitest'
import { decodeHistogram, encodeHistogram, histogramOf } from './histogramcodec.ts'
import { rollUpAll, type StoredWindow } from './rollup.ts'

const MINUTE = 60_000
const window = (minute: number, took: number[]): StoredWindow => ({
  startMs: minute * MINUTE,
  requests: took.length,
  rate: took.length / 60,
  sum: took.reduce((sum, ms) => sum + ms, 0),
  min: Math.min(...took),
  max: Math.max(...took),
  histogram: encodeHistogram(histogramOf(took)),
})

test('ten minutes add up, and silent ones count for the rate', () => {
  const [first, second, ...rest] = rollUpAll([window(19, [7]), window(0, [10, 30]), window(9, [50])], 10 * MINUTE)
  expect(rest).toEqual([])
  expect(first).toMatchObject({ startMs: 0, requests: 3, rate: 3 / 600, sum: 90, min: 10, max: 50 })
  expect(first?.histogram && decodeHistogram(first.histogram).count).toBe(3)
  expect(second).toMatchObject({ startMs: 10 * MINUTE, requests: 1 })
})

test('windows of a counter alone have no histogram', () => {
  const counted = { startMs: 0, requests: 5, rate: 1, sum: 0, min: null, max: null, histogram: null }
  expect(rollUpAll([counted], 10 * MINUTE)).toEqual([{ ...counted, rate: 0.1 }])
})
