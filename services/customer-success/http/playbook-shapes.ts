/** Shapes of playbooks, actions and effects in answers. */

import { nullable } from '@plimsoll/kit/http/shapes.ts'
import { type Static, Type } from 'typebox'
import type { ActionRow } from '../store/actions.ts'
import { definitionShape } from './playbook-definition.ts'

export const BASE = '/v1/customer-success'

export const idParams = Type.Object({
  id: Type.String({ minLength: 1, maxLength: 100, pattern: '^[a-z0-9][a-z0-9-]*$' }),
})

const time = Type.String({ format: 'date-time' })

export const arm = Type.Enum(['treated', 'holdout', 'control'])
export const actionState = Type.Enum(['running', 'observed', 'finished', 'exited'])

export const playbookSchema = Type.Object({
  id: Type.String(),
  version: Type.Integer({ description: '0: a ready one that nobody has saved yet.' }),
  activeVersion: nullable(Type.Integer({ description: 'null: it enrols nobody.' })),
  definition: definitionShape,
})

export const actionSchema = Type.Object({
  id: Type.String(),
  playbook: Type.String({ description: 'Playbook, or the kind of a manual action.' }),
  version: Type.Integer(),
  accountId: Type.String(),
  userId: Type.String(),
  mode: Type.Enum(['automatic', 'manual']),
  arm,
  state: actionState,
  triggeredAt: time,
  reason: Type.String(),
  startedBy: Type.String(),
  step: Type.String({ description: 'Where it is.' }),
  dueAt: nullable(time),
  goal: Type.Object({ metric: Type.String(), before: nullable(Type.Number()), after: nullable(Type.Number()) }),
  windowEndsAt: time,
  reached: nullable(Type.Boolean({ description: 'null: not known yet.' })),
})

export const actionBody = (row: ActionRow): Static<typeof actionSchema> => ({
  ...{ id: row.id, playbook: row.playbook_id, version: row.version, accountId: row.account_id, userId: row.user_id },
  ...{ mode: row.mode, arm: row.arm, state: row.state, triggeredAt: row.triggered_at.toISOString() },
  ...{ reason: row.reason, startedBy: row.started_by, step: row.step, dueAt: row.due_at?.toISOString() ?? null },
  goal: { metric: row.goal.metric, before: row.goal_before, after: row.goal_after },
  ...{ windowEndsAt: row.window_ends_at.toISOString(), reached: row.reached },
})
