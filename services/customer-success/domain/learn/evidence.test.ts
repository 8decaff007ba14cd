import { expect, test } from 'vitest'
import { bootstrap, estimate, evidenceOf, type Trial } from './evidence.ts'
import { createRandom } from './random.ts'

/** A score that knows `signal` of the truth, a rule that knows nothing; `rows` rows an entity. */
function trial(entities: number, rows: number, signal: number, seed: number): Trial {
  const random = createRandom(seed)
  const n = entities * rows
  const churned = new Uint8Array(n)
  const entity = Array.from({ length: n }, (_, i) => `e${i % entities}`)
  for (let i = 0; i < n; i++) churned[i] = i < entities ? (random() < 0.3 ? 1 : 0) : (churned[i - entities] ?? 0)
  const noise = Float64Array.from({ length: entities }, random)
  const probabilities = Float64Array.from(churned, (y, i) => (signal * y + (noise[i % entities] ?? 0)) / (1 + signal))
  return { probabilities, rule: Float64Array.from(churned, random), churned, entity }
}

test('a score that ranks beyond chance and the rule is shown', () => {
  const evidence = evidenceOf(trial(500, 1, 0.5, 1))
  expect(evidence).toMatchObject({ verdict: 'shown', reasons: [] })
  expect(evidence.auc.low).toBeLessThan(evidence.auc.value)
  expect(evidence.gain.value).toBeCloseTo(evidence.auc.value - evidence.ruleAuc.value, 12)
})

test('chance is insufficient evidence, whatever the seed', () => {
  // An interval of 95 % misses one time in forty on this side: of ten, at most one.
  const shown = Array.from({ length: 10 }, (_, k) => evidenceOf(trial(300, 1, 0, k), k).verdict).filter(
    (v) => v === 'shown',
  )
  expect(shown.length).toBeLessThanOrEqual(1)
})

test('no better than the rule, or fewer than 50 churners, is insufficient evidence', () => {
  const good = trial(500, 1, 0.5, 1)
  expect(evidenceOf({ ...good, rule: good.probabilities }).reasons).toEqual([
    'it beats the simple rule by no more than noise',
  ])
  expect(evidenceOf(trial(100, 1, 2, 1)).reasons).toEqual([expect.stringMatching(/fewer than 50/)])
})

test('rows that repeat an entity do not narrow the interval', () => {
  const width = (rows: number): number => {
    const { auc } = evidenceOf(trial(300, rows, 0.3, 4))
    return auc.high - auc.low
  }
  expect(width(8) / width(1)).toBeCloseTo(1, 6)
})

test('draws entities with replacement, and repeats with its seed', () => {
  const counts = (weight: Float64Array): number[] => Array.from(weight)
  const draws = bootstrap(['a', 'b', 'a', 'c'], 200, 1, counts)
  for (const [a1 = 0, b = 0, a2 = 0, c = 0] of draws) {
    expect(a1).toBe(a2)
    expect(a1 + b + c).toBe(3)
  }
  expect(bootstrap(['a', 'b', 'a', 'c'], 200, 1, counts)).toEqual(draws)
  expect(estimate(1, [3, 1, Number.NaN, 2])).toEqual({ value: 1, low: 1, high: 3 })
})
