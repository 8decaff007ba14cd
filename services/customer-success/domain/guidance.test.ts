import { expect, test } from 'vitest'
import { type CatalogueItem, guidanceFor, liftsOf } from './guidance.ts'
import { accountSnapshot } from './playbook/testing.ts'
import type { FeatureUse } from './snapshot.ts'

const use = (feature: string, uses28: number, isEntitled = true): FeatureUse => ({
  ...{ feature, isCore: true, isEntitled, uses28, users28: Math.min(1, uses28), uses28Before: 0, firstDay: undefined },
})
const item = (id: string, kind: CatalogueItem['kind'], feature: string): CatalogueItem => ({
  ...{ id, kind, title: id, text: '', feature, holdoutShare: 0 },
})
const nothing = { messages: [], catalogue: [], lifts: [], isShown: () => true }
const lift = (feature: string, points: number, low: number) => ({ feature, lift: points, low, accounts: 200 })

test('messages come first, then the steps a young account has not taken, and never more than three things', () => {
  const young = accountSnapshot({
    startedDay: 19_995,
    features: [use('invite', 0), use('import', 3), use('export', 0)],
  })
  const shown = guidanceFor(young, {
    ...nothing,
    messages: [{ id: 'm', title: 'Welcome', text: '' }],
    catalogue: ['invite', 'import', 'export'].map((feature) => item(`do-${feature}`, 'checklist', feature)),
    lifts: [],
  })
  expect(shown.map(({ id }) => id)).toEqual(['m', 'do-invite', 'do-export'])
  const old = { ...young, startedDay: 19_000 }
  expect(guidanceFor(old, { ...nothing, catalogue: [item('do-invite', 'checklist', 'invite')] })).toEqual([])
})

test('of unused features the one whose worth is the surest is recommended, not the one that looks best', () => {
  const account = accountSnapshot({
    features: [use('lucky', 0), use('sure', 0), use('used', 5), use('other-plan', 0, false)],
  })
  const shown = guidanceFor(account, {
    ...nothing,
    catalogue: ['lucky', 'sure', 'used', 'other-plan', 'unproven'].map((feature) => item(feature, 'lesson', feature)),
    lifts: [lift('lucky', 0.4, 0.01), lift('sure', 0.12, 0.08), lift('used', 0.3, 0.2), lift('other-plan', 0.5, 0.4)],
  })
  expect(shown.map(({ id }) => id)).toEqual(['sure', 'lucky'])
  expect(shown[0]?.reason).toBe(
    'accounts of your plan and age that use sure stayed 12 points more often (200 accounts; an association)',
  )
})

test('a lesson nobody is better off by, and an item the account is held out of, are not shown', () => {
  const account = accountSnapshot({ features: [use('a', 0), use('b', 0)] })
  const catalogue = [item('a', 'lesson', 'a'), item('b', 'story', 'b')]
  expect(guidanceFor(account, { ...nothing, catalogue, lifts: [lift('a', 0.1, -0.02)], isShown: () => false })).toEqual(
    [],
  )
  expect(guidanceFor(account, { ...nothing, catalogue }).map(({ id }) => id)).toEqual(['b'])
})

test('a lift compares entitled accounts that used a feature with those that did not', () => {
  const account = (uses: number, stayed: boolean) => ({ features: [use('f', uses), use('g', 1, false)], stayed })
  const accounts = [
    ...Array.from({ length: 40 }, (_, i) => account(1, i < 36)),
    ...Array.from({ length: 60 }, (_, i) => account(0, i < 36)),
  ]
  const [found, ...others] = liftsOf(accounts)
  expect(others).toEqual([])
  expect(found).toMatchObject({ feature: 'f', accounts: 100, lift: expect.closeTo(0.3, 12) })
  expect(found?.low).toBeGreaterThan(0.1)
})
