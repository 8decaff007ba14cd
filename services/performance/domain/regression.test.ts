import { describe, expect, test } from 'vitest'
import { encodeHistogram, histogramOf } from './histogramcodec.ts'
import { confirm, costOf, stateOf } from './regression.ts'

describe('e-BH', () => {
  const of = (...eValues: number[]) => eValues.map((eValue, i) => ({ episodeId: `e${i}`, eValue }))

  test('asks N / rate of a lone alarm', () => {
    expect(confirm('e0', of(1_999), 100, 0.05).confirmed).toBe(false)
    expect(confirm('e0', of(2_000), 100, 0.05)).toEqual({ confirmed: true, budget: 1 })
  })
  test('asks less of each of several', () => {
    expect(confirm('e1', of(1_000, 1_000), 100, 0.05).confirmed).toBe(true)
    expect(confirm('e1', of(1_000, 999), 100, 0.05).confirmed).toBe(false)
  })
  test('takes the largest k that holds, not the first that fails', () => {
    const open = of(1_500, 1_400, 700)
    expect(open.map(({ episodeId }) => confirm(episodeId, open, 100, 0.05).confirmed)).toEqual([true, true, true])
  })
  test('states the share of the budget that was used', () => {
    expect(confirm('e0', of(20_000), 100, 0.05).budget).toBeCloseTo(0.1)
  })
})

describe('the state of a regression', () => {
  test('is open while any episode is', () => {
    expect(stateOf(['resolved', 'confirmed'], true)).toBe('confirmed')
    expect(stateOf(['suspected'], false)).toBe('suspected')
  })
  test('is accepted when one was and none is open', () => {
    expect(stateOf(['resolved', 'accepted'], true)).toBe('accepted')
    expect(stateOf(['resolved'], true)).toBe('resolved')
  })
})

describe('the cost', () => {
  const change = { metric: 'latency', beforeValue: 100, afterValue: 300, beforeHistogram: null, afterHistogram: null }
  test('is extra milliseconds times requests per second', () => {
    expect(costOf({ ...change, rate: 5 })).toBe(1_000)
  })
  test('is counted from means where there are histograms', () => {
    const beforeHistogram = encodeHistogram(histogramOf([10, 10, 10, 10]))
    const afterHistogram = encodeHistogram(histogramOf([10, 10, 10, 50]))
    expect(costOf({ ...change, beforeHistogram, afterHistogram, rate: 2 })).toBeCloseTo(20)
  })
  test('is unknown without a rate, and of other metrics', () => {
    expect(costOf({ ...change, rate: null })).toBeNull()
    expect(costOf({ ...change, metric: 'throughput', rate: 5 })).toBeNull()
  })
})
