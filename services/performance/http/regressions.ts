import { decodeCursor, page, pageOf, pageQuery } from '@plimsoll/kit/http/paging.ts'
import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import { listRegressions } from '../store/queries.ts'
import type { Tables } from '../store/tables.ts'
import { placeQuery, regressionBody, regressionSchema } from './shapes.ts'

const state = Type.Union([
  Type.Literal('suspected'),
  Type.Literal('confirmed'),
  Type.Literal('accepted'),
  Type.Literal('resolved'),
])

const querystring = Type.Object({
  ...placeQuery,
  state: Type.Optional(state),
  metric: Type.Optional(Type.String({ description: 'latency, error_rate, throughput or gauge.' })),
  from: Type.Optional(Type.String({ format: 'date-time', description: 'Onset at or after.' })),
  to: Type.Optional(Type.String({ format: 'date-time', description: 'Onset before.' })),
  ...pageQuery,
})
const cursor = Type.Object({ onsetAt: Type.String(), id: Type.String() })

export const regressionsRoute = ({ reader }: ServiceContext<unknown, Tables>): Route => ({
  method: 'GET',
  url: '/v1/performance/regressions',
  permission: 'performance:read',
  schema: { summary: 'Regressions, newest onset first', querystring, response: { 200: pageOf(regressionSchema) } },
  async handler(request) {
    const { limit, cursor: at, from, to, ...filter } = request.query as Static<typeof querystring>
    const position = decodeCursor(at, cursor)
    const rows = await listRegressions(
      reader,
      {
        ...filter,
        ...(from !== undefined && { from: new Date(from) }),
        ...(to !== undefined && { to: new Date(to) }),
        ...(position && { after: { onsetAt: new Date(position.onsetAt), id: position.id } }),
      },
      limit + 1,
    )
    return page(rows.map(regressionBody), limit, ({ onsetAt, id }) => ({ onsetAt, id }))
  },
})
