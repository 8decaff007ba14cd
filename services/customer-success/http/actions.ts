import { writeAudit } from '@plimsoll/kit/auth/audit.ts'
import { inTransaction } from '@plimsoll/kit/db/transaction.ts'
import { appError } from '@plimsoll/kit/errors.ts'
import { decodeCursor, page, pageOf, pageQuery } from '@plimsoll/kit/http/paging.ts'
import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import { MANUAL_ACTIONS, type ManualAction } from '../domain/playbook/ready.ts'
import { startByHand } from '../events/enrol.ts'
import { storedAccounts } from '../store/account-states.ts'
import { stepsOf } from '../store/action-steps.ts'
import { listActions } from '../store/actions.ts'
import type { Tables } from '../store/tables.ts'
import { actionBody, actionSchema, actionState, arm, BASE } from './playbook-shapes.ts'

const querystring = Type.Object({
  accountId: Type.Optional(Type.String({ maxLength: 500 })),
  playbook: Type.Optional(Type.String({ maxLength: 100 })),
  state: Type.Optional(actionState),
  arm: Type.Optional(arm),
  ...pageQuery,
})
const cursor = Type.Object({ triggeredAt: Type.String(), id: Type.String() })

export const actionsRoute = ({ reader }: ServiceContext<unknown, Tables>): Route => ({
  method: 'GET',
  url: `${BASE}/actions`,
  permission: 'customer-success:read',
  schema: {
    summary: 'Enrolments and manual actions, newest first',
    querystring,
    response: { 200: pageOf(actionSchema) },
  },
  async handler(request) {
    const { limit, cursor: at, playbook, ...filter } = request.query as Static<typeof querystring>
    const position = decodeCursor(at, cursor)
    const before = position && { triggeredAt: new Date(position.triggeredAt), id: position.id }
    const rows = await listActions(
      reader,
      { ...filter, ...(playbook !== undefined && { playbookId: playbook }), ...(before && { before }) },
      limit + 1,
    )
    return page(rows.map(actionBody), limit, ({ triggeredAt, id }) => ({ triggeredAt, id }))
  },
})

const params = Type.Object({ id: Type.String({ minLength: 1, maxLength: 700 }) })
const stepSchema = Type.Object({
  step: Type.String(),
  userId: Type.String(),
  outcome: Type.Enum(['done', 'sent', 'deferred', 'suppressed']),
  reason: Type.String({ description: 'Why it was put off, or not done at all.' }),
  at: Type.String({ format: 'date-time' }),
  effectKey: Type.String({ description: 'Of the effect in the ledger; empty when it needs none.' }),
})

export const actionStepsRoute = ({ reader }: ServiceContext<unknown, Tables>): Route => ({
  method: 'GET',
  url: `${BASE}/actions/:id/steps`,
  permission: 'customer-success:read',
  schema: {
    summary: 'What each step came to, and for whom; and why not',
    params,
    response: { 200: Type.Object({ items: Type.Array(stepSchema) }) },
  },
  async handler(request) {
    const rows = await stepsOf(reader, (request.params as Static<typeof params>).id)
    const items = rows.map(({ step, user_id, outcome, reason, at, effect_key }) => ({
      ...{ step, userId: user_id, outcome, reason, at: at.toISOString(), effectKey: effect_key },
    }))
    return { items }
  },
})

const body = Type.Object(
  {
    accountId: Type.String({ minLength: 1, maxLength: 500 }),
    kind: Type.Enum(Object.keys(MANUAL_ACTIONS)),
    note: Type.String({ default: '', maxLength: 2_000, description: 'Why, for people.' }),
  },
  { additionalProperties: false },
)

export const actionStartRoute = ({ db, reader, clock }: ServiceContext<unknown, Tables>): Route => ({
  method: 'POST',
  url: `${BASE}/actions`,
  permission: 'customer-success:write',
  schema: {
    summary: 'Put down an action that a person starts by hand',
    description: `Kinds: ${Object.entries(MANUAL_ACTIONS)
      .map(([kind, name]) => `${kind} (${name})`)
      .join(', ')}.`,
    body,
    response: { 201: Type.Object({ id: Type.String() }) },
  },
  async handler(request, reply, principal) {
    const { accountId, kind, note } = request.body as Static<typeof body>
    const day = await storedAccounts.latestDay(reader)
    if (day === undefined || (await storedAccounts.at(reader, day, [accountId])).length === 0)
      throw appError('not-found', `There is no account ${accountId}; list them with GET ${BASE}/accounts.`)
    const atMs = clock.now()
    const id = await inTransaction(db, async (tx) => {
      const started = { accountId, kind: kind as ManualAction, note, by: principal.name, atMs }
      const actionId = await startByHand(tx, started)
      await writeAudit(tx, { principal, action: 'action.started', target: actionId, detail: { note }, timeMs: atMs })
      return actionId
    })
    return reply.status(201).send({ id })
  },
})
