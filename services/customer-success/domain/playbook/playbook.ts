/** What a playbook is: when an account enters it, what is done then, when it ends, and what it is to achieve. */

import type { Metric } from './account-state.ts'
import type { Condition } from './condition.ts'

export type Playbook = {
  readonly name: string
  readonly description: string
  readonly trigger: Trigger
  /** Who is eligible at the time of the trigger; everybody when left out. */
  readonly audience?: Condition
  readonly reenrolment: Reenrolment
  /** While an account is in two playbooks, only the one of the higher priority contacts it. */
  readonly priority: number
  /** Share of those triggered that is never contacted, to compare with. */
  readonly holdoutShare: number
  readonly steps: readonly Step[]
  /** Ends the enrolment as soon as it holds. */
  readonly exit?: Condition
  readonly goal: Goal
}

export type Trigger =
  | {
      readonly kind: 'event'
      readonly event: TriggerEvent
      /** Of the account, at the time of the event. */
      readonly where?: Condition
    }
  | {
      readonly kind: 'condition'
      readonly condition: Condition
      /** Days in a row, at the end of which it must hold; the last of them triggers. */
      readonly dwellDays: number
    }

export const TRIGGER_EVENTS = [
  'risk_raised',
  'risk_cleared',
  'adoption_lag',
  'feature_adopted',
  'health_changed',
  'payment_failed',
  'cancel_requested',
  'ticket_opened',
  'detractor',
] as const

export type TriggerEvent = (typeof TRIGGER_EVENTS)[number]

export type Reenrolment =
  | { readonly kind: 'asMatches' }
  | { readonly kind: 'maxN'; readonly n: number }
  | { readonly kind: 'maxNPerDays'; readonly n: number; readonly days: number }

export type Goal = {
  readonly metric: Metric
  /** Which way is better. */
  readonly direction: 'up' | 'down'
  /** Level to be reached; any movement that way when left out. */
  readonly target?: number
  readonly windowDays: number
  /** The least difference between the arms worth the work: too few accounts to see it are too few to judge by. */
  readonly leastEffect: number
}

/** `next` names the step after it; the one below when left out. Steps only lead downwards, so every enrolment ends. */
export type Step = { readonly id: string; readonly next?: string } & Do

export type Do =
  | { readonly kind: 'wait'; readonly hours: number }
  | { readonly kind: 'branch'; readonly when: Condition; readonly yes: string; readonly no: string }
  | { readonly kind: 'task'; readonly title: string; readonly assignee?: string }
  | { readonly kind: 'in_app'; readonly to?: string; readonly title: string; readonly text: string }
  | ({ readonly kind: 'email'; readonly to?: string; readonly subject: string; readonly text: string } & Tries)
  | ({ readonly kind: 'slack'; readonly text: string } & Tries)
  | ({ readonly kind: 'webhook'; readonly url: string; readonly fields?: Readonly<Record<string, string>> } & Tries)
  | ({ readonly kind: 'crm'; readonly fields: Readonly<Record<string, string>> } & Tries)

type Tries = {
  /** Attempts before the step is dead. */
  readonly tries?: number
}

/** Where an enrolment ends. */
export const END = 'end'

export type DefinitionProblem = { readonly field: string; readonly expected: string }

/** What is wrong with a definition whose shape is right. */
export function problemsOfPlaybook({ steps }: Playbook): DefinitionProblem[] {
  const problems: DefinitionProblem[] = []
  const placeOf = new Map(steps.map(({ id }, index) => [id, index] as const).reverse())
  steps.forEach((step, index) => {
    if (step.id === END || placeOf.get(step.id) !== index)
      problems.push({ field: `/steps/${index}/id`, expected: `a name no other step has, and not "${END}"` })
    for (const [name, target] of Object.entries(targetsOf(step))) {
      if (target !== END && !((placeOf.get(target) ?? -1) > index))
        problems.push({ field: `/steps/${index}/${name}`, expected: `the id of a step below, or "${END}"` })
    }
  })
  return problems
}

function targetsOf(step: Step): Record<string, string> {
  const branches = step.kind === 'branch' ? { yes: step.yes, no: step.no } : {}
  return { ...branches, ...(step.next !== undefined && { next: step.next }) }
}

/** The step after one, by id; END after the last. */
export function stepAfter({ steps }: Playbook, { id, next }: Step): string {
  return next ?? steps[steps.findIndex((step) => step.id === id) + 1]?.id ?? END
}

/** Whether a goal is reached; unknown values reach nothing. */
export function isReached(goal: Goal, before: number | undefined, after: number | undefined): boolean {
  if (after === undefined) return false
  if (goal.target !== undefined) return goal.direction === 'up' ? after >= goal.target : after <= goal.target
  if (before === undefined) return false
  return goal.direction === 'up' ? after > before : after < before
}
