import { nullable } from '@plimsoll/kit/http/shapes.ts'
import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import { isoDay } from '../domain/day.ts'
import { daysBetween, rangesBetween, series } from '../domain/usage-cells.ts'
import { keepsWindow } from '../domain/usage-figures.ts'
import { cellsOf } from '../store/cells.ts'
import type { Tables } from '../store/tables.ts'
import { scopeOf, scopeQuery, scopeSchema } from './analytics-scope.ts'

const querystring = Type.Object(scopeQuery)
const persons = (days: number) =>
  nullable(Type.Integer({ description: `Persons active in the ${days} days that end with it; null = not kept.` }))

const response = Type.Object({
  ...scopeSchema,
  days: Type.Array(
    Type.Object({
      day: Type.String({ format: 'date' }),
      events: Type.Integer(),
      new: Type.Integer({ description: 'Persons whose first day it is.' }),
      active1: persons(1),
      active7: persons(7),
      active28: persons(28),
      active30: persons(30),
    }),
  ),
})

export const activeRoute = (context: ServiceContext<unknown, Tables>): Route => ({
  method: 'GET',
  url: '/v1/customer-success/analytics/active',
  permission: 'customer-success:read',
  schema: {
    summary: 'Active persons day by day: exact distinct counts of the last 1, 7, 28 and 30 days',
    querystring,
    response: { 200: response },
  },
  async handler(request): Promise<Static<typeof response>> {
    const scope = await scopeOf(context, request.query as Static<typeof querystring>)
    const { subject, feature, fromDay, toDay, told } = scope
    const cells = await cellsOf(context.reader, scope, fromDay, toDay)
    const events = daysBetween(cells, feature, series.events, fromDay, toDay)
    const firsts = daysBetween(cells, feature, series.firsts, fromDay, toDay)
    const active = (width: number) => {
      const counts = rangesBetween(cells, feature, series.window(width), fromDay, toDay)
      return (i: number): number | null => (keepsWindow(subject, feature, width) ? (counts[i] ?? 0) : null)
    }
    const [active1, active7, active28, active30] = [active(1), active(7), active(28), active(30)]
    const days = Array.from(events, (count, i) => ({
      day: isoDay(fromDay + i),
      events: count,
      new: firsts[i] ?? 0,
      active1: active1(i),
      active7: active7(i),
      active28: active28(i),
      active30: active30(i),
    }))
    return { ...told, days }
  },
})
