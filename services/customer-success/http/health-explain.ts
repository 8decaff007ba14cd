import { appError } from '@plimsoll/kit/errors.ts'
import { nullable } from '@plimsoll/kit/http/shapes.ts'
import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import { dayOf } from '../domain/day.ts'
import { byComponent, explain } from '../domain/health/explain.ts'
import { healthBy } from '../domain/health/score.ts'
import { type ScoreRow, scoreOn } from '../store/health.ts'
import { configurationsOf } from '../store/health-configurations.ts'
import type { Tables } from '../store/tables.ts'
import { accountParams, lineBody, lineSchema, noScore, scoreBody, scoreSchema } from './health-shapes.ts'

const querystring = Type.Object({
  from: Type.Optional(Type.String({ format: 'date', description: '28 days before `to` when left out.' })),
  to: Type.Optional(Type.String({ format: 'date', description: 'The newest score when left out.' })),
})

const response = Type.Object({
  accountId: Type.String(),
  from: scoreSchema,
  to: scoreSchema,
  change: nullable(Type.Number({ description: 'Points; null when one of the two has no score.' })),
  components: Type.Array(Type.Object({ component: Type.String(), points: Type.Number() })),
  lines: Type.Array(lineSchema, { description: 'Largest first; their points add up to `change`.' }),
})

const USUAL_DAYS = 28

export const healthExplainRoute = ({ reader }: ServiceContext<unknown, Tables>): Route => ({
  method: 'GET',
  url: '/v1/customer-success/accounts/:id/health/explain',
  permission: 'customer-success:read',
  schema: {
    summary: "Why an account's score differs between two days: lines that add up exactly",
    params: accountParams,
    querystring,
    response: { 200: response },
  },
  async handler(request): Promise<Static<typeof response>> {
    const { id } = request.params as Static<typeof accountParams>
    const query = request.query as Static<typeof querystring>
    const to = await scoreOn(reader, id, dayIn(query.to))
    if (to === undefined) throw noScore(id)
    const from = await scoreOn(reader, id, dayIn(query.from) ?? to.day - USUAL_DAYS)
    if (from === undefined) {
      throw appError('not-found', `Account ${id} has no score that early; its history tells since when it has one.`)
    }
    if (from.day > to.day) throw appError('bad-request', '`from` must not be after `to`.')
    const configurations = await configurationsOf(reader, [from.version, to.version])
    const healthOf = (row: ScoreRow) => {
      const configuration = configurations.get(row.version)
      if (configuration === undefined) throw appError('internal', `Health configuration ${row.version} is gone.`)
      return { configuration, health: healthBy(row.readings, row.template, configuration) }
    }
    const before = healthOf(from)
    const lines = explain(before.health, healthOf(to).health, before.configuration)
    return {
      accountId: id,
      from: scoreBody(from),
      to: scoreBody(to),
      change: from.score === null || to.score === null ? null : to.score - from.score,
      components: [...byComponent(lines)].map(([component, points]) => ({ component, points })),
      lines: lines.map(lineBody),
    }
  },
})

const dayIn = (date: string | undefined): number | undefined =>
  date === undefined ? undefined : dayOf(Date.parse(date))
