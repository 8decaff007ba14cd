import { expect, test } from 'vitest'
import { bgNbdLogLikelihood, chanceAlive, chanceSilent, fitBgNbd, logGamma, type Purchases } from './bgnbd.ts'
import { createRandom } from './random.ts'

test('log gamma of known values', () => {
  expect(logGamma(1)).toBeCloseTo(0, 12)
  expect(logGamma(0.5)).toBeCloseTo(Math.log(Math.PI) / 2, 12)
  expect(logGamma(11)).toBeCloseTo(Math.log(3_628_800), 11)
  expect(logGamma(0.1)).toBeCloseTo(2.252712651734206, 12)
})

/** Customers over 50 weeks: rates exponential with mean .2 (gamma 1, 5), chances of leaving uniform (beta 1, 1). */
function simulate(customers: number, seed: number): Purchases & { readonly alive: Uint8Array } {
  const random = createRandom(seed)
  const age = new Float64Array(customers).fill(50)
  const frequency = new Float64Array(customers)
  const recency = new Float64Array(customers)
  const alive = new Uint8Array(customers).fill(1)
  const exponential = (mean: number): number => -mean * Math.log(1 - random())
  for (let i = 0; i < customers; i++) {
    const gap = 1 / exponential(0.2)
    const leaves = random()
    for (let at = exponential(gap); at < 50 && alive[i] === 1; at += exponential(gap)) {
      frequency[i] = (frequency[i] ?? 0) + 1
      recency[i] = at
      if (random() < leaves) alive[i] = 0
    }
  }
  return { frequency, recency, age, alive }
}

test('a fit finds who is alive, on the average, and how often they buy', () => {
  const bought = simulate(2000, 5)
  const model = fitBgNbd(bought)
  const expected = bought.frequency.reduce((sum, x, i) => sum + chanceAlive(model, x, bought.recency[i] ?? 0, 50), 0)
  const seen = bought.alive.reduce((sum, x) => sum + x, 0)
  expect(Math.abs(expected - seen) / 2000).toBeLessThan(0.03)
  expect(model.r / model.alpha).toBeCloseTo(0.2, 1)
})

test('no parameters nearby are likelier than the fit', () => {
  const bought = simulate(500, 9)
  const { logLikelihood, ...model } = fitBgNbd(bought)
  for (const name of ['r', 'alpha', 'a', 'b'] as const)
    for (const factor of [0.98, 1.02])
      expect(bgNbdLogLikelihood(bought, { ...model, [name]: model[name] * factor })).toBeLessThan(logLikelihood + 1e-4)
})

test('silence is likelier the longer ago the last purchase is, and the shorter it has to last', () => {
  const model = { r: 0.2426, alpha: 4.4135, a: 0.7929, b: 2.4258 }
  expect(chanceAlive(model, 0, 0, 38)).toBe(1)
  const chances = [30, 20, 10].map((recency) => chanceSilent(model, 3, recency, 38, 39))
  expect(chances).toEqual(chances.toSorted((a, b) => a - b))
  const horizons = [0, 10, 39].map((horizon) => chanceSilent(model, 3, 30, 38, horizon))
  expect(horizons[0]).toBe(1)
  expect(horizons).toEqual(horizons.toSorted((a, b) => b - a))
})
