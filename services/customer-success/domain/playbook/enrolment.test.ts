import { expect, test } from 'vitest'
import { DAY_MS } from '../day.ts'
import { armOf, isTriggered, type Match, matchAfter, mayEnrol } from './enrolment.ts'

const shares = { control: 0.05, holdout: 0.2 }

test('the control group of all playbooks goes before a playbook’s own hold-out', () => {
  expect(armOf({ control: 0.049, holdout: 0 }, shares)).toBe('control')
  expect(armOf({ control: 0.05, holdout: 0.199 }, shares)).toBe('holdout')
  expect(armOf({ control: 0.05, holdout: 0.2 }, shares)).toBe('treated')
})

test('a condition triggers once in each stretch, on the day it has held long enough', () => {
  const heldOn = [1, 2, 3, 4, 5, 8, 9, 10, 11]
  const triggered: number[] = []
  let match: Match | undefined
  for (const day of heldOn) {
    match = matchAfter(match, day)
    if (isTriggered(match, 3)) triggered.push(day)
  }
  expect(triggered).toEqual([3, 10])
})

test('a day looked at twice counts once', () => {
  const match = matchAfter(matchAfter(undefined, 7), 7)
  expect(match).toEqual({ sinceDay: 7, lastDay: 7 })
})

const ended = (day: number) => ({ triggeredMs: day * DAY_MS, isOpen: false })

test.each([
  [{ kind: 'asMatches' }, [ended(1), ended(2)], true],
  [{ kind: 'asMatches' }, [{ triggeredMs: 0, isOpen: true }], false],
  [{ kind: 'maxN', n: 2 }, [ended(1)], true],
  [{ kind: 'maxN', n: 2 }, [ended(1), ended(2)], false],
  [{ kind: 'maxNPerDays', n: 1, days: 30 }, [ended(60)], true],
  [{ kind: 'maxNPerDays', n: 1, days: 30 }, [ended(80)], false],
] as const)('%j after %j: %s', (rule, earlier, may) => {
  expect(mayEnrol(rule, earlier, 100 * DAY_MS)).toBe(may)
})
