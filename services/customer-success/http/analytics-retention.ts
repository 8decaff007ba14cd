import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import { dayOf, isoDay } from '../domain/day.ts'
import { cohortsOf } from '../domain/retention.ts'
import { blockOf, weekOf } from '../domain/usage-cells.ts'
import { cellsOf } from '../store/cells.ts'
import type { Tables } from '../store/tables.ts'
import { scopeOf, scopeSchema, subjectQuery } from './analytics-scope.ts'
import { day, intervalOf } from './analytics-shapes.ts'

const querystring = Type.Object({ ...subjectQuery, interval: intervalOf(['week', 'month'], 'week') })
const response = Type.Object({
  ...scopeSchema,
  cohorts: Type.Array(
    Type.Object({
      from: day('First day of the interval its persons came first in.'),
      size: Type.Integer(),
      retained: Type.Array(Type.Integer(), {
        description: 'Active 1, 2, ... intervals later; the last may not be over.',
      }),
    }),
  ),
})

export const retentionRoute = (context: ServiceContext<unknown, Tables>): Route => ({
  method: 'GET',
  url: '/v1/customer-success/analytics/retention',
  permission: 'customer-success:read',
  schema: {
    summary: 'Who came first when, and how many of them come back',
    querystring,
    response: { 200: response },
  },
  async handler(request): Promise<Static<typeof response>> {
    const { interval, ...query } = request.query as Static<typeof querystring>
    const scope = await scopeOf(context, query)
    const { fromDay, toDay, told } = scope
    const seenDay = Math.max(toDay, dayOf(context.clock.now()))
    const cells = await cellsOf(context.reader, scope, fromDay, seenDay)
    const numberOf = interval === 'week' ? weekOf : blockOf
    const range = { first: numberOf(fromDay), last: numberOf(toDay), seen: numberOf(seenDay) }
    const cohorts = cohortsOf(cells, interval, range)
    return {
      ...told,
      cohorts: cohorts.map(({ startDay, size, retained }) => ({
        from: isoDay(startDay),
        size,
        retained: [...retained],
      })),
    }
  },
})
