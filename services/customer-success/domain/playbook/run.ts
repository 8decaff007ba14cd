/** What an enrolment does next. */

import type { AccountState } from './account-state.ts'
import { conditionText, holds } from './condition.ts'
import { type Do, END, type Playbook, type Step, stepAfter } from './playbook.ts'

export type ActionStep = Extract<Do, { kind: Exclude<Do['kind'], 'wait' | 'branch'> }> & Pick<Step, 'id'>

export type Move =
  | { readonly kind: 'act'; readonly step: ActionStep; readonly next: string }
  | { readonly kind: 'wait'; readonly hours: number; readonly next: string }
  | { readonly kind: 'end'; readonly state: 'finished' | 'exited'; readonly reason: string }

const HOUR_MS = 3_600_000

/** The move at a step: branches are walked through, the exit condition is asked before everything. */
export function moveAt(playbook: Playbook, stepId: string, state: AccountState): Move {
  const { exit } = playbook
  if (exit !== undefined && holds(exit, state)) return { kind: 'end', state: 'exited', reason: conditionText(exit) }
  const step = playbook.steps.find(({ id }) => id === stepId)
  if (stepId === END || step === undefined) return { kind: 'end', state: 'finished', reason: '' }
  switch (step.kind) {
    case 'branch':
      return moveAt(playbook, holds(step.when, state) ? step.yes : step.no, state)
    case 'wait':
      return { kind: 'wait', hours: step.hours, next: stepAfter(playbook, step) }
    default:
      return { kind: 'act', step, next: stepAfter(playbook, step) }
  }
}

export const dueAfter = (nowMs: number, hours: number): number => nowMs + hours * HOUR_MS

/** `{{name}}` in a text becomes the value of that name; a name nobody knows stays as it is, for people to see. */
export function fill(text: string, values: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\{\{(\w+)\}\}/g, (whole, name: string) => values[name] ?? whole)
}
