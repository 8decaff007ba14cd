import { AppError } from '@plimsoll/kit/errors.ts'
import { expect, test } from 'vitest'
import { READY_PLAYBOOKS } from '../domain/playbook/ready.ts'
import { parsePlaybook } from './playbook-definition.ts'

const ready = READY_PLAYBOOKS['low-engagement']

function fieldsOf(value: unknown): string[] {
  try {
    parsePlaybook(value)
    return []
  } catch (error) {
    return error instanceof AppError
      ? error.fields.map(({ field, expected }) => `${field}: ${expected}`)
      : [String(error)]
  }
}

test.each(Object.entries(READY_PLAYBOOKS))('%s is accepted as it is', (_, playbook) => {
  expect(parsePlaybook(JSON.parse(JSON.stringify(playbook)))).toEqual(playbook)
})

test.each([
  [{ ...ready, holdoutShare: 0.9 }, ['body/holdoutShare: a number from 0 to 0.5']],
  [
    { ...ready, trigger: { kind: 'condition', condition: { metric: 'mood' }, dwellDays: 1 } },
    [
      expect.stringMatching(/^body\/trigger\/condition\/is: /),
      expect.stringMatching(/^body\/trigger\/condition\/value: a number/),
      expect.stringMatching(/^body\/trigger\/condition\/metric: one of healthScore, /),
    ],
  ],
  [
    { ...ready, audience: { all: [{ not: { mood: 1 } }] } },
    ['body/audience/all/0/not: an object with one of all, any, not, metric, attribute'],
  ],
  [
    { ...ready, steps: [{ id: 'a', kind: 'phone' }] },
    ['body/steps/0/kind: one of wait, branch, task, in_app, email, slack, webhook, crm'],
  ],
  [
    { ...ready, steps: [{ id: 'a', kind: 'webhook', url: 'ftp://x' }] },
    ['body/steps/0/url: a text that matches ^https?:// of at most 2000 characters'],
  ],
  [
    { ...ready, steps: [{ id: 'a', kind: 'wait', hours: 1, next: 'b' }] },
    ['body/steps/0/next: the id of a step below, or "end"'],
  ],
  [
    { ...ready, reenrolment: { kind: 'maxN', n: 1, days: 3 } },
    ['body/reenrolment/days: nothing of that name; the names are kind, n'],
  ],
])('a wrong definition is told field by field (%#)', (value, problems) => {
  expect(fieldsOf(value)).toEqual(problems)
})

test('conditions without end are refused', () => {
  let audience: unknown = { metric: 'seats', is: '>', value: 1 }
  for (let i = 0; i < 20_000; i++) audience = { not: audience }
  expect(fieldsOf({ ...ready, audience })).toEqual([expect.stringContaining('nested at most 10 deep')])
})
