import { decodeCursor, page, pageOf, pageQuery } from '@plimsoll/kit/http/paging.ts'
import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import { listSeries } from '../store/queries.ts'
import type { Tables } from '../store/tables.ts'
import { placeQuery, seriesBody, seriesSchema } from './shapes.ts'

const querystring = Type.Object({
  ...placeQuery,
  endpoint: Type.Optional(Type.String({ description: 'Only this endpoint.' })),
  metric: Type.Optional(Type.String({ description: 'latency, error_rate, throughput or gauge.' })),
  ...pageQuery,
})
const cursor = Type.Object({ id: Type.Integer() })

export const seriesListRoute = ({ reader }: ServiceContext<unknown, Tables>): Route => ({
  method: 'GET',
  url: '/v1/performance/series',
  permission: 'performance:read',
  schema: { summary: 'Series that are watched', querystring, response: { 200: pageOf(seriesSchema) } },
  async handler(request) {
    const { limit, cursor: at, ...filter } = request.query as Static<typeof querystring>
    const after = decodeCursor(at, cursor)?.id
    const rows = await listSeries(reader, { ...filter, ...(after !== undefined && { after }) }, limit + 1)
    return page(rows.map(seriesBody), limit, ({ id }) => ({ id: Number(id) }))
  },
})
