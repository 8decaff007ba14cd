import { expect, test } from 'vitest'
import { LEAD_DAYS, WINDOW_DAYS } from '../health/backtest.ts'
import { type ChurnModel, score } from './model.ts'
import { fitNight, inOrder, labelledRows, type Observation, slicesOf } from './night.ts'
import { createRandom } from './random.ts'

const OPTIONS = { mostRounds: 40, folds: 3 }
const TODAY = 210

/** A year of weeks. Who leaves has had severe tickets for five weeks before; others have some as well. */
function book(accounts: number, { isTelling = true, seed = 1 } = {}): Observation[] {
  const random = createRandom(seed)
  return Array.from({ length: accounts }, (_, i) => {
    const cancelledDay = random() < 0.6 ? Math.floor(40 + random() * 180) : undefined
    return Array.from({ length: 28 }, (_, week): Observation[] => {
      const day = 7 * (week + 1)
      if (cancelledDay !== undefined && cancelledDay <= day) return []
      const isNear = isTelling && cancelledDay !== undefined && cancelledDay - day < 35
      const features = { severe56: random() < (isNear ? 0.7 : 0.1) ? 1 : 0, usersTrend14: random() - 0.5 }
      return [{ accountId: `a${i}`, day, features, cancelledDay }]
    }).flat()
  }).flat()
}

const observed = book(400)
const rows = labelledRows(observed, TODAY)
const night = fitNight(rows, undefined, OPTIONS)

test('only days whose window is over are learned from, and a cancellation counts from a week on', () => {
  const of = (day: number, cancelledDay?: number) =>
    labelledRows([{ accountId: 'a', day, features: {}, cancelledDay }], TODAY).churned
  expect([...of(TODAY - LEAD_DAYS - WINDOW_DAYS)]).toEqual([0])
  expect(of(TODAY - LEAD_DAYS - WINDOW_DAYS + 1)).toHaveLength(0)
  expect(of(100, 100 + LEAD_DAYS)).toHaveLength(0)
  expect([...of(100, 100 + LEAD_DAYS + 1)]).toEqual([1])
  expect([...of(100, 100 + LEAD_DAYS + WINDOW_DAYS)]).toEqual([1])
  expect([...of(100, 100 + LEAD_DAYS + WINDOW_DAYS + 1)]).toEqual([0])
})

test('nothing that was not known when the newest slice began is fitted to', () => {
  const { older, newest } = slicesOf(rows)
  const begin = Math.min(...newest.day)
  expect(Math.max(...older.day) + LEAD_DAYS + WINDOW_DAYS).toBeLessThan(begin)
  expect(newest.churned.length).toBeGreaterThan(rows.churned.length / 10)
  // Whoever left after the slice began might as well not have left, for all the model knows.
  const forgotten = observed.map((one) => ({
    ...one,
    cancelledDay: (one.cancelledDay ?? Number.POSITIVE_INFINITY) >= begin ? undefined : one.cancelledDay,
  }))
  const blind = labelledRows(forgotten, TODAY)
  expect(fitNight(blind, undefined, OPTIONS).model).toEqual(night.model)
})

test('what tells who leaves is promoted with its back-test; the same again is not, and says why', () => {
  expect(night).toMatchObject({ isPromoted: true, backtest: { gains: undefined } })
  expect(night.backtest?.auc.low).toBeGreaterThan(0.7)
  const again = fitNight(rows, night.model, OPTIONS)
  expect(again).toMatchObject({
    isPromoted: false,
    reasons: ['its AUC is better by no more than noise', expect.any(String)],
  })
  expect(again.backtest?.gains?.aucGain).toMatchObject({ value: 0 })
})

test('features that say nothing, and few that left, promote nothing', () => {
  const chance = fitNight(labelledRows(book(400, { isTelling: false }), TODAY), undefined, OPTIONS)
  expect(chance.isPromoted).toBe(false)
  expect(chance.reasons).toContain('it beats the simple rule by no more than noise')
  const few = fitNight(labelledRows(book(60), TODAY), undefined, OPTIONS)
  expect(few).toMatchObject({ isPromoted: false, model: undefined, backtest: undefined })
  expect(few.reasons[0]).toMatch(/^\d+ accounts have left .* fewer than 50$/)
})

test('a feature that an older day did not have is not known there, and scores stay what they were', () => {
  const model = night.model as ChurnModel
  const names = [...model.names].reverse()
  const features = { severe56: 1, usersTrend14: 0 }
  const reordered = Object.fromEntries(names.map((name, j) => [name, inOrder(features, names)[j] ?? Number.NaN]))
  const one = score(model, inOrder(features, model.names)).probability
  expect(score(model, inOrder(reordered, model.names)).probability).toBe(one)
  expect(inOrder({}, ['severe56'])[0]).toBeNaN()
})
