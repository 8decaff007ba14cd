import { describe, expect, test } from 'vitest'
import { driftOf, fateOf, HOUR_MS, type Hour } from './regimes.ts'

const START = Date.UTC(2026, 0, 5)

/** Hours of `days` days with a daily course of 20 % and some noise; `level` by hour. */
function hours(days: number, level: (hour: number) => number): Hour[] {
  return Array.from({ length: 24 * days }, (_, i) => ({
    startMs: START + i * HOUR_MS,
    value: level(i) * (1 + 0.2 * Math.sin((2 * Math.PI * i) / 24)) * (1 + 0.03 * Math.sin(i * 12.9898)),
  }))
}

describe('a month of hours', () => {
  test('with a new level dates it, though the day moves it by more', () => {
    const drift = driftOf(
      'latency',
      hours(14, (hour) => (hour < 300 ? 100 : 115)),
    )
    expect(Math.abs((drift?.onsetMs ?? 0) - START - 300 * HOUR_MS)).toBeLessThanOrEqual(3 * HOUR_MS)
    expect((drift?.after ?? 0) / (drift?.before ?? 1)).toBeGreaterThan(1.1)
    expect(drift?.eValue).toBeGreaterThan(1_000)
  })

  test('with a slope that begins late dates its beginning', () => {
    const drift = driftOf(
      'latency',
      hours(14, (hour) => 100 + Math.max(0, hour - 280) * 1.5),
    )
    expect(Math.abs((drift?.onsetMs ?? 0) - START - 280 * HOUR_MS)).toBeLessThanOrEqual(12 * HOUR_MS)
  })

  test.each([
    ['nothing but its daily course', () => 100],
    ['a level that fell', (hour: number) => (hour < 300 ? 100 : 80)],
    ['a level that rose two weeks ago', (hour: number) => (hour < 100 ? 100 : 130)],
    ['a change too small to matter', (hour: number) => (hour < 300 ? 100 : 105)],
  ])('with %s tells nothing', (_, level) => {
    expect(driftOf('latency', hours(20, level))).toBeUndefined()
  })

  test('that are too few tells nothing', () => {
    expect(
      driftOf(
        'latency',
        hours(2, (hour) => (hour < 24 ? 100 : 200)),
      ),
    ).toBeUndefined()
  })
})

describe('a drift that was told', () => {
  const told = { onsetMs: START, before: 100, after: 150 }
  test.each([
    ['is open while it lasts', 3, 150, 'open'],
    ['is resolved when the level is back', 3, 105, 'resolved'],
    ['is the new normal after a week', 9, 150, 'accepted'],
  ] as const)('%s', (_, days, level, fate) => {
    expect(
      fateOf(
        told,
        hours(days, () => level),
      ),
    ).toBe(fate)
  })
})
