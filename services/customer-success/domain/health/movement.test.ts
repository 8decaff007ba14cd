import { expect, test } from 'vitest'
import { bandsOf, movementsOf, type Standing } from './movement.ts'

const account = (accountId: string, score: number | undefined, mrrMinor = 100, currency = 'EUR'): Standing => ({
  ...{ accountId, score, mrrMinor, currency },
})

test('bands hold accounts and their revenue by currency, largest first', () => {
  const bands = bandsOf([
    account('a', 70),
    account('b', 90, 300, 'USD'),
    account('c', 39.9),
    account('d', undefined, 0),
  ])
  expect(bands.get('healthy')).toEqual({
    accounts: 2,
    mrr: [
      { currency: 'USD', minor: 300 },
      { currency: 'EUR', minor: 100 },
    ],
  })
  expect(bands.get('at_risk')).toEqual({ accounts: 0, mrr: [] })
  expect(bands.get('churn_risk')?.accounts).toBe(1)
  expect(bands.get('unknown')).toEqual({ accounts: 1, mrr: [] })
})

test('movements tell who changed places behind bands of the same size, who came and who left', () => {
  const before = [account('up', 50), account('down', 80), account('gone', 20, 700), account('same', 75)]
  const after = [account('up', 80), account('down', 50), account('came', 71), account('same', 76, 200)]
  const mrr = (minor: number) => [{ currency: 'EUR', minor }]
  expect(movementsOf(before, after)).toEqual([
    { from: 'new', to: 'healthy', accounts: 1, mrr: mrr(100) },
    { from: 'healthy', to: 'healthy', accounts: 1, mrr: mrr(200) },
    { from: 'healthy', to: 'at_risk', accounts: 1, mrr: mrr(100) },
    { from: 'at_risk', to: 'healthy', accounts: 1, mrr: mrr(100) },
    { from: 'churn_risk', to: 'left', accounts: 1, mrr: mrr(700) },
  ])
})

test('every account is in one movement', () => {
  const before = Array.from({ length: 50 }, (_, i) => account(`${i}`, i * 2))
  const after = Array.from({ length: 50 }, (_, i) => account(`${i + 25}`, 100 - i * 2))
  const accounts = movementsOf(before, after).reduce((sum, movement) => sum + movement.accounts, 0)
  expect(accounts).toBe(75)
})
