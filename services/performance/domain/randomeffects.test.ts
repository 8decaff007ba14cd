import { describe, expect, it } from 'vitest'
import { compareHistograms } from './compare.ts'
import { bucketOf, mergeAll } from './histogram.ts'
import { histogramOf } from './histogramcodec.ts'
import { normalQuantile } from './normal.ts'
import { logOddsOfAuc } from './profile.ts'
import { compareRequests, compareWithinStrata, isSlower, type RequestComparison } from './randomeffects.ts'

/** Standard normal noise by a fixed seed. */
function noise(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return normalQuantile((state + 0.5) / 2 ** 32)
  }
}

const SPREAD = 0.5

/** Durations in ms of the requests of a minute that is `effect` slower (natural logarithm) than usual. */
function minute(random: () => number, requests: number, effect: number): number[] {
  return Array.from({ length: requests }, () => 50 * Math.exp(effect + SPREAD * random()))
}

/** How much slower a minute is whose AUC has these log odds: the log odds of a normal AUC(d) are 0.9 d, near enough. */
const effectOf = (logOdds: number): number => (SPREAD * logOdds) / 0.9

function compare(before: readonly (readonly number[])[], since: readonly (readonly number[])[]): RequestComparison {
  const comparison = compareRequests(before.map(histogramOf), since.map(histogramOf))
  if (comparison === undefined) throw new Error('nothing was compared')
  return comparison
}

/** Neighbouring minutes deviate alike: what they share is half of the variance. */
function neighbours(random: () => number, tau: number): [number, number] {
  const shared = random()
  return [shared, shared].map((s) => effectOf(tau * Math.sqrt(0.5) * (s + random()))) as [number, number]
}

function shareOf(comparisons: readonly RequestComparison[], holds: (comparison: RequestComparison) => boolean): number {
  return comparisons.filter(holds).length / comparisons.length
}

describe('a comparison of requests where nothing changed', () => {
  it('given operations of every kind and three minutes of each, finds as many as its level says', () => {
    const random = noise(5)
    const comparisons = Array.from({ length: 3000 }, () => {
      // tau^2 as among operations at large: 0.35^2, known from 4 minutes.
      const spread = [random(), random(), random(), random()].reduce((sum, x) => sum + x * x, 0)
      const tau = 0.35 * Math.sqrt(4 / spread)
      const before = [60, 100, 40].map((n) => minute(random, n, effectOf(tau * random())))
      return compare(
        before,
        neighbours(random, tau).map((effect) => minute(random, 50, effect)),
      )
    })
    expect(shareOf(comparisons, ({ pValue }) => pValue < 0.05)).toBeGreaterThan(0.03)
    expect(shareOf(comparisons, ({ pValue }) => pValue < 0.05)).toBeLessThan(0.07)
    expect(shareOf(comparisons, isSlower)).toBeLessThan(0.006)
  })

  it('given an operation whose minutes differ more than most, learns that; a test of independent requests does not', () => {
    const random = noise(6)
    const [tau, level] = [0.8, 0.003]
    let independent = 0
    const comparisons = Array.from({ length: 500 }, () => {
      const before = Array.from({ length: 20 }, () => minute(random, 80, effectOf(tau * random())))
      const since = [minute(random, 80, effectOf(tau * random()))]
      if (compareHistograms(mergeAll(before.map(histogramOf)), mergeAll(since.map(histogramOf))).z > 4) independent++
      return compare(before, since)
    })
    expect(shareOf(comparisons, isSlower)).toBeLessThan(3 * level)
    expect(shareOf(comparisons, ({ pValue }) => pValue < 0.05)).toBeGreaterThan(0.03)
    expect(independent / comparisons.length).toBeGreaterThan(0.2)
  })
})

describe('a comparison of requests after a change', () => {
  const found = (tau: number, change: number): number => {
    const random = noise(7)
    const comparisons = Array.from({ length: 200 }, () =>
      compare(
        Array.from({ length: 12 }, () => minute(random, 80, effectOf(tau * random()))),
        neighbours(random, tau).map((effect) => minute(random, 80, effect + Math.log(change))),
      ),
    )
    return shareOf(comparisons, isSlower)
  }

  it('given twice the time in an operation like most, mostly finds it, and three times the time always', () => {
    expect(found(0.35, 2)).toBeGreaterThan(0.6)
    expect(found(0.35, 3)).toBeGreaterThan(0.99)
  })

  it('given +50 % where minutes hardly differ, finds it; where they differ by as much, seldom', () => {
    expect(found(0.05, 1.5)).toBeGreaterThan(0.95)
    expect(found(0.8, 1.5)).toBeLessThan(0.2)
  })

  it('given only one minute to compare with, needs a change as large as few operations show by themselves', () => {
    const random = noise(8)
    const usual = [minute(random, 200, 0)]
    expect(isSlower(compare(usual, [minute(random, 200, Math.log(1.5))]))).toBe(false)
    expect(isSlower(compare(usual, [minute(random, 200, Math.log(8))]))).toBe(true)
  })
})

it('estimates tau as request by request', () => {
  const random = noise(10)
  const before = [25, 40, 60, 30].map((n) => minute(random, n, 0.3 * random()))
  let excess = 0
  for (const own of before) {
    const others = before.filter((other) => other !== own).flat()
    let wins = 0
    for (const a of others) for (const b of own) wins += (Math.sign(bucketOf(b) - bucketOf(a)) + 1) / 2
    const effect = logOddsOfAuc(wins / (others.length * own.length))
    excess += effect ** 2 - (4 / 3) * (1 / others.length + 1 / own.length)
  }
  const expected = (4 * 0.35 ** 2 + 3 * Math.max(0, excess / 4)) / 7
  expect(compare(before, [minute(random, 20, 0)]).tau).toBeCloseTo(Math.sqrt(expected), 9)
})

it('compares nothing with too few requests on either side', () => {
  const many = histogramOf(Array.from({ length: 20 }, () => 5))
  const few = histogramOf(Array.from({ length: 19 }, () => 5))
  expect(compareRequests([few, few], [many])).toBeUndefined()
  expect(compareRequests([many], [few])).toBeUndefined()
  expect(compareRequests([], [many])).toBeUndefined()
  expect(compareRequests([few, many], [few, few])).toMatchObject({ auc: 0.5, tau: 0.35 })
})

describe('a comparison within strata', () => {
  const TAU = 0.5

  /** Minutes of two kinds of requests, the second four times slower; what a minute deviates by, both share. */
  function strata(random: () => number, [quick, slow]: readonly [number, number], effect: number) {
    const requests = (n: number, more: number) => histogramOf(minute(random, n, effect + more))
    return new Map([
      ['quick', requests(quick, 0)],
      ['slow', requests(slow, Math.log(4))],
    ])
  }

  const comparisonsOf = (random: () => number, since: readonly [number, number], slower: number) =>
    Array.from({ length: 1000 }, () => {
      const before = Array.from({ length: 40 }, () => strata(random, [45, 15], effectOf(TAU * random())))
      const now = neighbours(random, TAU).map((effect) => strata(random, since, effect + slower))
      const comparison = compareWithinStrata(before, now)
      if (comparison === undefined) throw new Error('nothing was compared')
      return comparison
    })

  it('given another mix, finds as many as its level says: the strata of a minute are no two minutes', () => {
    const comparisons = comparisonsOf(noise(21), [15, 45], 0)
    expect(shareOf(comparisons, ({ pValue }) => pValue < 0.05)).toBeGreaterThan(0.025)
    expect(shareOf(comparisons, ({ pValue }) => pValue < 0.05)).toBeLessThan(0.075)
    expect(shareOf(comparisons, isSlower)).toBeLessThan(0.01)
  })

  it('given another mix and slower requests, finds them', () => {
    expect(shareOf(comparisonsOf(noise(22), [15, 45], effectOf(2.5)), isSlower)).toBeGreaterThan(0.8)
  })

  it('given one stratum, is the comparison of requests', () => {
    const random = noise(23)
    const before = Array.from({ length: 5 }, () => histogramOf(minute(random, 40, 0)))
    const now = [histogramOf(minute(random, 40, 0.3))]
    const alike = (requests: (typeof now)[number]) => new Map([['', requests]])
    expect(compareWithinStrata(before.map(alike), now.map(alike))).toEqual(compareRequests(before, now))
  })
})
