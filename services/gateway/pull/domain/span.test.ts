import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { halves, nextSpan, type Span, stepFor, typicalSpacing } from './span.ts'

const hour = 3_600_000
const times = ({ fromMs, untilMs, stepMs }: Span) =>
  Array.from({ length: (untilMs - fromMs) / stepMs }, (_, i) => fromMs + (i + 1) * stepMs)

describe('stretches', () => {
  test('at first contact history is read, oldest first, in stretches of two hours', () => {
    const settled = 100 * hour + 7_000
    expect(nextSpan(undefined, settled, 15_000, 24 * hour, 1_000)).toEqual({
      fromMs: 76 * hour,
      untilMs: 78 * hour,
      stepMs: 15_000,
    })
  })

  test('nothing is read before a whole step has settled', () => {
    expect(nextSpan(60_000, 74_999, 15_000, hour, 9)).toBeUndefined()
    expect(nextSpan(60_000, 75_000, 15_000, hour, 9)).toEqual({ fromMs: 60_000, untilMs: 75_000, stepMs: 15_000 })
  })

  test('whatever the clock and the step do, every sample time is read once and in order', () => {
    const passes = fc.array(
      fc.record({
        afterMs: fc.integer({ min: 0, max: 5 * hour }),
        stepMs: fc.constantFrom(5_000, 15_000, 60_000),
        most: fc.integer({ min: 1, max: 20_000 }),
      }),
      { maxLength: 40 },
    )
    fc.assert(
      fc.property(passes, (all) => {
        let now = 1_000 * hour
        let until: number | undefined
        for (const { afterMs, stepMs, most } of all) {
          now += afterMs
          const next = () => nextSpan(until, now, stepMs, hour, most)
          for (let span = next(); span !== undefined; span = next()) {
            const read = times(span)
            expect(read[0]).toBeGreaterThan(until ?? 0)
            expect((read[0] ?? 0) - (until ?? read[0] ?? 0)).toBeLessThanOrEqual(stepMs)
            expect(read.length).toBeLessThanOrEqual(Math.min(most, 11_000))
            until = span.untilMs
          }
          expect(now - (until ?? now)).toBeLessThan(60_000)
        }
      }),
    )
  })

  test('halves hold the same sample times, and a single step cannot be halved', () => {
    const span = { fromMs: 0, untilMs: 105_000, stepMs: 15_000 }
    expect(halves(span)?.flatMap(times)).toEqual(times(span))
    expect(halves({ fromMs: 0, untilMs: 15_000, stepMs: 15_000 })).toBeUndefined()
  })
})

describe('the step', () => {
  test.each([
    [14.2, 15],
    [15, 15],
    [1.01, 1],
    [27, 30],
    [70, 60],
    [900, 300],
  ])('an interval of %d s is read every %d s', (interval, step) => {
    expect(stepFor(interval)).toBe(step)
  })

  test('is measured as the median over all series', () => {
    expect(typicalSpacing([[0, 15, 30, 95], [3, 18], []])).toBe(15)
    expect(typicalSpacing([[1], []])).toBeUndefined()
  })
})
