/** Tables of playbooks, their enrolments and whom they may reach. */

import type { ColumnType, Generated } from 'kysely'
import type { QiniCurve, UpliftModel } from '../domain/effect/uplift.ts'
import type { GuidanceItem } from '../domain/guidance.ts'
import type { Arm } from '../domain/playbook/enrolment.ts'
import type { Goal, Playbook, TriggerEvent } from '../domain/playbook/playbook.ts'

type Json<T> = ColumnType<T, string, string>

export type ActionState = 'running' | 'observed' | 'finished' | 'exited'
export type StepOutcome = 'done' | 'sent' | 'deferred' | 'suppressed'

export type ActionTable = {
  id: string
  playbook_id: string
  version: number
  priority: number
  account_id: string
  user_id: string
  mode: 'automatic' | 'manual'
  arm: Arm
  /** Of the version it was enrolled by: what the arms' sizes are tested against. */
  holdout_share: number
  /** `observed`: held out, nothing is done. */
  state: ActionState
  triggered_at: Date
  episode_id: string
  reason: string
  started_by: string
  /** Whether ActionTriggered has been published; what a person starts is published at the next tick. */
  told: boolean
  step: string
  due_at: Date | null
  goal: Json<Goal>
  goal_before: number | null
  window_ends_at: Date
  outcome_at: ColumnType<Date | null, never, Date>
  goal_after: ColumnType<number | null, never, number | null>
  reached: ColumnType<boolean | null, never, boolean>
}

export type ActionStepTable = {
  action_id: string
  step: string
  user_id: string
  outcome: StepOutcome
  reason: string
  account_id: string
  at: Date
  effect_key: string
}

export type PlaybookTables = {
  playbook_version: {
    id: string
    version: number
    definition: Json<Playbook>
    created_at: Date
    created_by: string
  }
  playbook: { id: string; version: number; activated_at: Date; evaluated_day: number }
  playbook_match: { playbook_id: string; account_id: string; since_day: number; last_day: number }
  playbook_signal: {
    id: string
    event: TriggerEvent
    account_id: string
    user_id: string
    at: Date
    episode_id: string
    reason: string
    taken: Generated<boolean>
  }
  critical_alert: { id: string; name: string; at: Date }
  action: ActionTable
  action_step: ActionStepTable
  action_task: {
    id: string
    action_id: string
    account_id: string
    title: string
    assignee: string
    created_at: Date
    done_at: ColumnType<Date | null, never, Date>
    done_by: ColumnType<string | null, never, string>
  }
  contact: {
    account_id: string
    user_id: string
    email: string
    roles: string[]
    time_zone: string
    consent: boolean
    do_not_contact: boolean
    updated_at: Date
  }
  guidance_message: {
    id: string
    action_id: string
    account_id: string
    user_id: string
    title: string
    text: string
    created_at: Date
    dismissed_at: ColumnType<Date | null, never, Date>
  }
  guidance_item: { id: string; definition: Json<GuidanceItem>; updated_at: Date; updated_by: string }
  uplift: {
    playbook_id: string
    fitted_at: Date
    treated: number
    held_out: number
    curve: Json<QiniCurve>
    model: Json<UpliftModel>
  }
  feature_lift: { plan: string; age_band: string; feature: string; lift: number; low: number; accounts: number }
}
