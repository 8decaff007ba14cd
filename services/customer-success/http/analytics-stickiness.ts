import { nullable } from '@plimsoll/kit/http/shapes.ts'
import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import { isoDay } from '../domain/day.ts'
import { dauOverMau, wauOverMau } from '../domain/stickiness.ts'
import { ANY, BLOCK_DAYS, blockOf, blockStart, rangesBetween, series, valueAt } from '../domain/usage-cells.ts'
import { cellsOf } from '../store/cells.ts'
import type { Tables } from '../store/tables.ts'
import { refuseSingleFeature, scopeOf, scopeQuery, scopeSchema } from './analytics-scope.ts'
import { day } from './analytics-shapes.ts'

const querystring = Type.Object(scopeQuery)
const response = Type.Object({
  ...scopeSchema,
  days: Type.Array(
    Type.Object({
      day: day('The figures are of the 28 days that end with it.'),
      dauOverMau: nullable(Type.Number({ description: 'Mean daily active / active of 28 days; null = nobody.' })),
      wauOverMau: nullable(Type.Number({ description: 'Mean active of the four weeks / active of 28 days.' })),
    }),
  ),
  periods: Type.Array(
    Type.Object({
      from: day('A Monday.'),
      to: day('Four weeks later, on Sunday.'),
      activeDays: Type.Array(Type.Integer(), {
        description: 'Persons active on just 1, 2, ... 28 days of it. Only of any use, not of single features.',
      }),
    }),
  ),
})

export const stickinessRoute = (context: ServiceContext<unknown, Tables>): Route => ({
  method: 'GET',
  url: '/v1/customer-success/analytics/stickiness',
  permission: 'customer-success:read',
  schema: { summary: 'How often active persons come, by three definitions', querystring, response: { 200: response } },
  async handler(request): Promise<Static<typeof response>> {
    const scope = await scopeOf(context, request.query as Static<typeof querystring>)
    refuseSingleFeature(scope)
    const { feature, fromDay, toDay, told } = scope
    // The first day's month began 27 days before it.
    const start = fromDay - BLOCK_DAYS + 1
    const cells = await cellsOf(context.reader, scope, start, toDay)
    const active = (width: number) => rangesBetween(cells, feature, series.window(width), start, toDay)
    const counts = { active1: active(1), active7: active(7), active28: active(28) }
    const days = Array.from({ length: toDay - fromDay + 1 }, (_, i) => ({
      day: isoDay(fromDay + i),
      dauOverMau: dauOverMau(counts, i + BLOCK_DAYS - 1) ?? null,
      wauOverMau: wauOverMau(counts, i + BLOCK_DAYS - 1) ?? null,
    }))
    const [first, last] = [blockOf(fromDay), blockOf(toDay)]
    const blocks = feature === ANY ? Array.from({ length: last - first + 1 }, (_, i) => blockStart(first + i)) : []
    const periods = blocks.map((from) => ({
      from: isoDay(from),
      to: isoDay(from + BLOCK_DAYS - 1),
      activeDays: Array.from({ length: BLOCK_DAYS }, (_, i) => valueAt(cells, ANY, series.activeDays(i + 1), from)),
    }))
    return { ...told, days, periods }
  },
})
