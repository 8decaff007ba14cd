import { expect, test } from 'vitest'
import { backtest, type Fate, fateOf } from './backtest.ts'
import { compareConfigurations, fitConfiguration, fitTemplate } from './fit.ts'
import { DEFAULT_CONFIGURATION } from './templates.ts'
import { random } from './testing.ts'

/** Accounts of which those with open tickets leave, whatever their answers to the NPS question. */
function fates(count: number, seed: number): Fate[] {
  const next = random(seed)
  return Array.from({ length: count }, (_, i) => {
    const tickets = next() < 0.2 ? 1 : 0
    const answer = 3 + 6 * next()
    const readings = {
      severe_tickets: { value: tickets, shown: tickets, confidence: 1 },
      nps: { value: answer, shown: answer, confidence: 1 },
    }
    const churned = next() < (tickets > 0 ? 0.4 : 0.02)
    return { accountId: String(i), day: i, template: 'standard', readings, churned }
  })
}

test('weight goes to what those who left had in common, and the bands keep their promise', () => {
  const fit = fitConfiguration(fates(4_000, 5), DEFAULT_CONFIGURATION)
  const weights = fit?.configuration.templates.standard?.weights
  expect(weights?.support).toBeGreaterThan(5 * (weights?.sentiment ?? 0))
  const { fitted, before } = fit?.backtest ?? { fitted: undefined, before: undefined }
  expect(fitted?.auc).toBeGreaterThan(before?.auc ?? 1)
  expect(fitted?.bands.find(({ band }) => band === 'churn_risk')?.multiple).toBeGreaterThan(3)
  expect(fitted?.bands.find(({ band }) => band === 'healthy')?.multiple).toBeLessThan(0.5)
})

test('few who left are no basis, and against a strong pull the default weights stay', () => {
  expect(fitConfiguration(fates(300, 5), DEFAULT_CONFIGURATION)).toBeUndefined()
  const pulled = fitTemplate('standard', DEFAULT_CONFIGURATION, fates(300, 5), { l2: 1e6, atRisk: 3, healthy: 0.5 })
  const { support = 0, sentiment = 0 } = pulled.weights
  expect(support / sentiment).toBeCloseTo(15 / 10, 2)
})

test('a configuration made by hand is told beside the one that scores, once enough have left', () => {
  const { standard } = DEFAULT_CONFIGURATION.templates
  const supportOnly = { ...DEFAULT_CONFIGURATION.templates, standard: { ...standard, weights: { support: 1 } } }
  const made = { templates: supportOnly as typeof DEFAULT_CONFIGURATION.templates, rules: DEFAULT_CONFIGURATION.rules }
  const told = compareConfigurations(fates(4_000, 5), made, DEFAULT_CONFIGURATION)
  expect(told?.before.version).toBe(DEFAULT_CONFIGURATION.version)
  expect(told?.fitted.auc).toBeGreaterThan(told?.before.auc ?? 1)
  expect(compareConfigurations(fates(300, 5), made, DEFAULT_CONFIGURATION)).toBeUndefined()
})

test('a back-test says how the accounts that left were ranked and banded', () => {
  const all = fates(1_000, 8)
  const { accounts, churners, auc, bands } = backtest(all, DEFAULT_CONFIGURATION)
  expect([accounts, churners]).toEqual([1_000, all.filter(({ churned }) => churned).length])
  expect(auc).toBeGreaterThan(0.6)
  expect(bands.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9)
})

test.each([
  [107, undefined],
  [108, true],
  [137, true],
  [138, false],
  [undefined, false],
])('left on day %s after a score of day 100: %s', (cancelledDay, churned) => {
  expect(fateOf(100, cancelledDay, 137)).toBe(churned)
  expect(fateOf(100, undefined, 136)).toBeUndefined()
})
