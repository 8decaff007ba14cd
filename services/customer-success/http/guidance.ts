import { writeAudit } from '@plimsoll/kit/auth/audit.ts'
import { inTransaction } from '@plimsoll/kit/db/transaction.ts'
import { appError } from '@plimsoll/kit/errors.ts'
import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import { DAY_MS } from '../domain/day.ts'
import { ageBandOf, type GuidanceItem, guidanceFor } from '../domain/guidance.ts'
import { shareOf } from '../events/assignment.ts'
import { storedAccounts } from '../store/account-states.ts'
import { userKey } from '../store/identity.ts'
import { hasOptedOut } from '../store/opt-outs.ts'
import { catalogue, dismissMessage, liftsFor, messagesFor, saveItem } from '../store/playbook-guidance.ts'
import type { Tables } from '../store/tables.ts'
import { BASE, idParams } from './playbook-shapes.ts'

/** A message nobody came to see is old news. */
const MESSAGE_DAYS = 30

const id = Type.String({ minLength: 1, maxLength: 500 })
const querystring = Type.Object({ userId: id, accountId: id })
const kind = Type.Enum(['message', 'checklist', 'lesson', 'story'])
const guidanceSchema = Type.Object({
  id: Type.String(),
  kind,
  title: Type.String(),
  text: Type.String(),
  url: Type.String(),
  reason: Type.String({ description: 'Why it is shown to this person now.' }),
})

export const guidanceRoute = ({ reader, clock }: ServiceContext<unknown, Tables>): Route => ({
  method: 'GET',
  url: `${BASE}/guidance`,
  permission: 'customer-success:read',
  schema: {
    summary: 'What to show a person in the product, at most three things',
    description: 'Who opted out of profiling is shown messages that were written to them, and nothing that was chosen.',
    querystring,
    response: { 200: Type.Object({ items: Type.Array(guidanceSchema) }) },
  },
  async handler(request) {
    const { userId, accountId } = request.query as Static<typeof querystring>
    const day = await storedAccounts.latestDay(reader)
    const [state] = day === undefined ? [] : await storedAccounts.at(reader, day, [accountId])
    if (state === undefined) return { items: [] }
    const { plan, startedDay } = state.snapshot
    const since = new Date(clock.now() - MESSAGE_DAYS * DAY_MS)
    const [messages, isOut, items, lifts] = await Promise.all([
      messagesFor(reader, { accountId, userId }, since),
      hasOptedOut(reader, userKey(userId)),
      catalogue(reader),
      liftsFor(reader, plan, ageBandOf(state.snapshot.day - startedDay)),
    ])
    const isShown = (item: { readonly id: string; readonly holdoutShare: number }): boolean =>
      shareOf(`${item.id}|${accountId}`) >= item.holdoutShare
    return { items: guidanceFor(state.snapshot, { messages, catalogue: isOut ? [] : items, lifts, isShown }) }
  },
})

const names = Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 200 }), { maxItems: 100 }))
const item = Type.Object(
  {
    kind: Type.Enum(['checklist', 'lesson', 'story']),
    title: Type.String({ minLength: 1, maxLength: 200 }),
    text: Type.String({ maxLength: 5_000 }),
    url: Type.Optional(Type.String({ pattern: '^https?://', maxLength: 2_000 })),
    feature: Type.String({ minLength: 1, maxLength: 200, description: 'It is done with once this is used.' }),
    segments: names,
    plans: names,
    holdoutShare: Type.Number({ default: 0.1, minimum: 0, maximum: 0.5, description: 'Accounts never shown it.' }),
  },
  { additionalProperties: false },
)

export const guidanceSaveRoute = ({ db, clock }: ServiceContext<unknown, Tables>): Route => ({
  method: 'PUT',
  url: `${BASE}/guidance/:id`,
  permission: 'customer-success:write',
  schema: { summary: 'Save an item of the catalogue', params: idParams, body: item, response: { 200: item } },
  async handler(request, _, principal) {
    const { id: target } = request.params as Static<typeof idParams>
    const definition = request.body as GuidanceItem
    const timeMs = clock.now()
    await inTransaction(db, async (tx) => {
      await saveItem(tx, target, definition, { name: principal.name, timeMs })
      await writeAudit(tx, { principal, action: 'guidance.saved', target, timeMs })
    })
    return definition
  },
})

const params = Type.Object({ id: Type.String({ minLength: 1, maxLength: 1_200 }) })

export const guidanceDismissRoute = ({ db, clock }: ServiceContext<unknown, Tables>): Route => ({
  method: 'POST',
  url: `${BASE}/guidance/messages/:id/dismiss`,
  permission: 'customer-success:write',
  schema: { summary: 'Put a message away', params, response: { 200: params } },
  async handler(request, _, principal) {
    const { id: target } = request.params as Static<typeof params>
    const timeMs = clock.now()
    await inTransaction(db, async (tx) => {
      if (!(await dismissMessage(tx, target, new Date(timeMs))))
        throw appError('conflict', `No message ${target} is shown.`)
      await writeAudit(tx, { principal, action: 'guidance.dismissed', target, timeMs })
    })
    return { id: target }
  },
})
