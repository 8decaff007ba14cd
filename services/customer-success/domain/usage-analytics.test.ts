import { expect, test } from 'vitest'
import { adoptionByFeature, breadthOf } from './adoption.ts'
import { healthKpis, kpisOf } from './kpi.ts'
import { intervalStart, lifecycleOf } from './lifecycle.ts'
import { cohortsOf } from './retention.ts'
import { type AccountSnapshot, HISTORY_DAYS } from './snapshot.ts'
import { dauOverMau, wauOverMau } from './stickiness.ts'
import { happenedWithin, medianOf, survivalOf } from './survival.ts'
import { ANY, weekStart } from './usage-cells.ts'
import { addUses, type Tally } from './usage-figures.ts'
import type { Person } from './usage-person.ts'

const personWith = (tally: Tally, days: readonly number[]): void => {
  const person: Person = { isNobody: false, nodes: [1], memberships: [], lists: [] }
  const uses = days.map((day) => ({ node: 1, account: 0, feature: ANY, day, count: 1 }))
  addUses(person, uses, () => ['all'], tally)
}

test('stickiness of one person who comes every fourth day', () => {
  const active1 = Array.from({ length: 28 }, (_, i) => (i % 4 === 0 ? 1 : 0))
  const ones = new Array<number>(28).fill(1)
  const days = { active1, active7: ones, active28: ones }
  expect(dauOverMau(days, 27)).toBeCloseTo(7 / 28, 12)
  expect(wauOverMau(days, 27)).toBe(1)
  expect(dauOverMau(days, 26)).toBeUndefined()
  expect(dauOverMau({ ...days, active28: new Array<number>(28).fill(0) }, 27)).toBeUndefined()
})

test('of those active this week, three were here last week, one is new and one had paused; one is missing', () => {
  const counts = { active: 5, activeBefore: 4, activeInEither: 6, firsts: 1 }
  expect(lifecycleOf(counts)).toEqual({ new: 1, returning: 3, resurrecting: 1, dormant: 1 })
})

test('intervals begin where counts are kept: on their day, on Monday, every fourth Monday', () => {
  const monday = weekStart(2_968)
  expect(intervalStart('day', monday + 3)).toBe(monday + 3)
  expect(intervalStart('week', monday + 6)).toBe(monday)
  expect(intervalStart('month', monday + 6)).toBe(monday)
  expect(intervalStart('month', monday + 27)).toBe(monday)
})

test('a cohort is followed from its first week, and not beyond what has ended', () => {
  const tally: Tally = new Map()
  const first = 2_900
  personWith(tally, [weekStart(first), weekStart(first) + 3, weekStart(first + 2)])
  personWith(tally, [weekStart(first) + 6, weekStart(first + 1)])
  personWith(tally, [weekStart(first + 1)])
  const cohorts = cohortsOf(tally.get('all') ?? new Map(), 'week', { first, last: first + 1, seen: first + 3 })
  expect(cohorts).toEqual([
    { startDay: weekStart(first), size: 2, retained: [1, 1, 0] },
    { startDay: weekStart(first + 1), size: 1, retained: [0, 0] },
  ])
})

test('the estimate of Kaplan and Meier counts those who still wait for as long as they were seen', () => {
  // Remission of leukaemia, the 6-MP arm: Freireich et al., Blood 21, 1963; the estimates are in most textbooks.
  const relapsed = [6, 6, 6, 7, 10, 13, 16, 22, 23]
  const censored = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
  const steps = survivalOf([
    ...relapsed.map((days) => ({ days, isObserved: true })),
    ...censored.map((days) => ({ days, isObserved: false })),
  ])
  expect(steps.map(({ days, waiting }) => [days, Number(waiting.toFixed(3))])).toEqual([
    [6, 0.857],
    [7, 0.807],
    [10, 0.753],
    [13, 0.69],
    [16, 0.627],
    [22, 0.538],
    [23, 0.448],
  ])
  expect(medianOf(steps)).toBe(23)
  expect(happenedWithin(steps, 8)).toBeCloseTo(0.193, 3)
})

test('a median that has not been seen does not exist', () => {
  const steps = survivalOf([
    { days: 3, isObserved: true },
    { days: 90, isObserved: false },
    { days: 90, isObserved: false },
  ])
  expect(medianOf(steps)).toBeUndefined()
  expect(happenedWithin(steps, 2)).toBe(0)
})

const none = new Float64Array(HISTORY_DAYS)

function account(
  accountId: string,
  day: number,
  part: Partial<AccountSnapshot> & { users28?: number },
): AccountSnapshot {
  const { users28 = 1, ...rest } = part
  return {
    ...{ accountId, day, name: '', segment: '', plan: '', seats: 5, mrrMinor: 0, currency: '', startedDay: 0 },
    activity: {
      ...{ users: new Uint32Array(HISTORY_DAYS), events: none, apiCalls: none, apiErrors: none },
      ...{ users7: 0, users28, users84: 0, users28Before: 0, lastDay: undefined },
    },
    ...{ features: [], tickets: [], invoices: [], nps: [], subscription: undefined },
    ...rest,
  }
}

const use = (feature: string, uses28: number, more: object = {}) => ({
  ...{ feature, isCore: true, isEntitled: true, uses28, users28: uses28 > 0 ? 2 : 0, uses28Before: 0 },
  ...{ firstDay: uses28 > 0 ? 3 : undefined },
  ...more,
})

test('adoption is a share of those whose plan has the feature and who had time for it', () => {
  const snapshots = [
    account('a', 100, { features: [use('export', 10)] }),
    account('b', 100, { features: [use('export', 2)] }),
    account('c', 100, { features: [use('export', 0, { isEntitled: false })] }),
    account('d', 100, { startedDay: 95, features: [use('export', 10)] }),
  ]
  expect(adoptionByFeature(snapshots, { leastUses: 3, rampDays: 14 })).toEqual([
    { feature: 'export', isCore: true, eligible: 2, adopted: 1, rate: 0.5, depth: 5 },
  ])
})

test('breadth leaves out what is not core and what the plan does not have', () => {
  const rules = { leastUses: 1, rampDays: 14 }
  const features = [use('a', 1), use('b', 0), use('c', 5, { isCore: false }), use('d', 0, { isEntitled: false })]
  expect(breadthOf({ features }, rules)).toBe(0.5)
  expect(breadthOf({ features: [] }, rules)).toBeUndefined()
})

test('the sheet of figures, each of the accounts it is defined over', () => {
  const left = { status: 'cancelled', seatsBefore: 5, renewsDay: undefined, cancelledDay: 90 } as const
  const features = [use('a', 4), use('b', 0)]
  const nps = [
    { day: 80, score: 10 },
    { day: 80, score: 9 },
    { day: 80, score: 8 },
    { day: 80, score: 3 },
  ]
  const before = ['a', 'b', 'c', 'd'].map((id) => account(id, 72, {}))
  const now = [
    account('a', 100, { features, nps }),
    account('b', 100, { features, users28: 0 }),
    account('c', 100, { features }),
    account('d', 100, { subscription: left, features: [use('a', 0), use('b', 0)] }),
    account('new', 100, { startedDay: 99 }),
  ]
  const [churn, engagement, adoption, score, value] = kpisOf(now, before, { leastUses: 1, rampDays: 14 })
  expect(churn).toMatchObject({ value: 0.25, n: 4, isMet: false })
  expect(churn?.interval?.low).toBeGreaterThan(0.04)
  expect(engagement).toMatchObject({ value: 0.75, n: 4, isMet: false })
  expect(adoption).toMatchObject({ value: 0.5, n: 3 })
  expect(score).toMatchObject({ value: 25, n: 4, isMet: false })
  expect(value).toMatchObject({ value: 3, isMet: true })
})

test('nothing known is no figure', () => {
  for (const { value, isMet } of kpisOf([], [], { leastUses: 1, rampDays: 14 })) {
    expect([value, isMet]).toEqual([undefined, undefined])
  }
})

test('health is a mean of accounts, and of each currency one by revenue', () => {
  const standing = (score: number | undefined, mrrMinor: number, currency: string) => ({
    ...{ accountId: `${score}${currency}`, score, mrrMinor, currency },
  })
  const kpis = healthKpis([
    standing(80, 300, 'EUR'),
    standing(40, 100, 'EUR'),
    standing(60, 0, ''),
    standing(undefined, 9, 'USD'),
  ])
  expect(kpis.map(({ name, value, n, isMet }) => [name, value, n, isMet])).toEqual([
    ['health', 60, 3, false],
    ['health by revenue in EUR', 70, 2, false],
  ])
  expect(healthKpis([])).toMatchObject([{ value: undefined, isMet: undefined, n: 0 }])
})
