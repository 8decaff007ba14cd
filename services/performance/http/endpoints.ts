import { decodeCursor, page, pageOf, pageQuery } from '@plimsoll/kit/http/paging.ts'
import { nullable } from '@plimsoll/kit/http/shapes.ts'
import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import { redOf } from '../domain/chart.ts'
import { type EndpointItem, endpointWindows, listEndpoints, type StoredWindow } from '../store/queries.ts'
import type { Tables } from '../store/tables.ts'
import { placeQuery } from './shapes.ts'

const HOUR_MS = 3_600_000

const querystring = Type.Object({ ...placeQuery, ...pageQuery })
const cursor = Type.Object({ id: Type.Integer() })

const item = Type.Object({
  id: Type.String(),
  source: Type.String({ description: 'Who sends it.' }),
  service: Type.String(),
  environment: Type.String(),
  endpoint: Type.String(),
  method: Type.String(),
  instrument: Type.String({ description: 'Metric family, or `spans`.' }),
  lastHour: Type.Object({
    requests: Type.Number(),
    ratePerSecond: nullable(Type.Number({ description: 'Mean over the minutes seen.' })),
    errorPercent: nullable(Type.Number({ description: 'Null when no series states the outcome.' })),
    p50Ms: nullable(Type.Number()),
    p95Ms: nullable(Type.Number()),
    p99Ms: nullable(Type.Number()),
  }),
})

export const endpointsRoute = ({ reader, clock }: ServiceContext<unknown, Tables>): Route => ({
  method: 'GET',
  url: '/v1/performance/endpoints',
  permission: 'performance:read',
  schema: {
    summary: 'Endpoints with rate, errors and latency of the last hour',
    querystring,
    response: { 200: pageOf(item) },
  },
  async handler(request) {
    const { limit, cursor: at, ...filter } = request.query as Static<typeof querystring>
    const after = decodeCursor(at, cursor)?.id
    const rows = await listEndpoints(reader, { ...filter, ...(after !== undefined && { after }) }, limit + 1)
    const now = clock.now()
    const windows = await endpointWindows(
      reader,
      rows.map(({ id }) => id),
      { from: new Date(now - HOUR_MS), to: new Date(now + HOUR_MS), resolution: '1m' },
    )
    const byEndpoint = Map.groupBy(windows, ({ owner_id }) => owner_id)
    return page(
      rows.map((row) => bodyOf(row, byEndpoint.get(row.id) ?? [])),
      limit,
      ({ id }) => ({ id: Number(id) }),
    )
  },
})

function bodyOf(row: EndpointItem, windows: readonly StoredWindow[]): Static<typeof item> {
  const { source, service, environment, endpoint, method, instrument } = row
  return {
    id: String(row.id),
    ...{ source, service, environment, endpoint, method, instrument },
    lastHour: redOf(windows),
  }
}
