import { appError } from '@plimsoll/kit/errors.ts'
import { nullable } from '@plimsoll/kit/http/shapes.ts'
import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import { COMPONENTS } from '../domain/health/metrics.ts'
import { componentsOf, healthBy } from '../domain/health/score.ts'
import { latestScore, scoresAt } from '../store/health.ts'
import { configurationsOf } from '../store/health-configurations.ts'
import { learnedOf } from '../store/model.ts'
import type { Tables } from '../store/tables.ts'
import { accountParams, noScore, scoreBody, scoreSchema } from './health-shapes.ts'
import { learnedBody, learnedSchema } from './model-shapes.ts'

const trend = (days: number) =>
  nullable(Type.Number({ description: `Score minus that of ${days} days before; null when one is missing.` }))

const response = Type.Object({
  accountId: Type.String(),
  ...scoreSchema.properties,
  trend7: trend(7),
  trend28: trend(28),
  trend84: trend(84),
  learned: nullable(learnedSchema),
  components: Type.Array(
    Type.Object({
      name: Type.String({ description: `One of ${COMPONENTS.join(', ')}.` }),
      value: nullable(Type.Number({ description: '0 to 100; null without data.' })),
      weight: Type.Number({ description: 'Share of the score, 0 to 1.' }),
      confidence: Type.Number(),
    }),
  ),
})

export const healthRoute = ({ reader }: ServiceContext<unknown, Tables>): Route => ({
  method: 'GET',
  url: '/v1/customer-success/accounts/:id/health',
  permission: 'customer-success:read',
  schema: { summary: 'The health of an account', params: accountParams, response: { 200: response } },
  async handler(request): Promise<Static<typeof response>> {
    const { id } = request.params as Static<typeof accountParams>
    const row = await latestScore(reader, id)
    if (row === undefined) throw noScore(id)
    const configuration = (await configurationsOf(reader, [row.version])).get(row.version)
    if (configuration === undefined) throw appError('internal', `Health configuration ${row.version} is gone.`)
    const [trend7, trend28, trend84] = await Promise.all(
      [7, 28, 84].map(async (days) => {
        const before = (await scoresAt(reader, row.day - days, [id])).get(id)?.score ?? null
        return row.score === null || before === null ? null : row.score - before
      }),
    )
    const components = componentsOf(healthBy(row.readings, row.template, configuration), configuration)
    return {
      accountId: id,
      ...scoreBody(row),
      trend7: trend7 ?? null,
      trend28: trend28 ?? null,
      trend84: trend84 ?? null,
      learned: learnedBody((await learnedOf(reader, [id])).get(id)),
      components: components.map((component) => ({ ...component, value: component.value ?? null })),
    }
  },
})
