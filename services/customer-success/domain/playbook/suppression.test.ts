import { describe, expect, test } from 'vitest'
import { DAY_MS } from '../day.ts'
import { type ContactContext, type ContactPolicy, mayContact } from './suppression.ts'

const policy: ContactPolicy = { perPerson: 2, perAccount: 3, withinDays: 7, quietFromHour: 20, quietToHour: 8 }
const noon = Date.UTC(2026, 5, 10, 12)
const open: ContactContext = {
  nowMs: noon,
  arm: 'treated',
  channel: 'email',
  person: { doNotContact: false, consent: true, timeZone: 'UTC' },
  personContactedMs: [],
  accountContactedMs: [],
  isSleepingDog: false,
  before: undefined,
}
const ask = (given: Partial<ContactContext>) => mayContact({ ...open, ...given }, policy)
const person = (given: Partial<ContactContext['person']>) => ({ person: { ...open.person, ...given } })

test('nothing in the way sends', () => {
  expect(ask({})).toEqual({ kind: 'send' })
})

test.each([
  [{ arm: 'holdout' }, 'held out (holdout)'],
  [{ arm: 'control' }, 'held out (control)'],
  [person({ doNotContact: true }), 'do not contact'],
  [person({ consent: false }), 'no consent'],
  [{ isSleepingDog: true }, 'likely to do worse when contacted'],
] as const)('%j never sends', (given, reason) => {
  expect(ask(given)).toEqual({ kind: 'suppress', reason })
})

test('what is shown in the product asks for no consent and disturbs nobody at night', () => {
  expect(ask({ ...person({ consent: false }), channel: 'in_app', nowMs: noon + DAY_MS / 2 })).toEqual({ kind: 'send' })
})

test('an open incident comes first', () => {
  expect(ask({ before: 'an alert is open' })).toMatchObject({ kind: 'defer', reason: 'an alert is open' })
})

test('a capped person is free again when the second-last contact is a week old', () => {
  const contacted = [noon - 6 * DAY_MS, noon - 2 * DAY_MS, noon - 30 * DAY_MS]
  expect(ask({ personContactedMs: contacted })).toMatchObject({ kind: 'defer', untilMs: noon + DAY_MS })
  expect(ask({ nowMs: noon + DAY_MS, personContactedMs: contacted })).toEqual({ kind: 'send' })
})

test('an account is capped over all its people', () => {
  expect(ask({ accountContactedMs: [1, 2, 3].map((days) => noon - days * DAY_MS) })).toMatchObject({ kind: 'defer' })
})

describe('quiet hours end in the person’s own morning', () => {
  test.each([
    ['Europe/Berlin', Date.UTC(2026, 5, 10, 19), Date.UTC(2026, 5, 11, 6)],
    ['Asia/Kolkata', Date.UTC(2026, 5, 10, 15), Date.UTC(2026, 5, 11, 2, 30)],
    // Clocks go forward at 02:00 that night.
    ['America/New_York', Date.UTC(2026, 2, 8, 3), Date.UTC(2026, 2, 8, 12)],
  ])('%s', (timeZone, nowMs, untilMs) => {
    expect(ask({ ...person({ timeZone }), nowMs })).toMatchObject({ kind: 'defer', untilMs })
  })
})
