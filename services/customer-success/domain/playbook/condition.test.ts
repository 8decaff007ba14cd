import { expect, test } from 'vitest'
import type { AccountState } from './account-state.ts'
import { type Condition, conditionText, factsText, holds, truthOf } from './condition.ts'
import { accountState } from './testing.ts'

const silent: Condition = { metric: 'silentDays', is: '>=', value: 7 }
const scoreIsLow: Condition = { metric: 'healthScore', is: '<', value: 40 }
const known = (score: number): AccountState => ({
  ...accountState(),
  health: { score, confidence: 1, churnProbability: undefined },
})

test('what is not known neither holds nor fails', () => {
  expect(truthOf(scoreIsLow, accountState())).toBeUndefined()
  expect(truthOf({ not: scoreIsLow }, accountState())).toBeUndefined()
  expect(holds({ not: scoreIsLow }, accountState())).toBe(false)
})

test.each([
  [{ all: [scoreIsLow, { attribute: 'plan', in: ['pro'] }] }, true],
  [{ all: [scoreIsLow, silent] }, undefined],
  [{ all: [silent, { not: scoreIsLow }] }, false],
  [{ any: [silent, scoreIsLow] }, true],
  [{ any: [silent, { not: scoreIsLow }] }, undefined],
  [{ any: [] }, false],
  [{ all: [] }, true],
] as const)('%j is %s', (condition, truth) => {
  expect(truthOf(condition, known(31))).toBe(truth)
})

test('a condition and its facts are told in words', () => {
  const condition: Condition = { all: [scoreIsLow, { not: { any: [silent, { attribute: 'plan', in: ['free'] }] } }] }
  expect(conditionText(condition)).toBe('healthScore < 40 and not ((silentDays >= 7 or plan in free))')
  expect(factsText(condition, known(31.234))).toBe('healthScore 31.23')
})
