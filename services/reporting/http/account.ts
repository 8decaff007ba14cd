import { appError } from '@plimsoll/kit/errors.ts'
import { nullable, time } from '@plimsoll/kit/http/shapes.ts'
import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import { accountById } from '../store/account.ts'
import { actionsOf } from '../store/action.ts'
import type { ReportingTables } from '../store/tables.ts'
import { timelineOf } from '../store/timeline.ts'
import { accountBody, accountSchema } from './account-shapes.ts'
import { iso } from './shapes.ts'

const params = Type.Object({ id: Type.String({ minLength: 1, maxLength: 1_000 }) })
const most = Type.Integer({ minimum: 0, maximum: 500, default: 50 })
const querystring = Type.Object({ actions: most, timeline: most }, { description: 'Most of each wanted.' })

const actionSchema = Type.Object({
  actionId: Type.String(),
  playbook: Type.String({ description: 'Playbook, or the kind of a manual action.' }),
  mode: nullable(Type.String({ description: 'automatic or manual; null when its beginning was never seen.' })),
  arm: Type.String({ description: 'treated, or holdout and control, who are never contacted.' }),
  triggeredAt: time('When it began.'),
  reason: Type.String(),
  outcome: nullable(
    Type.Object({
      at: time('End of the goal’s window.'),
      metric: Type.String({ description: 'Goal.' }),
      before: nullable(Type.Number()),
      after: nullable(Type.Number()),
      reached: Type.Boolean(),
    }),
  ),
})

const entrySchema = Type.Object({
  at: time('When.'),
  kind: Type.String({ description: 'band, correction, risk-raised, risk-cleared, action, outcome, adopted or lag.' }),
  subject: Type.String({ description: 'Episode, action or feature; may be empty.' }),
  text: Type.String(),
})

const response = Type.Object({
  ...accountSchema.properties,
  actions: Type.Array(actionSchema, { description: 'Open ones, then those with an outcome, newest first.' }),
  timeline: Type.Array(entrySchema, { description: 'Newest first.' }),
})

export const accountRoute = ({ reader }: ServiceContext<unknown, ReportingTables>): Route => ({
  method: 'GET',
  url: '/v1/reporting/accounts/:id',
  permission: 'reporting:read',
  schema: { summary: 'An account with its actions and its timeline', params, querystring, response: { 200: response } },
  async handler(request): Promise<Static<typeof response>> {
    const { id } = request.params as Static<typeof params>
    const wanted = request.query as Static<typeof querystring>
    const [account, actions, timeline] = await Promise.all([
      accountById(reader, id),
      actionsOf(reader, id, wanted.actions),
      timelineOf(reader, id, wanted.timeline),
    ])
    if (account === undefined) throw appError('not-found', `Nothing is known of an account "${id}" yet.`)
    return {
      ...accountBody(account),
      actions: actions.map(({ accountId: _, triggeredAt, outcome, ...action }) => ({
        ...action,
        triggeredAt: iso(triggeredAt),
        outcome: outcome === null ? null : { ...outcome, at: iso(outcome.at) },
      })),
      timeline: timeline.map(({ accountId: _, at, ...entry }) => ({ ...entry, at: iso(at) })),
    }
  },
})
