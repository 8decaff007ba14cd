/** One enrolment: eligibility, re-enrolment and arm decided, the row and the fact of it. */

import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import type { OutgoingEvent } from '@plimsoll/kit/lanes/processor.ts'
import { DAY_MS } from '../domain/day.ts'
import { type AccountState, metricOf } from '../domain/playbook/account-state.ts'
import { holds } from '../domain/playbook/condition.ts'
import { type Enrolled, mayEnrol } from '../domain/playbook/enrolment.ts'
import { END } from '../domain/playbook/playbook.ts'
import { MANUAL_GOAL, type ManualAction } from '../domain/playbook/ready.ts'
import { type ActionRow, insertAction } from '../store/actions.ts'
import type { ActivePlaybook, StoredPlaybook } from '../store/playbooks.ts'
import { assign } from './assignment.ts'

export type Occasion = {
  readonly atMs: number
  readonly userId: string
  readonly episodeId: string
  readonly reason: string
}

/** Enrols an account where the playbook lets it in; undefined otherwise. Both arms get their row here and now. */
export async function enrol(
  tx: WorkerTransaction,
  playbook: ActivePlaybook,
  state: AccountState,
  occasion: Occasion,
  { earlier, controlShare }: { readonly earlier: readonly Enrolled[]; readonly controlShare: number },
): Promise<OutgoingEvent | undefined> {
  const { id, version, definition } = playbook
  const { audience, reenrolment, holdoutShare, goal, steps, priority } = definition
  if (audience !== undefined && !holds(audience, state)) return undefined
  if (!mayEnrol(reenrolment, earlier, occasion.atMs)) return undefined
  const { accountId } = state.snapshot
  const arm = assign(id, accountId, { control: controlShare, holdout: holdoutShare })
  const action: Action = {
    id: enrolmentId(id, accountId, occasion.atMs),
    ...{ playbook_id: id, version, priority, account_id: accountId, user_id: occasion.userId },
    ...{ mode: 'automatic', arm, holdout_share: holdoutShare, state: arm === 'treated' ? 'running' : 'observed' },
    ...{ triggered_at: new Date(occasion.atMs), episode_id: occasion.episodeId, reason: occasion.reason },
    ...{
      started_by: '',
      told: true,
      step: steps[0]?.id ?? END,
      due_at: arm === 'treated' ? new Date(occasion.atMs) : null,
    },
    ...{ goal, goal_before: metricOf(state, goal.metric) ?? null },
    window_ends_at: new Date(occasion.atMs + goal.windowDays * DAY_MS),
  }
  return (await keep(tx, action)) ? triggered(action) : undefined
}

/** The same enrolment told twice is one. */
export const enrolmentId = (playbookId: string, accountId: string, atMs: number): string =>
  `${playbookId}.${accountId}.${atMs}`

/**
 * Puts down an enrolment of before, or of elsewhere, with the arm the account was in: nothing is left to do but to see
 * what became of it. `goalBefore` is what the goal's metric was at the time, where that is known. False when it is there.
 */
export async function recordEnrolment(
  tx: WorkerTransaction,
  { id, version, definition: { priority, holdoutShare, goal } }: Pick<StoredPlaybook, 'id' | 'version' | 'definition'>,
  { accountId, arm, atMs, note, by, goalBefore }: Recorded,
): Promise<boolean> {
  return await keep(tx, {
    id: enrolmentId(id, accountId, atMs),
    ...{ playbook_id: id, version, priority, account_id: accountId, user_id: '' },
    ...{ mode: 'automatic', arm, holdout_share: holdoutShare, state: arm === 'treated' ? 'finished' : 'observed' },
    ...{ triggered_at: new Date(atMs), episode_id: '', reason: note, started_by: by, told: false },
    ...{ step: END, due_at: null, goal, goal_before: goalBefore ?? null },
    window_ends_at: new Date(atMs + goal.windowDays * DAY_MS),
  })
}

export type Recorded = {
  readonly accountId: string
  readonly arm: 'treated' | 'holdout'
  readonly atMs: number
  readonly note: string
  readonly by: string
  readonly goalBefore: number | undefined
}

/** Puts down what a person started by hand; its id. Nobody is held out, and the person does it: there are no steps. */
export async function startByHand(tx: WorkerTransaction, { accountId, kind, note, by, atMs }: ByHand): Promise<string> {
  const action: Action = {
    id: `${kind}.${accountId}.${atMs}`,
    ...{ playbook_id: kind, version: 0, priority: 0, account_id: accountId, user_id: '' },
    ...{ mode: 'manual', arm: 'treated', holdout_share: 0, state: 'finished' },
    ...{ triggered_at: new Date(atMs), episode_id: '', reason: note, started_by: by, told: false },
    ...{ step: END, due_at: null, goal: MANUAL_GOAL, goal_before: null },
    window_ends_at: new Date(atMs + MANUAL_GOAL.windowDays * DAY_MS),
  }
  await keep(tx, action)
  return action.id
}

export type ByHand = {
  readonly accountId: string
  readonly kind: ManualAction
  readonly note: string
  readonly by: string
  readonly atMs: number
}

type Action = Omit<ActionRow, 'outcome_at' | 'goal_after' | 'reached'>

const keep = (tx: WorkerTransaction, action: Action): Promise<boolean> =>
  insertAction(tx, { ...action, goal: JSON.stringify(action.goal) })

export function triggered(action: Action): OutgoingEvent {
  const atMs = action.triggered_at.getTime()
  return {
    type: 'plimsoll.customer_success.v1.ActionTriggered',
    key: action.account_id,
    time: atMs,
    value: {
      actionId: action.id,
      playbook: action.playbook_id,
      playbookVersion: action.version,
      accountId: action.account_id,
      userId: action.user_id,
      at: atMs,
      arm: action.arm,
      mode: action.mode,
      episodeId: action.episode_id,
      reason: action.reason,
    },
  }
}
