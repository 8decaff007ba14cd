import { expect, test } from 'vitest'
import { sigmoid } from './logistic.ts'
import { auc, calibrationError, rankingOf } from './metrics.ts'
import { probabilities, score, trainChurnModel } from './model.ts'
import { promote } from './promote.ts'
import { createRandom } from './random.ts'
import { type Example, featuresAt, type Rows, rowsOf } from './rows.ts'

/** Churn by a bent effect, an interaction and a missing value that means something; the last feature is noise. */
function draw(entities: number, seed: number, strength = 1): Rows {
  const random = createRandom(seed)
  const examples = Array.from({ length: entities }, (_, i): Example => {
    const [bent, left, right, noise] = [random() * 4, random() * 2 - 1, random() * 2 - 1, random()]
    const isMissing = random() < 0.2
    const logOdds =
      strength * (2 * Math.min(bent, 1) - 3 + 2 * left * right * (left > 0 ? 1 : 0) + (isMissing ? 1.5 : 0))
    return {
      entity: `e${i % (entities / 2)}`,
      day: i < entities / 2 ? 0 : 28,
      features: Float64Array.of(bent, left, isMissing ? Number.NaN : right, noise),
      churned: random() < sigmoid(logOdds),
    }
  })
  return rowsOf(['bent', 'left', 'right', 'noise'], examples)
}

const OPTIONS = { mostRounds: 60, folds: 3 }
const train = draw(2000, 1)
const unseen = draw(1200, 2)
const model = trainChurnModel(train, OPTIONS)

test('ranks and calibrates on rows it has not seen', () => {
  const p = probabilities(model, unseen)
  expect(auc(rankingOf(p, unseen.churned))).toBeGreaterThan(0.68)
  expect(calibrationError(p, unseen.churned)).toBeLessThan(0.03)
})

test('drivers and base add up to the log odds of the probability', () => {
  for (let i = 0; i < 200; i++) {
    const { probability, base, drivers } = score(model, featuresAt(unseen, i))
    const sum = drivers.reduce((total, { logOdds }) => total + logOdds, base)
    expect(Math.abs(sum - Math.log(probability / (1 - probability)))).toBeLessThan(1e-9)
  }
})

test('the same rows and seed give the same model, and JSON keeps it', () => {
  expect(trainChurnModel(train, OPTIONS)).toEqual(model)
  const kept = JSON.parse(JSON.stringify(model)) as typeof model
  expect(probabilities(kept, unseen)).toEqual(probabilities(model, unseen))
})

test('refuses rows without churners', () => {
  expect(() => trainChurnModel({ ...train, churned: new Uint8Array(train.churned.length) })).toThrow(RangeError)
})

test('a newcomer is promoted only when it is better by more than noise', () => {
  const poor = trainChurnModel(
    { ...train, columns: train.columns.map((c, j) => (j === 3 ? c : new Float64Array(c.length))) },
    OPTIONS,
  )
  expect(promote(undefined, model, unseen).isPromoted).toBe(true)
  expect(promote(poor, model, unseen)).toMatchObject({ isPromoted: true })
  expect(promote(model, model, unseen).reasons).toEqual([
    'its AUC is better by no more than noise',
    'its Brier score is better by no more than noise',
  ])
  expect(promote(undefined, poor, unseen)).toMatchObject({ isPromoted: false, aucGain: undefined })
  expect(promote(undefined, trainChurnModel(draw(100, 3), OPTIONS), unseen).reasons[0]).toMatch(/fewer than 50/)
})
