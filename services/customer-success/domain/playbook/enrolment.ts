/** Who enters a playbook, when, and in which arm. */

import { DAY_MS } from '../day.ts'
import type { Reenrolment } from './playbook.ts'

export type Arm = 'treated' | 'holdout' | 'control'

/**
 * The arm of an account, from two numbers in [0, 1) that a hash makes of it: alone for the control group of all playbooks,
 * with the playbook's name for this one's hold-out. So an account is in the same arm whenever it is asked.
 */
export function armOf(
  account: { readonly control: number; readonly holdout: number },
  shares: { readonly control: number; readonly holdout: number },
): Arm {
  if (account.control < shares.control) return 'control'
  return account.holdout < shares.holdout ? 'holdout' : 'treated'
}

/** A stretch of days a condition has held, unbroken. */
export type Match = { readonly sinceDay: number; readonly lastDay: number }

/** The stretch as it is after a day on which the condition held; days that were not looked at break it. */
export function matchAfter(before: Match | undefined, day: number): Match {
  const goesOn = before !== undefined && before.lastDay >= day - 1
  return { sinceDay: goesOn ? before.sinceDay : day, lastDay: day }
}

/** Whether the day is the one on which the condition has held long enough: each stretch triggers once. */
export const isTriggered = ({ sinceDay, lastDay }: Match, dwellDays: number): boolean =>
  lastDay - sinceDay + 1 === dwellDays

export type Enrolled = { readonly triggeredMs: number; readonly isOpen: boolean }

/** Whether an account may enter (again); never while it is in. */
export function mayEnrol(rule: Reenrolment, earlier: readonly Enrolled[], atMs: number): boolean {
  if (earlier.some(({ isOpen }) => isOpen)) return false
  switch (rule.kind) {
    case 'asMatches':
      return true
    case 'maxN':
      return earlier.length < rule.n
    case 'maxNPerDays':
      return earlier.filter(({ triggeredMs }) => triggeredMs > atMs - rule.days * DAY_MS).length < rule.n
  }
}
