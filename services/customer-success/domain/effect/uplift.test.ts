import { describe, expect, test } from 'vitest'
import { createRandom } from '../learn/random.ts'
import { fitUplift, isSleepingDog, qiniOf, type UpliftData, upliftOf } from './uplift.ts'

/** Randomised as the service does it: one in five is held out. The first of ten features decides what acting adds. */
function simulated(n: number, addedBy: (x: number) => number, seed: number): UpliftData & { truth: Float64Array } {
  const random = createRandom(seed)
  const columns = Array.from({ length: 10 }, () => Float64Array.from({ length: n }, () => random()))
  const truth = Float64Array.from(columns[0] ?? [], addedBy)
  const treated = Uint8Array.from(truth, () => (random() < 0.7 ? 1 : 0))
  // The second feature moves the level, whatever is done.
  const reached = Uint8Array.from(truth, (added, i) =>
    random() < 0.35 + 0.3 * (columns[1]?.[i] ?? 0) + (treated[i] === 1 ? added : 0) ? 1 : 0,
  )
  return {
    ...{ columns, treated, reached, truth },
    accountIds: Array.from(truth, (_, i) => `account-${i}`),
    names: columns.map((_, j) => `feature-${j}`),
  }
}

/** A quarter is driven away, half is helped, the rest does not mind. */
const mixed = (x: number): number => (x < 0.25 ? -0.3 : x > 0.5 ? 0.3 : 0)

describe('given accounts that differ in what acting adds', () => {
  const data = simulated(2_500, mixed, 11)
  const { model, curve } = fitUplift(data)
  const uplifts = data.accountIds.map((_, i) =>
    upliftOf(
      model,
      data.columns.map((column) => column[i] ?? 0),
    ),
  )

  test('the predicted uplift is near the true one', () => {
    const meanWhere = (truth: number): number => {
      const some = uplifts.filter((_, i) => data.truth[i] === truth)
      return some.reduce((sum, { value }) => sum + value, 0) / some.length
    }
    expect(meanWhere(-0.3)).toBeLessThan(-0.15)
    expect(Math.abs(meanWhere(0))).toBeLessThan(0.1)
    expect(meanWhere(0.3)).toBeGreaterThan(0.15)
  })

  test('treating those with the largest first gains more than treating all', () => {
    expect(curve.coefficient.low).toBeGreaterThan(0)
    const gainAt = (share: number) => curve.points.find((point) => point.share === share)?.gain
    // All: half of 0.3 less a quarter of 0.3. The better three quarters: half of 0.3.
    expect(gainAt(1)?.value).toBeCloseTo(0.075, 1)
    expect(gainAt(1)?.low).toBeLessThan(0.075)
    expect(gainAt(1)?.high).toBeGreaterThan(0.075)
    expect(gainAt(0.75)?.value).toBeGreaterThan((gainAt(1)?.value ?? 0) + 0.03)
  })

  test('sleeping dogs are accounts that acting drives away, and nobody whom it helps', () => {
    const dogs = uplifts.flatMap((uplift, i) => (isSleepingDog(uplift, curve) ? [data.truth[i] ?? 0] : []))
    const all = data.truth.filter((truth) => truth < 0).length
    expect(dogs.length).toBeGreaterThan(all / 3)
    expect(dogs.filter((truth) => truth < 0).length / dogs.length).toBeGreaterThan(0.9)
    expect(dogs.filter((truth) => truth > 0)).toEqual([])
  })
})

test('given accounts that are all helped alike, nobody is said to do worse when treated', { timeout: 20_000 }, () => {
  const data = simulated(1_000, () => 0.1, 101)
  const { model, curve } = fitUplift(data)
  const told = data.accountIds.map((_, i) =>
    upliftOf(
      model,
      data.columns.map((column) => column[i] ?? 0),
    ),
  )
  expect(curve.coefficient.low).toBeLessThan(0)
  expect(told.filter((uplift) => isSleepingDog(uplift, curve))).toEqual([])
  // By a model that does not tell accounts apart, not even who seems to.
  expect(isSleepingDog({ value: -0.2, low: -0.3, high: -0.1 }, curve)).toBe(false)
})

test('a Qini curve in the order of a known uplift is what the arms differ by, share by share', () => {
  // Of 40 accounts the 20 of larger uplift all reach the goal when treated and never else; the others always do.
  const accountIds = Array.from({ length: 40 }, (_, i) => `a${i}`)
  const treated = Uint8Array.from(accountIds, (_, i) => i % 2)
  const reached = Uint8Array.from(accountIds, (_, i) => (i < 20 ? i % 2 : 1))
  const { points, coefficient } = qiniOf(
    Float64Array.from(accountIds, (_, i) => -i),
    { accountIds, treated, reached },
  )
  const gains = points.map(({ gain }) => gain.value)
  expect(gains[9]).toBeCloseTo(0.5, 12)
  expect(gains[4]).toBeCloseTo(0.25, 12)
  expect(gains.at(-1)).toBeCloseTo(0.5, 12)
  expect(coefficient.value).toBeCloseTo(gains.reduce((sum, gain, i) => sum + gain - (0.5 * (i + 1)) / 20, 0) / 20, 12)
})
