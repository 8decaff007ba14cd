import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareHistograms } from './compare.ts'
import { findDrift } from './drift.ts'
import { histogramOf } from './histogramcodec.ts'
import { normalCdf, normalOfStudent, normalQuantile } from './normal.ts'
import { aucAgainst, createProfile, learnProfile } from './profile.ts'
import { createReference, normalScore, push, quantileOf, rankOf, SORTED } from './reference.ts'
import { createShift, feedShift, resetShift, shiftEvidence } from './shift.ts'

const seeded = { numRuns: 60, seed: 20_261_123, verbose: true }
const durations = fc.array(fc.double({ min: 1, max: 5000, noNaN: true }), { minLength: 1, maxLength: 60 })

describe('sliding reference', () => {
  it('given any numbers, answers as sorting the last ones would', () => {
    fc.assert(
      fc.property(
        fc.array(fc.float({ noNaN: true, min: -100, max: 100 }), { minLength: 1, maxLength: 80 }),
        (numbers) => {
          const reference = createReference(20)
          for (const x of numbers) push(reference, x)
          const last = numbers.slice(-20).sort((a, b) => a - b)
          expect(Array.from(reference[SORTED].subarray(0, reference.size))).toEqual(last.map(Math.fround))
          expect(quantileOf(reference, 0)).toBe(last[0])
          const x = numbers[0] ?? 0
          const below = last.filter((v) => v < x).length
          const equal = last.filter((v) => v === x).length
          expect(rankOf(reference, x)).toBe(below + equal / 2)
        },
      ),
      seeded,
    )
  })

  it('given a number far outside, scores it far beyond the largest rank', () => {
    const reference = createReference(100)
    for (let i = 0; i < 100; i++) push(reference, i)
    expect(normalScore(reference, 49.5, 0.1)).toBeCloseTo(0, 1)
    expect(normalScore(reference, 400, 0.1)).toBeGreaterThan(5)
    expect(normalScore(reference, -300, 0.1)).toBeLessThan(-5)
  })
})

describe('normal distribution', () => {
  it('has a quantile that inverts the distribution function', () => {
    for (const p of [1e-6, 0.01, 0.3, 0.5, 0.9, 0.999]) expect(normalCdf(normalQuantile(p))).toBeCloseTo(p, 6)
  })

  it('stands in for a Student distribution, its tails to 12 %', () => {
    // Upper quantiles: Abramowitz & Stegun, table 26.10.
    const quantiles = [
      [2.776, 4, 0.025],
      [7.173, 4, 0.001],
      [3.25, 9, 0.005],
      [3.646, 30, 0.0005],
    ] as const
    for (const [t, n, tail] of quantiles) {
      expect(Math.abs(normalCdf(-normalOfStudent(t, n)) / tail - 1)).toBeLessThan(0.12)
    }
    expect(normalOfStudent(-2, 9)).toBe(-normalOfStudent(2, 9))
  })
})

describe('e-detector', () => {
  it('given independent scores, raises a false alarm no more often than once per 1/alpha windows', () => {
    let state = 12
    const shift = createShift()
    let alarms = 0
    for (let i = 0; i < 100_000; i++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      feedShift(shift, normalQuantile((state + 0.5) / 2 ** 32))
      if (shiftEvidence(shift, 1) >= 300) {
        alarms++
        resetShift(shift)
      }
    }
    expect(alarms).toBeLessThanOrEqual(100_000 / 300)
  })
})

describe('comparison of two histograms', () => {
  it('given any samples, its AUC is the share of pairs of buckets in order', () => {
    fc.assert(
      fc.property(durations, durations, (a, b) => {
        const before = histogramOf(a)
        const after = histogramOf(b)
        const bucket = (x: number) => Math.ceil(Math.log2(x) * 32)
        let wins = 0
        for (const x of a) for (const y of b) wins += bucket(y) > bucket(x) ? 1 : bucket(y) === bucket(x) ? 0.5 : 0
        expect(compareHistograms(before, after).auc).toBeCloseTo(wins / (a.length * b.length), 9)
      }),
      seeded,
    )
  })

  it('given a compact profile, its AUC is near the exact one', () => {
    const fast = Array.from({ length: 400 }, (_, i) => 20 + (i % 97))
    const slow = fast.map((x) => x * 1.4)
    const profile = createProfile()
    for (let i = 0; i < 20; i++) learnProfile(profile, histogramOf(fast))
    const exact = compareHistograms(histogramOf(fast), histogramOf(slow)).auc
    expect(Math.abs(aucAgainst(profile, histogramOf(slow)) - exact)).toBeLessThan(0.02)
  })
})

describe('drift', () => {
  const wave = (i: number) => Math.sin(i * 12.9898) * 3

  it('given a step, dates it; given none or a steady slope, finds nothing', () => {
    const step = Array.from({ length: 200 }, (_, i) => (i < 120 ? 100 : 112) + wave(i))
    expect(findDrift(step).map((c) => Math.abs(c.index - 120) <= 2)).toEqual([true])
    expect(findDrift(Array.from({ length: 200 }, (_, i) => 100 + wave(i)))).toEqual([])
    expect(findDrift(Array.from({ length: 200 }, (_, i) => 100 + i + wave(i)))).toEqual([])
  })

  it('reports levels of the values themselves', () => {
    const step = Array.from({ length: 100 }, (_, i) => (i < 50 ? 100 : 150) + wave(i))
    const found = findDrift(step)[0]
    expect(found?.before).toBeCloseTo(100, -1)
    expect(found?.after).toBeCloseTo(150, -1)
  })
})
