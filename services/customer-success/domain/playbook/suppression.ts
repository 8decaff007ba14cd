/** Whether a person may be contacted now. Asked before every send; every answer but `send` is kept with its reason. */

import { DAY_MS } from '../day.ts'
import type { Arm } from './enrolment.ts'

export type ContactPolicy = {
  readonly perPerson: number
  readonly perAccount: number
  readonly withinDays: number
  /** Hours of the person's day, 0 to 24; quiet from the evening into the morning. */
  readonly quietFromHour: number
  readonly quietToHour: number
}

export type Person = {
  readonly doNotContact: boolean
  /** To be written to outside the product. */
  readonly consent: boolean
  /** IANA name. */
  readonly timeZone: string
}

export type ContactContext = {
  readonly nowMs: number
  readonly arm: Arm
  readonly channel: 'email' | 'in_app'
  readonly person: Person
  /** Times of earlier contacts, this playbook's and all others'. */
  readonly personContactedMs: readonly number[]
  readonly accountContactedMs: readonly number[]
  /** By what was learned of this playbook, contact does more harm than good. */
  readonly isSleepingDog: boolean
  /** What must be over first, in words: a critical incident, a severe ticket, a playbook of higher priority. */
  readonly before: string | undefined
}

export type Verdict =
  | { readonly kind: 'send' }
  /** Not now; asked again then. */
  | { readonly kind: 'defer'; readonly untilMs: number; readonly reason: string }
  | { readonly kind: 'suppress'; readonly reason: string }

/** The reason on record: what is learned next leaves such accounts out. */
export const SLEEPING_DOG = 'likely to do worse when contacted'

const HOUR_MS = 3_600_000
const QUARTER_MS = 900_000

/** What passes defers, what does not suppresses. In-app items wait until the person comes: no hour is quiet for them. */
export function mayContact(context: ContactContext, policy: ContactPolicy): Verdict {
  const { nowMs, arm, channel, person } = context
  if (arm !== 'treated') return { kind: 'suppress', reason: `held out (${arm})` }
  if (person.doNotContact) return { kind: 'suppress', reason: 'do not contact' }
  if (channel === 'email' && !person.consent) return { kind: 'suppress', reason: 'no consent' }
  if (context.isSleepingDog) return { kind: 'suppress', reason: SLEEPING_DOG }
  if (context.before !== undefined) return { kind: 'defer', untilMs: nowMs + HOUR_MS, reason: context.before }
  const capped =
    capUntil(context.personContactedMs, policy.perPerson, policy.withinDays, nowMs) ??
    capUntil(context.accountContactedMs, policy.perAccount, policy.withinDays, nowMs)
  if (capped !== undefined) return { kind: 'defer', untilMs: capped, reason: 'contacted often enough' }
  const quietUntil = channel === 'email' ? quietUntilMs(nowMs, person.timeZone, policy) : undefined
  if (quietUntil !== undefined)
    return { kind: 'defer', untilMs: quietUntil, reason: `quiet hours in ${person.timeZone}` }
  return { kind: 'send' }
}

/** When the cap lets the next contact through, undefined when it does now. */
function capUntil(contactedMs: readonly number[], most: number, withinDays: number, nowMs: number): number | undefined {
  const windowMs = withinDays * DAY_MS
  const recent = contactedMs.filter((ms) => ms > nowMs - windowMs).sort((a, b) => b - a)
  const oldestThatCounts = recent[most - 1]
  return oldestThatCounts === undefined ? undefined : oldestThatCounts + windowMs
}

/** The end of the quiet hours, undefined outside them. By quarter-hours: no zone or daylight rule is finer. */
function quietUntilMs(
  nowMs: number,
  timeZone: string,
  { quietFromHour, quietToHour }: ContactPolicy,
): number | undefined {
  const hourOf = hourIn(timeZone)
  const isQuiet = (ms: number): boolean => {
    const hour = hourOf(ms)
    return quietFromHour > quietToHour
      ? hour >= quietFromHour || hour < quietToHour
      : hour >= quietFromHour && hour < quietToHour
  }
  if (!isQuiet(nowMs)) return undefined
  let ms = Math.floor(nowMs / QUARTER_MS) * QUARTER_MS
  const latest = nowMs + DAY_MS
  do ms += QUARTER_MS
  while (isQuiet(ms) && ms < latest)
  return ms
}

function hourIn(timeZone: string): (ms: number) => number {
  const format = new Intl.DateTimeFormat('en-US', { timeZone, hour: 'numeric', hourCycle: 'h23' })
  return (ms) => Number(format.format(ms))
}
