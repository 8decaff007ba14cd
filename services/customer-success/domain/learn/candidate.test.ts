import { expect, test } from 'vitest'
import { LEAD_DAYS, WINDOW_DAYS } from '../health/backtest.ts'
import { fitCandidate, type History, inOrder, type KeptDay, labelledRows, slicesOf } from './candidate.ts'
import { createRandom } from './random.ts'

const OPTIONS = { mostRounds: 40, folds: 3 }
const TODAY = 210

/** Weeks of accounts. Who leaves has had severe tickets for five weeks before; others have some as well. */
function book(accounts: number, { isTelling = true, seed = 1 } = {}): History {
  const random = createRandom(seed)
  const ids = Array.from({ length: accounts }, (_, i) => `a${i}`)
  const leaving = ids.filter(() => random() < 0.6)
  const cancelledOn = new Map(leaving.map((id) => [id, Math.floor(40 + random() * 180)]))
  const days = Array.from({ length: 28 }, (_, week): KeptDay => {
    const day = 7 * (week + 1)
    const accountIds = ids.filter((id) => (cancelledOn.get(id) ?? Number.POSITIVE_INFINITY) > day)
    const values = accountIds.flatMap((id) => {
      const isNear = isTelling && (cancelledOn.get(id) ?? Number.POSITIVE_INFINITY) - day < 35
      return [random() < (isNear ? 0.7 : 0.1) ? 1 : 0, random() - 0.5]
    })
    return { day, names: ['severe56', 'usersTrend14'], accountIds, values: Float64Array.from(values) }
  })
  return { days, cancelledOn }
}

const history = book(400)
const rows = labelledRows(history, TODAY)
const candidate = fitCandidate(rows, undefined, OPTIONS)

test('only days whose window is over are learned from, and a cancellation counts from a week on', () => {
  const of = (day: number, cancelledDay?: number) => {
    const days = [{ day, names: [], accountIds: ['a'], values: new Float64Array(0) }]
    const cancelledOn = new Map(cancelledDay === undefined ? [] : [['a', cancelledDay]])
    return labelledRows({ days, cancelledOn }, TODAY).churned
  }
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
  const cancelledOn = new Map([...history.cancelledOn].filter(([, day]) => day < begin))
  const blind = labelledRows({ ...history, cancelledOn }, TODAY)
  expect(fitCandidate(blind, undefined, OPTIONS).model).toEqual(candidate.model)
})

test('what tells who leaves is promoted with its back-test; the same again is not, and says why', () => {
  expect(candidate).toMatchObject({ isPromoted: true, backtest: { gains: undefined } })
  expect(candidate.backtest?.auc.low).toBeGreaterThan(0.7)
  const again = fitCandidate(rows, candidate.model, OPTIONS)
  expect(again).toMatchObject({
    isPromoted: false,
    reasons: ['its AUC is better by no more than noise', expect.any(String)],
  })
  expect(again.backtest?.gains?.aucGain).toMatchObject({ value: 0 })
})

test('features that say nothing, and few that left, promote nothing', () => {
  const chance = fitCandidate(labelledRows(book(400, { isTelling: false }), TODAY), undefined, OPTIONS)
  expect(chance.isPromoted).toBe(false)
  expect(chance.reasons).toContain('it beats the simple rule by no more than noise')
  const few = fitCandidate(labelledRows(book(60), TODAY), undefined, OPTIONS)
  expect(few).toMatchObject({ isPromoted: false, model: undefined, backtest: undefined })
  expect(few.reasons[0]).toMatch(/^\d+ accounts have left .* fewer than 50$/)
})

test('features are found by name, and one that an older day did not have is not known there', () => {
  expect(inOrder([1, 2], ['a', 'b'], ['b', 'c', 'a'])).toEqual(Float64Array.of(2, Number.NaN, 1))
  expect(rows.columns[rows.names.indexOf('severe56')]?.some((x) => x === 1)).toBe(true)
  expect(rows.columns[rows.names.indexOf('nps')]?.every(Number.isNaN)).toBe(true)
})
