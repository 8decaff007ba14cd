import { nullable } from '@plimsoll/kit/http/shapes.ts'
import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import { adoptionByFeature, breadthOf } from '../domain/adoption.ts'
import { dayOf, isoDay } from '../domain/day.ts'
import { countAdoptions } from '../store/adoption.ts'
import type { Tables } from '../store/tables.ts'
import { accountsQuery, adoptionQuery, snapshotsOf } from './analytics-accounts.ts'
import { day } from './analytics-shapes.ts'
import { formatQuery, reportOf, sendReport, type Table } from './csv.ts'

const querystring = Type.Object({ ...accountsQuery, ...adoptionQuery, ...formatQuery })
const response = Type.Object({
  day: day('The figures are of the 28 days that end with it.'),
  accounts: Type.Integer({ description: 'Accounts the figures are over.' }),
  breadth: nullable(
    Type.Number({ description: 'Mean share of the core features an account is entitled to and uses.' }),
  ),
  features: Type.Array(
    Type.Object({
      feature: Type.String(),
      isCore: Type.Boolean(),
      eligible: Type.Integer({ description: 'Accounts whose plan has it and that are old enough.' }),
      adopted: Type.Integer(),
      rate: nullable(Type.Number({ description: 'adopted / eligible.' })),
      depth: nullable(Type.Number({ description: 'Uses per person who used it, where it is adopted.' })),
      everAdopted: Type.Integer({ description: 'Accounts that had adopted it by then, by its own definition.' }),
      late: Type.Integer({ description: 'Accounts that were late with it then.' }),
    }),
  ),
})
type Body = Static<typeof response>

export const adoptionRoute = (context: ServiceContext<unknown, Tables>): Route => ({
  method: 'GET',
  url: '/v1/customer-success/analytics/adoption',
  permission: 'customer-success:read',
  schema: {
    summary: 'Who uses which feature, of those who could',
    description: 'Read from all accounts in question: seconds for ten thousand.',
    querystring,
    response: { 200: reportOf(response, 'a row per feature') },
  },
  async handler(request, reply) {
    const { day: asked, leastUses, rampDays, ...filter } = request.query as Static<typeof querystring>
    const at = dayOf(asked === undefined ? context.clock.now() : Date.parse(asked))
    const rules = { leastUses, rampDays }
    const snapshots = await snapshotsOf(context, at, filter)
    const old = snapshots.filter(({ startedDay }) => at - startedDay >= rampDays)
    const breadths = old.flatMap((snapshot) => breadthOf(snapshot, rules) ?? [])
    const ids = snapshots.map(({ accountId }) => accountId)
    const counts = await countAdoptions(context.reader, ids, at)
    const body: Body = {
      day: isoDay(at),
      accounts: old.length,
      breadth: breadths.length === 0 ? null : breadths.reduce((sum, share) => sum + share, 0) / breadths.length,
      features: adoptionByFeature(snapshots, rules).map(({ rate, depth, ...feature }) => ({
        ...feature,
        rate: rate ?? null,
        depth: depth ?? null,
        ...(counts.get(feature.feature) ?? { everAdopted: 0, late: 0 }),
      })),
    }
    return sendReport(request, reply, body, featureTable)
  },
})

const featureTable = ({ features }: Body): Table => ({
  columns: ['feature', 'core', 'eligible', 'adopted', 'rate', 'depth', 'ever_adopted', 'late'],
  rows: features.map(({ feature, isCore, eligible, adopted, rate, depth, everAdopted, late }) => [
    ...[feature, isCore, eligible, adopted],
    ...[rate, depth, everAdopted, late],
  ]),
})
