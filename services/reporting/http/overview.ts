import { nullable } from '@plimsoll/kit/http/shapes.ts'
import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { Type } from 'typebox'
import { serviceLines } from '../domain/overview.ts'
import { readHead } from '../store/head.ts'
import { closedSince, serviceBaselines, serviceRegressions } from '../store/overview.ts'
import type { ReportingTables } from '../store/tables.ts'
import { iso } from './shapes.ts'

const dayMs = 86_400_000

const serviceSchema = Type.Object({
  service: Type.String(),
  environment: Type.String(),
  state: Type.String({ description: 'confirmed, suspected or normal: the worst of its open regressions.' }),
  confirmed: Type.Integer({ description: 'Open confirmed regressions.' }),
  suspected: Type.Integer({ description: 'Open suspected regressions.' }),
  cost: Type.Number({ description: 'Extra ms x req/s over its open regressions.' }),
  throughput: nullable(Type.Number({ description: 'Requests per second.' })),
  errorRate: nullable(Type.Number({ description: 'Errors in % of requests.' })),
  series: Type.Integer({ description: 'Series with a baseline.' }),
  firm: Type.Integer({ description: 'Of them with a firm one.' }),
  headline: nullable(
    Type.Object(
      {
        endpoint: Type.String(),
        method: Type.String(),
        metric: Type.String(),
        unit: Type.String(),
        before: Type.Number({ description: 'The baseline: p95 of a latency.' }),
        after: nullable(Type.Number({ description: 'Since the onset; null while nothing is open.' })),
      },
      { description: 'The one series that stands for the service: its worst open regression, else its busiest one.' },
    ),
  ),
})

const response = Type.Object({
  asOf: nullable(Type.String({ format: 'date-time', description: 'Event time of the newest fact about a service.' })),
  lagSeconds: nullable(
    Type.Number({ description: 'Wall clock minus asOf. Quiet services publish few facts: large is not broken.' }),
  ),
  counts: Type.Object({
    services: Type.Integer(),
    baselines: Type.Integer(),
    firmBaselines: Type.Integer(),
    confirmed: Type.Integer(),
    suspected: Type.Integer(),
    resolvedLastDay: Type.Integer(),
    acceptedLastDay: Type.Integer(),
  }),
  services: Type.Array(serviceSchema, { description: 'Worst first.' }),
})

export const overviewRoute = ({ reader, clock }: ServiceContext<unknown, ReportingTables>): Route => ({
  method: 'GET',
  url: '/v1/reporting/overview',
  permission: 'reporting:read',
  schema: { summary: 'All services, worst first', response: { 200: response } },
  async handler() {
    const now = clock.now()
    const [{ servicesAsOf: asOf }, baselines, regressions, closed] = await Promise.all([
      readHead(reader),
      serviceBaselines(reader),
      serviceRegressions(reader),
      closedSince(reader, new Date(now - dayMs)),
    ])
    const services = serviceLines(baselines, regressions)
    const total = (pick: (line: (typeof services)[number]) => number) =>
      services.reduce((sum, line) => sum + pick(line), 0)
    return {
      asOf: asOf === null ? null : iso(asOf),
      lagSeconds: asOf === null ? null : Math.max(0, (now - asOf) / 1000),
      counts: {
        services: services.length,
        baselines: total((line) => line.series),
        firmBaselines: total((line) => line.firm),
        confirmed: total((line) => line.confirmed),
        suspected: total((line) => line.suspected),
        resolvedLastDay: closed.resolved,
        acceptedLastDay: closed.accepted,
      },
      services,
    }
  },
})
