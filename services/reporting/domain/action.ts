import type { EventValue } from '@plimsoll/contracts/events.ts'
import type { ActionArm, ActionMode } from '@plimsoll/contracts/generated/types.ts'

type Triggered = EventValue<'plimsoll.customer_success.v1.ActionTriggered'>
type OutcomeRecorded = EventValue<'plimsoll.customer_success.v1.ActionOutcomeRecorded'>

/** An enrolment of an account in a playbook, or an action somebody started. Times are ms since the epoch. */
export type Action = {
  readonly actionId: string
  readonly accountId: string
  readonly playbook: string
  /** Null of one whose beginning was never seen: its facts have aged out. */
  readonly mode: ActionMode | null
  /** `holdout` and `control` are never contacted. */
  readonly arm: ActionArm
  readonly triggeredAt: number
  readonly reason: string
  /** Null while it is open. */
  readonly outcome: Outcome | null
}

export type Outcome = Pick<OutcomeRecorded, 'at' | 'metric' | 'before' | 'after' | 'reached'>

/** Repeated after its outcome, it stays closed. */
export function foldTriggered(current: Action | undefined, event: Triggered): Action {
  const { actionId, accountId, playbook, mode, arm, at, reason } = event
  return { actionId, accountId, playbook, mode, arm, triggeredAt: at, reason, outcome: current?.outcome ?? null }
}

export function foldOutcome(current: Action | undefined, event: OutcomeRecorded): Action {
  const { actionId, accountId, playbook, arm, triggeredAt, at, metric, before, after, reached } = event
  return {
    ...(current ?? { actionId, accountId, playbook, mode: null, arm, triggeredAt, reason: '' }),
    outcome: { at, metric, before, after, reached },
  }
}
