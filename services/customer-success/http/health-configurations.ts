import { decodeCursor, page, pageOf, pageQuery } from '@plimsoll/kit/http/paging.ts'
import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import { listConfigurations } from '../store/health-configurations.ts'
import type { Tables } from '../store/tables.ts'
import { configurationBody, configurationSchema } from './health-configuration-shapes.ts'

const querystring = Type.Object(pageQuery)
const cursor = Type.Object({ version: Type.Integer() })

export const healthConfigurationsRoute = ({ reader }: ServiceContext<unknown, Tables>): Route => ({
  method: 'GET',
  url: '/v1/customer-success/health/configurations',
  permission: 'customer-success:read',
  schema: {
    summary: 'Versions of weights, curves and scales, newest first; the one activated last scores',
    querystring,
    response: { 200: pageOf(configurationSchema) },
  },
  async handler(request) {
    const { limit, cursor: at } = request.query as Static<typeof querystring>
    const rows = await listConfigurations(reader, decodeCursor(at, cursor)?.version, limit + 1)
    return page(rows.map(configurationBody), limit, ({ version }) => ({ version }))
  },
})
