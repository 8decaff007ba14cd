import { isTimeZone } from '@plimsoll/contracts/time-zone.ts'
import type { Stated } from './fact.ts'
import type { FactFields } from './factfields.ts'

/** What is not stated is told as such, and stays as it was: nobody may be written to because a column was missing. */
export function contactOf(given: FactFields): Stated<'plimsoll.usage.v1.ContactRecorded'> {
  const email = given.text('email')
  if (email !== '' && (email.length > 320 || !/^[^\s<>@]+@[^\s<>@]+$/.test(email))) given.refuse('email', 'an address')
  const timeZone = given.text('timeZone')
  if (timeZone !== '' && !isTimeZone(timeZone)) given.refuse('timeZone', 'an IANA time zone such as Europe/Berlin')
  return {
    accountId: given.id('accountId'),
    userId: given.id('userId'),
    email,
    timeZone,
    roles: given.list('roles'),
    consent: decision(given, 'consent'),
    doNotContact: decision(given, 'doNotContact'),
  }
}

const answers: Readonly<Record<string, 'yes' | 'no'>> = {
  ...{ true: 'yes', t: 'yes', yes: 'yes', y: 'yes', 1: 'yes' },
  ...{ false: 'no', f: 'no', no: 'no', n: 'no', 0: 'no' },
}

/** Null where nothing is said; anything but a clear answer is refused. */
function decision(given: FactFields, name: string): boolean | null {
  const answer = given.choice<'yes' | 'no' | ''>(name, answers, '')
  return answer === '' ? null : answer === 'yes'
}
