import { appError } from '@plimsoll/kit/errors.ts'
import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import { findRegression } from '../store/queries.ts'
import type { Tables } from '../store/tables.ts'
import { regressionBody, regressionSchema } from './shapes.ts'

const params = Type.Object({ id: Type.String({ minLength: 1, maxLength: 200 }) })

export const regressionRoute = ({ reader }: ServiceContext<unknown, Tables>): Route => ({
  method: 'GET',
  url: '/v1/performance/regressions/:id',
  permission: 'performance:read',
  schema: { summary: 'One regression', params, response: { 200: regressionSchema } },
  async handler(request) {
    const { id } = request.params as Static<typeof params>
    const row = await findRegression(reader, id)
    if (row !== undefined) return regressionBody(row)
    throw appError('not-found', `No regression has the id ${id}; list them with GET /v1/performance/regressions.`)
  },
})
