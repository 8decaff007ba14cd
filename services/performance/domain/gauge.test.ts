import { describe, expect, test } from 'vitest'
import { addReading, createGauge, type Gauge, gaugeComplete, noteInterval } from './gauge.ts'

const place = { service: 'cart', environment: '', endpoint: '*', method: '', instrument: 'latency' }
const create = (slots: number): Gauge => {
  const gauge = createGauge(1, 'test', place, { kind: 'latency', quantile: 0.95, scale: 1, unit: 'ms' })
  for (let slot = 0; slot < slots; slot++) gauge.slots.push(slot)
  return gauge
}
const MINUTE = 60_000

function read(gauge: Gauge, lastTime: Float64Array, slot: number, timeMs: number, value: number): void {
  const last = lastTime[slot] ?? 0
  if (last > 0) noteInterval(gauge, timeMs - last)
  lastTime[slot] = timeMs
  gauge.latestMs = Math.max(gauge.latestMs, timeMs)
  addReading(gauge, timeMs, value)
}

describe('a gauge', () => {
  test('read every 15 s is folded to minutes', () => {
    const gauge = create(1)
    const lastTime = new Float64Array(1)
    for (let i = 1; i <= 5; i++) read(gauge, lastTime, 0, i * 15_000, i)
    expect(gauge.open.map(({ atMs, readings, sum }) => ({ atMs, mean: sum / readings }))).toEqual([
      { atMs: MINUTE, mean: 2.5 },
      { atMs: 2 * MINUTE, mean: 5 },
    ])
    expect(gauge.open.map((window) => gaugeComplete(gauge, window, lastTime, 10_000))).toEqual([true, false])
  })

  test('read every five minutes keeps each reading, complete at once', () => {
    const gauge = create(1)
    const lastTime = new Float64Array(1)
    for (let i = 1; i <= 3; i++) read(gauge, lastTime, 0, i * 5 * MINUTE + 7, i)
    expect(gauge.open.slice(1).map(({ atMs }) => atMs)).toEqual([10 * MINUTE + 7, 15 * MINUTE + 7])
    const newest = gauge.open[2]
    expect(newest && gaugeComplete(gauge, newest, lastTime, 10_000)).toBe(true)
  })

  test('of two replicas read once a minute waits for both', () => {
    const gauge = create(2)
    const lastTime = new Float64Array(2)
    for (let i = 1; i <= 3; i++) {
      read(gauge, lastTime, 0, i * MINUTE, 10)
      if (i < 3) read(gauge, lastTime, 1, i * MINUTE, 20)
    }
    const [, second, third] = gauge.open
    expect(second && gaugeComplete(gauge, second, lastTime, 10_000)).toBe(true)
    expect(third && gaugeComplete(gauge, third, lastTime, 10_000)).toBe(false)
  })
})
