import { decodeCursor, page, pageOf, pageQuery } from '@plimsoll/kit/http/paging.ts'
import { time } from '@plimsoll/kit/http/shapes.ts'
import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import { listServices } from '../store/queries.ts'
import type { Tables } from '../store/tables.ts'
import { iso, placeQuery } from './shapes.ts'

const querystring = Type.Object({ environment: placeQuery.environment, ...pageQuery })
const cursor = Type.Object({ service: Type.String(), environment: Type.String() })

const item = Type.Object({
  service: Type.String(),
  environment: Type.String(),
  series: Type.Integer({ description: 'Series watched.' }),
  openRegressions: Type.Integer({ description: 'Suspected and confirmed ones.' }),
  latestAt: time('End of the latest window.'),
})

export const servicesRoute = ({ reader }: ServiceContext<unknown, Tables>): Route => ({
  method: 'GET',
  url: '/v1/performance/services',
  permission: 'performance:read',
  schema: { summary: 'Services that are watched, by name', querystring, response: { 200: pageOf(item) } },
  async handler(request) {
    const { limit, cursor: at, ...filter } = request.query as Static<typeof querystring>
    const after = decodeCursor(at, cursor)
    const rows = await listServices(reader, { ...filter, ...(after && { after }) }, limit + 1)
    const items = rows.map((row) => ({ ...row, latestAt: iso(row.latestAt) }))
    return page(items, limit, ({ service, environment }) => ({ service, environment }))
  },
})
