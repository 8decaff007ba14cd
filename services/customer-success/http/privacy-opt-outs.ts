import { writeAudit } from '@plimsoll/kit/auth/audit.ts'
import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import { inTransaction } from '@plimsoll/kit/db/transaction.ts'
import { decodeCursor, page, pageOf, pageQuery } from '@plimsoll/kit/http/paging.ts'
import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import { keyHash } from '../store/identity.ts'
import { listOptOuts, optIn, optOut } from '../store/opt-outs.ts'
import type { Tables } from '../store/tables.ts'

const URL = '/v1/customer-success/privacy/opt-outs'
const kind = Type.Union([Type.Literal('user'), Type.Literal('anonymous')])
const params = Type.Object({ kind, id: Type.String({ minLength: 1, maxLength: 500 }) })
const querystring = Type.Object(pageQuery)
const cursor = Type.Object({ key: Type.String() })
const entry = Type.Object({ kind, id: Type.String(), optedOutAt: Type.String({ format: 'date-time' }) })

export const optOutsRoute = ({ reader }: ServiceContext<unknown, Tables>): Route => ({
  method: 'GET',
  url: URL,
  permission: 'customer-success:privacy',
  schema: { summary: 'Persons who are counted but not scored', querystring, response: { 200: pageOf(entry) } },
  async handler(request) {
    const { limit, cursor: at } = request.query as Static<typeof querystring>
    const rows = await listOptOuts(reader, decodeCursor(at, cursor)?.key ?? '', limit + 1)
    const { items, next } = page(rows, limit, ({ key }) => ({ key }))
    return {
      items: items.map(({ key, opted_out_at }) => {
        const colon = key.indexOf(':')
        return { kind: key.slice(0, colon), id: key.slice(colon + 1), optedOutAt: opted_out_at.toISOString() }
      }),
      next,
    }
  },
})

export const optOutRoute = (context: ServiceContext<unknown, Tables>): Route => ({
  method: 'PUT',
  url: `${URL}/:kind/:id`,
  permission: 'customer-success:privacy',
  schema: {
    summary: 'Score nothing of a person any more',
    description:
      'Under all identifiers. The person stays in every count; scores, risks and drivers are reckoned without their use, tickets, answers and seat.',
    params,
    response: { 204: Type.Null() },
  },
  handler: change(context, 'profiling.opted-out', (tx, key, timeMs) => optOut(tx, key, timeMs)),
})

export const optInRoute = (context: ServiceContext<unknown, Tables>): Route => ({
  method: 'DELETE',
  url: `${URL}/:kind/:id`,
  permission: 'customer-success:privacy',
  schema: {
    summary: 'Score the share of a person again',
    description: 'By the identifier that was opted out; see the list.',
    params,
    response: { 204: Type.Null() },
  },
  handler: change(context, 'profiling.opted-in', (tx, key) => optIn(tx, key)),
})

/** Only what changes something is on record. */
function change(
  { db, clock }: ServiceContext<unknown, Tables>,
  action: string,
  make: (tx: WorkerTransaction, key: string, timeMs: number) => Promise<boolean>,
): Route['handler'] {
  return async (request, reply, principal) => {
    const { kind: of, id } = request.params as Static<typeof params>
    const key = `${of}:${id}`
    const timeMs = clock.now()
    await inTransaction(db, async (tx) => {
      const target = keyHash(key).toString('hex')
      if (await make(tx, key, timeMs)) await writeAudit(tx, { principal, action, target, timeMs })
    })
    return reply.status(204).send(null)
  }
}
