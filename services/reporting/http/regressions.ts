import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { Type } from 'typebox'
import { closedRegressions, openRegressions } from '../store/regression.ts'
import type { ReportingTables } from '../store/tables.ts'
import { regressionBody, regressionSchema } from './shapes.ts'

const querystring = Type.Object({
  service: Type.Optional(Type.String({ description: 'Only this service.' })),
  open: Type.Integer({ minimum: 0, maximum: 500, default: 100, description: 'Most open ones wanted.' }),
  recent: Type.Integer({ minimum: 0, maximum: 500, default: 20, description: 'Most closed ones wanted.' }),
})

const response = Type.Object({
  open: Type.Array(regressionSchema, { description: 'Suspected and confirmed, worst first.' }),
  recent: Type.Array(regressionSchema, { description: 'Resolved and accepted, newest first.' }),
})

export const regressionsRoute = ({ reader }: ServiceContext<unknown, ReportingTables>): Route => ({
  method: 'GET',
  url: '/v1/reporting/regressions',
  permission: 'reporting:read',
  schema: {
    summary: 'Regressions with their histograms before and after',
    description: 'All history and filters: GET /v1/performance/regressions.',
    querystring,
    response: { 200: response },
  },
  async handler(request) {
    const { service, open, recent } = request.query as { service?: string; open: number; recent: number }
    const only = service === undefined ? {} : { service }
    const [opened, closed] = await Promise.all([
      openRegressions(reader, { ...only, limit: open }),
      closedRegressions(reader, { ...only, limit: recent }),
    ])
    return { open: opened.map(regressionBody), recent: closed.map(regressionBody) }
  },
})
