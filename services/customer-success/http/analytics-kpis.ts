import { nullable } from '@plimsoll/kit/http/shapes.ts'
import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import { dayOf, isoDay } from '../domain/day.ts'
import { healthKpis, KPI_MONTH_DAYS, kpisOf } from '../domain/kpi.ts'
import type { AccountSnapshot } from '../domain/snapshot.ts'
import { lastScoredDay, standingsOn } from '../store/health.ts'
import type { Tables } from '../store/tables.ts'
import { accountsQuery, adoptionQuery, snapshotsOf } from './analytics-accounts.ts'
import { day } from './analytics-shapes.ts'

const querystring = Type.Object({ ...accountsQuery, ...adoptionQuery })
const interval = Type.Object({ low: Type.Number(), high: Type.Number() }, { description: '95 %.' })
const response = Type.Object({
  day: day('As known at its end.'),
  kpis: Type.Array(
    Type.Object({
      name: Type.String(),
      definition: Type.String(),
      value: nullable(Type.Number({ description: 'Null = nothing to take it of.' })),
      interval: nullable(interval),
      before: nullable(Type.Number({ description: 'The same 28 days earlier.' })),
      n: Type.Integer({ description: 'Accounts or answers it is taken of.' }),
      target: Type.String(),
      isMet: nullable(Type.Boolean()),
    }),
  ),
})

export const kpisRoute = (context: ServiceContext<unknown, Tables>): Route => ({
  method: 'GET',
  url: '/v1/customer-success/kpis',
  permission: 'customer-success:read',
  schema: {
    summary: 'The sheet of figures, each with its definition, interval and target',
    querystring,
    response: { 200: response },
  },
  async handler(request): Promise<Static<typeof response>> {
    const { day: asked, leastUses, rampDays, ...filter } = request.query as Static<typeof querystring>
    const at = dayOf(asked === undefined ? context.clock.now() : Date.parse(asked))
    const days = [at, at - KPI_MONTH_DAYS, at - 2 * KPI_MONTH_DAYS]
    const [now = [], month = [], earlier = []] = await Promise.all(days.map((one) => snapshotsOf(context, one, filter)))
    const rules = { leastUses, rampDays }
    // A day that is not over has no score yet.
    const scored = Math.min(at, (await lastScoredDay(context.reader)) ?? at)
    const healthOf = async (day: number, snapshots: readonly AccountSnapshot[]) => {
      const ids = new Set(snapshots.map(({ accountId }) => accountId))
      const standings = await standingsOn(context.reader, day)
      return healthKpis(standings.filter(({ accountId }) => ids.has(accountId)))
    }
    const sheet = [...(await healthOf(scored, now)), ...kpisOf(now, month, rules)]
    const past = [...(await healthOf(scored - KPI_MONTH_DAYS, month)), ...kpisOf(month, earlier, rules)]
    const before = new Map(past.map(({ name, value }) => [name, value]))
    return {
      day: isoDay(at),
      kpis: sheet.map(({ value, interval: around, isMet, ...kpi }) => ({
        ...kpi,
        value: value ?? null,
        interval: around ?? null,
        before: before.get(kpi.name) ?? null,
        isMet: isMet ?? null,
      })),
    }
  },
})
