import { expect, test } from 'vitest'
import { breadthAmong, lagsOf, type Member } from './lag.ts'

const TODAY = 100
const RAMP = 14

/** An account that began `age` days ago and adopted `export` after `adopted` days. */
const member = (accountId: string, age: number, adopted: number | undefined, given: Partial<Member> = {}): Member => ({
  ...{ accountId, plan: 'pro', segment: 'small', lastDay: TODAY, hasLeft: false, isSeenFromStart: true },
  courses: [
    {
      feature: 'export',
      sinceDay: TODAY - age,
      adoptedDay: adopted === undefined ? undefined : TODAY - age + adopted,
    },
  ],
  ...given,
})

/** Twenty that adopt it on days 1 to 20: three of four have by day 15. */
const quick = Array.from({ length: 20 }, (_, i) => member(`quick-${i}`, 60, i + 1))
const lateIds = (members: readonly Member[], rampDays = RAMP) =>
  [...lagsOf(members, rampDays).keys()].map(({ accountId }) => accountId)
const lagsOfLast = (members: readonly Member[]) => lagsOf(members, RAMP).get(members.at(-1) as Member)

test('an account is late once it has waited longer than three of four that adopt it', () => {
  const waits = (age: number) => lagsOfLast([...quick, member('waits', age, undefined)])
  // Of 21 accounts 15 have it on day 15, which is less than three of four, and 16 on day 16.
  const usual = { days: 16, adopters: 20, among: 'accounts of plan "pro" and segment "small"' }
  expect(waits(16)).toBeUndefined()
  expect(waits(17)).toEqual([{ feature: 'export', waitedDays: 17, usual }])
})

test('nobody is late within the ramp, with too few to compare with, after leaving, or with what most never use', () => {
  const late = member('late', 50, undefined)
  expect(lateIds([...quick, late])).toEqual(['late'])
  expect(lateIds([...quick, late], 51)).toEqual([])
  expect(lateIds([...quick.slice(1), late])).toEqual([])
  expect(lateIds([...quick, { ...late, hasLeft: true }])).toEqual([])
  const never = Array.from({ length: 30 }, (_, i) => member(`never-${i}`, 90, undefined))
  expect(lateIds([...quick, ...never])).toEqual([])
})

test('those who have just begun or left do not make it look seldom: they count for as long as they were seen', () => {
  const unseen = Array.from({ length: 40 }, (_, i) => member(`new-${i}`, 0, undefined))
  expect(lateIds([...quick, ...unseen, member('late', 50, undefined)])).toEqual(['late'])
})

test('with too few of its plan an account is compared with its segment, then with all', () => {
  const other = member('late', 50, undefined, { plan: 'free' })
  expect(lagsOfLast([...quick, other])?.[0]?.usual.among).toBe('accounts of segment "small"')
  const far = member('late', 50, undefined, { plan: 'free', segment: 'large' })
  expect(lagsOfLast([...quick, far])?.[0]?.usual.among).toBe('accounts')
  const unknown = [...quick, other].map((one) => ({ ...one, plan: '', segment: '' }))
  expect(lagsOfLast(unknown)?.[0]?.usual).toMatchObject({ among: 'accounts', adopters: quick.length })
})

test('accounts that began before anything was known are compared, and nobody is compared with them', () => {
  const before = quick.map((one) => ({ ...one, accountId: `before-${one.accountId}`, isSeenFromStart: false }))
  const late = member('late', 50, undefined, { isSeenFromStart: false })
  expect(lateIds([...before, late])).toEqual([])
  expect(lateIds([...quick, late])).toEqual(['late'])
})

test('breadth is expected of accounts when they were as old, not of what they have become', () => {
  const young = member('young', 10, undefined)
  expect(breadthAmong([...quick, young], young)).toEqual({ own: 0, expected: 0 })
  const older = member('older', 16, undefined)
  expect(breadthAmong([...quick, older], older)).toEqual({ own: 0, expected: 1 })
})
