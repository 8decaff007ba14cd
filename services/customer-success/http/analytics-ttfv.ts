import { nullable } from '@plimsoll/kit/http/shapes.ts'
import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import { dayOf, isoDay } from '../domain/day.ts'
import { medianOf, survivalOf } from '../domain/survival.ts'
import type { Tables } from '../store/tables.ts'
import { accountsQuery, snapshotsOf } from './analytics-accounts.ts'
import { day } from './analytics-shapes.ts'

const querystring = Type.Object({
  ...accountsQuery,
  event: Type.String({ minLength: 1, maxLength: 200, description: 'The event that means value: its name.' }),
})
const response = Type.Object({
  day: day('What is known at its end.'),
  event: Type.String(),
  accounts: Type.Integer(),
  reached: Type.Integer({ description: 'Accounts where it has happened.' }),
  medianDays: nullable(
    Type.Integer({ description: 'Days from the start until it has happened for half of all; null = not seen yet.' }),
  ),
  curve: Type.Array(
    Type.Object({
      days: Type.Integer(),
      atRisk: Type.Integer({ description: 'Accounts that had been waiting this long.' }),
      happened: Type.Integer(),
      waiting: Type.Number({ description: 'Share for which it has not happened after these days.' }),
    }),
  ),
})

export const ttfvRoute = (context: ServiceContext<unknown, Tables>): Route => ({
  method: 'GET',
  url: '/v1/customer-success/analytics/ttfv',
  permission: 'customer-success:read',
  schema: {
    summary: 'Time to first value, with those who have not got there',
    description: 'Kaplan-Meier: the mean of those who got there would leave out the ones who never will.',
    querystring,
    response: { 200: response },
  },
  async handler(request): Promise<Static<typeof response>> {
    const { day: asked, event, ...filter } = request.query as Static<typeof querystring>
    const at = dayOf(asked === undefined ? context.clock.now() : Date.parse(asked))
    const durations = (await snapshotsOf(context, at, filter)).map(({ startedDay, features }) => {
      const first = features.find(({ feature }) => feature === event)?.firstDay
      return first === undefined
        ? { days: at - startedDay, isObserved: false }
        : { days: Math.max(0, first - startedDay), isObserved: true }
    })
    const steps = survivalOf(durations)
    return {
      day: isoDay(at),
      event,
      accounts: durations.length,
      reached: durations.filter(({ isObserved }) => isObserved).length,
      medianDays: medianOf(steps) ?? null,
      curve: steps,
    }
  },
})
