import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import { isoDay } from '../domain/day.ts'
import { INTERVAL_DAYS, intervalStart, lifecycleOf } from '../domain/lifecycle.ts'
import { daysBetween, rangesBetween, series } from '../domain/usage-cells.ts'
import { cellsOf } from '../store/cells.ts'
import type { Tables } from '../store/tables.ts'
import { refuseSingleFeature, scopeOf, scopeQuery, scopeSchema } from './analytics-scope.ts'
import { day, intervalOf } from './analytics-shapes.ts'

const querystring = Type.Object({ ...scopeQuery, interval: intervalOf(['day', 'week', 'month'], 'week') })
const response = Type.Object({
  ...scopeSchema,
  intervals: Type.Array(
    Type.Object({
      from: day('First day of the interval; weeks begin on Mondays, a month is four of them.'),
      new: Type.Integer({ description: 'Active for the first time ever.' }),
      returning: Type.Integer({ description: 'Active in the interval before too.' }),
      resurrecting: Type.Integer({ description: 'Active before, but not in the interval before.' }),
      dormant: Type.Integer({ description: 'Active in the interval before, not in this one.' }),
    }),
  ),
})

export const lifecycleRoute = (context: ServiceContext<unknown, Tables>): Route => ({
  method: 'GET',
  url: '/v1/customer-success/analytics/lifecycle',
  permission: 'customer-success:read',
  schema: {
    summary: 'Active persons by what they did before: new, returning, resurrecting, dormant',
    description: 'The last interval is still under way when it holds today.',
    querystring,
    response: { 200: response },
  },
  async handler(request): Promise<Static<typeof response>> {
    const { interval, ...query } = request.query as Static<typeof querystring>
    const scope = await scopeOf(context, query)
    refuseSingleFeature(scope)
    const { feature, toDay, told } = scope
    const length = INTERVAL_DAYS[interval]
    const start = intervalStart(interval, scope.fromDay)
    const count = Math.floor((toDay - start) / length) + 1
    const [first, end] = [start - length, start + count * length - 1]
    const cells = await cellsOf(context.reader, scope, first, end)
    const active = rangesBetween(cells, feature, series.window(length), first, end)
    const either = rangesBetween(cells, feature, series.window(2 * length), first, end)
    const firsts = daysBetween(cells, feature, series.firsts, first, end)
    const intervals = Array.from({ length: count }, (_, i) => {
      const last = (i + 2) * length - 1
      const counts = {
        active: active[last] ?? 0,
        activeBefore: active[last - length] ?? 0,
        activeInEither: either[last] ?? 0,
        firsts: firsts.subarray(last - length + 1, last + 1).reduce((sum, n) => sum + n, 0),
      }
      return { from: isoDay(start + i * length), ...lifecycleOf(counts) }
    })
    return { ...told, intervals }
  },
})
