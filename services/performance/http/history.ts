import { appError } from '@plimsoll/kit/errors.ts'
import { nullable, time } from '@plimsoll/kit/http/shapes.ts'
import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import { pointsOf } from '../domain/chart.ts'
import { endpointWindows, gaugeWindows, ownerIsGauge, seriesById } from '../store/queries.ts'
import type { Tables } from '../store/tables.ts'
import { iso, seriesBody, seriesSchema } from './shapes.ts'

const HOUR_MS = 3_600_000
/** Points of one answer; a wider range needs a coarser resolution. */
const MOST_POINTS = 5_000
const resolutionMs = { '1m': 60_000, '10m': 600_000, '1h': HOUR_MS } as const

const params = Type.Object({ id: Type.String({ pattern: '^[0-9]{1,16}$' }) })
const querystring = Type.Object({
  from: Type.Optional(Type.String({ format: 'date-time', description: 'Six hours before `to` when left out.' })),
  to: Type.Optional(Type.String({ format: 'date-time', description: 'The end of the latest window when left out.' })),
  resolution: Type.Optional(
    Type.Union([Type.Literal('1m'), Type.Literal('10m'), Type.Literal('1h')], {
      description: 'The finest that fits 5,000 points when left out.',
    }),
  ),
})

const response = Type.Object({
  series: seriesSchema,
  resolution: Type.String(),
  points: Type.Array(
    Type.Object({
      at: time('Start of the window.'),
      requests: Type.Number({ description: 'Readings, for a gauge.' }),
      ratePerSecond: nullable(Type.Number()),
      errorPercent: nullable(Type.Number()),
      p50Ms: nullable(Type.Number()),
      p95Ms: nullable(Type.Number()),
      p99Ms: nullable(Type.Number()),
      value: nullable(Type.Number({ description: 'Mean of a gauge.' })),
      min: nullable(Type.Number()),
      max: nullable(Type.Number()),
    }),
  ),
})

export const historyRoute = ({ reader }: ServiceContext<unknown, Tables>): Route => ({
  method: 'GET',
  url: '/v1/performance/series/:id',
  permission: 'performance:read',
  schema: {
    summary: 'A series and its windows between two times, for a chart',
    params,
    querystring,
    response: { 200: response },
  },
  async handler(request) {
    const { id } = request.params as Static<typeof params>
    const query = request.query as Static<typeof querystring>
    const series = await seriesById(reader, Number(id))
    if (series === undefined) {
      throw appError('not-found', `No series has the id ${id}; list them with GET /v1/performance/series.`)
    }
    const to = query.to === undefined ? series.latest_at : new Date(query.to)
    const from = query.from === undefined ? new Date(to.getTime() - 6 * HOUR_MS) : new Date(query.from)
    const resolution = query.resolution ?? finest(to.getTime() - from.getTime())
    if ((to.getTime() - from.getTime()) / resolutionMs[resolution] > MOST_POINTS) {
      throw appError(
        'bad-request',
        `More than ${MOST_POINTS} points: narrow the range or ask for a coarser resolution.`,
      )
    }
    const range = { from, to, resolution }
    const isGauge = await ownerIsGauge(reader, series.owner_id)
    const windows = isGauge
      ? await gaugeWindows(reader, series.owner_id, range)
      : await endpointWindows(reader, [series.owner_id], range)
    const points = pointsOf(windows, isGauge ? 'gauge' : 'endpoint').map((point) => ({ ...point, at: iso(point.at) }))
    return { series: seriesBody(series), resolution, points }
  },
})

function finest(spanMs: number): keyof typeof resolutionMs {
  if (spanMs / resolutionMs['1m'] <= MOST_POINTS) return '1m'
  return spanMs / resolutionMs['10m'] <= MOST_POINTS ? '10m' : '1h'
}
