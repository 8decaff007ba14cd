import { expect, test } from 'vitest'
import { isReached, type Playbook, problemsOfPlaybook } from './playbook.ts'
import { READY_PLAYBOOKS } from './ready.ts'
import { fill, moveAt } from './run.ts'
import { accountState } from './testing.ts'

const playbook: Playbook = {
  name: 'Test',
  description: '',
  trigger: { kind: 'event', event: 'risk_raised' },
  reenrolment: { kind: 'asMatches' },
  priority: 1,
  holdoutShare: 0.2,
  steps: [
    { id: 'big', kind: 'branch', when: { metric: 'seats', is: '>', value: 50 }, yes: 'call', no: 'show' },
    { id: 'call', kind: 'task', title: 'Call', next: 'end' },
    { id: 'show', kind: 'in_app', title: 'Hello', text: 'Hello.' },
    { id: 'pause', kind: 'wait', hours: 24 },
  ],
  exit: { metric: 'isCancelled', is: '=', value: 1 },
  goal: { metric: 'coreBreadth', direction: 'up', windowDays: 28, leastEffect: 0.1 },
}

test('a branch leads to the step of its answer, and each step to the one below unless it says otherwise', () => {
  expect(moveAt(playbook, 'big', accountState({ seats: 100 }))).toMatchObject({
    kind: 'act',
    step: { id: 'call' },
    next: 'end',
  })
  expect(moveAt(playbook, 'big', accountState({ seats: 5 }))).toMatchObject({ step: { id: 'show' }, next: 'pause' })
  expect(moveAt(playbook, 'pause', accountState())).toEqual({ kind: 'wait', hours: 24, next: 'end' })
  expect(moveAt(playbook, 'end', accountState())).toMatchObject({ kind: 'end', state: 'finished' })
})

test('an account that meets the exit condition leaves before its next step', () => {
  const subscription = { status: 'cancelled', seatsBefore: 0, renewsDay: undefined, cancelledDay: 20_000 } as const
  expect(moveAt(playbook, 'show', accountState({ subscription }))).toEqual({
    kind: 'end',
    state: 'exited',
    reason: 'isCancelled = 1',
  })
})

test('steps that lead upwards, nowhere or share a name are named', () => {
  const steps: Playbook['steps'] = [
    { id: 'a', kind: 'wait', hours: 1, next: 'nowhere' },
    { id: 'b', kind: 'branch', when: { all: [] }, yes: 'a', no: 'end' },
    { id: 'a', kind: 'task', title: 'Again' },
  ]
  expect(problemsOfPlaybook({ ...playbook, steps }).map(({ field }) => field)).toEqual([
    '/steps/0/next',
    '/steps/1/yes',
    '/steps/2/id',
  ])
})

test.each(Object.keys(READY_PLAYBOOKS))('the ready playbook %s is sound', (id) => {
  const ready = READY_PLAYBOOKS[id]
  expect(ready && problemsOfPlaybook(ready)).toEqual([])
})

test.each([
  [{ direction: 'up', target: 0.5 }, undefined, 0.5, true],
  [{ direction: 'down', target: 0 }, 0, 1, false],
  [{ direction: 'up' }, 0.4, 0.5, true],
  [{ direction: 'down' }, 3, 3, false],
  [{ direction: 'up' }, undefined, 3, false],
  [{ direction: 'up', target: 0 }, 0.3, undefined, false],
] as const)('%j from %s to %s: %s', (goal, before, after, reached) => {
  expect(isReached({ ...playbook.goal, ...goal }, before, after)).toBe(reached)
})

test('names in a text are filled in, and unknown ones stay to be seen', () => {
  expect(fill('{{account}}: {{reason}} {{else}}', { account: 'acme', reason: 'silent' })).toBe('acme: silent {{else}}')
})
