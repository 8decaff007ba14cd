import { decodeCursor, page, pageOf, pageQuery } from '@plimsoll/kit/http/paging.ts'
import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import { scoreHistory } from '../store/health.ts'
import type { Tables } from '../store/tables.ts'
import { accountParams, scoreBody, scoreSchema } from './health-shapes.ts'

const querystring = Type.Object(pageQuery)
const cursor = Type.Object({ day: Type.Integer(), revision: Type.Integer() })

export const healthHistoryRoute = ({ reader }: ServiceContext<unknown, Tables>): Route => ({
  method: 'GET',
  url: '/v1/customer-success/accounts/:id/health/history',
  permission: 'customer-success:read',
  schema: {
    summary: 'Every score an account had, newest first',
    description: 'A past score is never rewritten: data that came late appends a revision of its day.',
    params: accountParams,
    querystring,
    response: { 200: pageOf(scoreSchema) },
  },
  async handler(request) {
    const { id: accountId } = request.params as Static<typeof accountParams>
    const { limit, cursor: at } = request.query as Static<typeof querystring>
    const before = decodeCursor(at, cursor)
    const rows = await scoreHistory(reader, { accountId, ...(before && { before }) }, limit + 1)
    const { items, next } = page(rows, limit, ({ day, revision }) => ({ day, revision }))
    return { items: items.map(scoreBody), next }
  },
})
