import { decodeCursor, page, pageOf, pageQuery } from '@plimsoll/kit/http/paging.ts'
import { nullable, time } from '@plimsoll/kit/http/shapes.ts'
import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import { type BaselineItem, listBaselines } from '../store/queries.ts'
import type { Tables } from '../store/tables.ts'
import { iso, placeQuery, summarySchema } from './shapes.ts'

const firmness = Type.Union([Type.Literal('provisional'), Type.Literal('firm')])

const querystring = Type.Object({
  ...placeQuery,
  endpoint: Type.Optional(Type.String({ description: 'Only this endpoint.' })),
  metric: Type.Optional(Type.String({ description: 'latency, error_rate, throughput or gauge.' })),
  firmness: Type.Optional(firmness),
  ...pageQuery,
})
const cursor = Type.Object({ seriesId: Type.Integer() })

const item = Type.Object({
  seriesId: Type.String(),
  service: Type.String(),
  environment: Type.String(),
  endpoint: Type.String(),
  method: Type.String(),
  metric: Type.String(),
  quantile: Type.String(),
  unit: Type.String(),
  firmness,
  from: time('Start of the data behind it.'),
  timestamp: time('Window that established it.'),
  release: Type.String(),
  value: Type.Number({ description: 'p95, error rate in %, requests/s, or the median of a gauge.' }),
  latency: nullable(summarySchema),
  acceptedShare: Type.Number({ description: 'Share of windows accepted as normal, 0..1.' }),
})

export const baselinesRoute = ({ reader }: ServiceContext<unknown, Tables>): Route => ({
  method: 'GET',
  url: '/v1/performance/baselines',
  permission: 'performance:read',
  schema: { summary: 'What is normal for each series', querystring, response: { 200: pageOf(item) } },
  async handler(request) {
    const { limit, cursor: at, ...filter } = request.query as Static<typeof querystring>
    const after = decodeCursor(at, cursor)?.seriesId
    const rows = await listBaselines(reader, { ...filter, ...(after !== undefined && { after }) }, limit + 1)
    return page(rows.map(bodyOf), limit, ({ seriesId }) => ({ seriesId: Number(seriesId) }))
  },
})

function bodyOf(row: BaselineItem): Static<typeof item> {
  const { service, environment, endpoint, method, metric, quantile, unit, release, value } = row
  return {
    ...{ service, environment, endpoint, method, metric, quantile, unit, release, value },
    seriesId: String(row.series_id),
    firmness: row.firmness,
    from: iso(row.from_at),
    timestamp: iso(row.at),
    latency: row.summary,
    acceptedShare: row.accepted_share,
  }
}
