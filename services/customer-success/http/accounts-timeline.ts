import { appError } from '@plimsoll/kit/errors.ts'
import { decodeCursor, page, pageOf, pageQuery } from '@plimsoll/kit/http/paging.ts'
import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import { timelineOf } from '../store/account-list.ts'
import type { Tables } from '../store/tables.ts'

const params = Type.Object({ id: Type.String({ minLength: 1, maxLength: 255 }) })
const querystring = Type.Object(pageQuery)
const cursor = Type.Object({ at: Type.String({ format: 'date-time' }), kind: Type.String(), id: Type.String() })

const entry = Type.Object({
  at: Type.String({ format: 'date-time' }),
  kind: Type.String({ description: 'ticket, ticket_resolved, invoice, nps or subscription.' }),
  id: Type.String({ description: 'At its sender.' }),
  text: Type.String({ description: 'Severity, satisfaction, status and amount, score, or status and plan.' }),
})

export const timelineRoute = ({ reader }: ServiceContext<unknown, Tables>): Route => ({
  method: 'GET',
  url: '/v1/customer-success/accounts/:id/timeline',
  permission: 'customer-success:read',
  schema: {
    summary: 'What happened to an account, newest first',
    params,
    querystring,
    response: { 200: pageOf(entry) },
  },
  async handler(request) {
    const { id } = request.params as Static<typeof params>
    const { limit, cursor: at } = request.query as Static<typeof querystring>
    const known = await reader.selectFrom('account').select('id').where('account_id', '=', id).executeTakeFirst()
    if (known === undefined) {
      throw appError('not-found', `No account has the id ${id}; list them with GET /v1/customer-success/accounts.`)
    }
    const rows = await timelineOf(reader, id, decodeCursor(at, cursor), limit + 1)
    const entries = rows.map((row) => ({ ...row, at: row.at.toISOString() }))
    return page(entries, limit, ({ at: time, kind, id: last }) => ({ at: time, kind, id: last }))
  },
})
