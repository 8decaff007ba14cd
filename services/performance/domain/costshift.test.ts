import { describe, expect, it } from 'vitest'
import { costShift, describeCostShift } from './costshift.ts'
import { histogramOf } from './histogramcodec.ts'
import { normalQuantile } from './normal.ts'
import type { Strata } from './strata.ts'

/** Standard normal noise by a fixed seed. */
function noise(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return normalQuantile((state + 0.5) / 2 ** 32)
  }
}

const random = noise(11)
const GATE = { minimumRelative: 0.1, minimumAbsolute: 0.5 }

/** A minute of requests by kind: how many of each, and around how many ms. */
type Kinds = Readonly<Record<string, readonly [requests: number, ms: number]>>

function minute(kinds: Kinds): Strata {
  const load = 0.01 * random()
  return new Map(
    Object.entries(kinds).map(([kind, [requests, ms]]) => [
      kind,
      histogramOf(Array.from({ length: requests }, () => ms * Math.exp(load + 0.15 * random()))),
    ]),
  )
}

const minutes = (count: number, kinds: Kinds): Strata[] => Array.from({ length: count }, () => minute(kinds))

describe('the cost of an endpoint whose latency rose', () => {
  const before = minutes(60, { small: [90, 10], large: [10, 200] })

  it('given only more large requests, is the mix', () => {
    const shift = costShift(before, minutes(5, { small: [40, 10], large: [60, 200] }), GATE)
    expect(shift).toMatchObject({ cause: 'mix' })
    expect(shift?.mixShare).toBeGreaterThan(0.9)
    expect(shift?.reweightedMs).toBeGreaterThan(100)
  })

  it('given slower requests of every kind, is the endpoint itself', () => {
    const shift = costShift(before, minutes(5, { small: [90, 15], large: [10, 300] }), GATE)
    expect(shift).toMatchObject({ cause: 'endpoint' })
    expect(shift?.mixShare).toBeLessThan(0.1)
  })

  it('given more large requests and slower ones of every kind, is the endpoint though most of it is the mix', () => {
    const shift = costShift(before, minutes(5, { small: [40, 13], large: [60, 260] }), GATE)
    expect(shift).toMatchObject({ cause: 'endpoint' })
    expect(shift?.mixShare).toBeGreaterThan(0.5)
  })

  it('given slower requests of the same kind by less than matters, is the mix all the same', () => {
    const shift = costShift(before, minutes(60, { small: [40, 10.5], large: [60, 210] }), GATE)
    expect(shift?.within.pValue).toBeLessThan(0.003)
    expect(shift).toMatchObject({ cause: 'mix' })
  })

  it('given fewer of the quick ones, tells the median, which moved', () => {
    const quick = minutes(60, { cached: [70, 5], full: [30, 100] })
    const shift = costShift(quick, minutes(5, { cached: [30, 5], full: [70, 100] }), GATE)
    expect(shift).toMatchObject({ cause: 'mix', quantile: 'p50' })
  })

  it('given requests of a kind that was not there before, is the mix', () => {
    const shift = costShift(before, minutes(5, { small: [90, 10], large: [10, 200], huge: [50, 2000] }), GATE)
    expect(shift).toMatchObject({ cause: 'mix' })
  })

  it('given one kind of requests, or none that was there before, says nothing', () => {
    const plain = minutes(20, { '': [50, 100] })
    expect(costShift(plain, minutes(5, { '': [50, 200] }), GATE)).toBeUndefined()
    expect(costShift(before, minutes(5, { '': [100, 200] }), GATE)).toBeUndefined()
  })
})

describe('what is told of it', () => {
  const before = minutes(60, { small: [90, 10], large: [10, 200] })
  const told = (since: Kinds): string => {
    const shift = costShift(before, minutes(5, since), GATE)
    return shift === undefined ? '' : describeCostShift(shift)
  }

  it('names the share of the mix and the level that the mix alone would have', () => {
    expect(told({ small: [40, 10], large: [60, 200] })).toMatch(
      /^the mix of requests explains (9\d|100) % \(with the mix since, p50 was 1\d\d ms before\); requests of the same kind vary by as much/,
    )
    expect(told({ small: [90, 15], large: [10, 300] })).toMatch(
      /^the mix of requests explains \d % .*requests of the same kind are slower by more than they vary/,
    )
  })
})
