import { appError } from '@plimsoll/kit/errors.ts'
import { nullable } from '@plimsoll/kit/http/shapes.ts'
import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import type { CustomerSuccessConfig } from '../config.ts'
import { breadthOf } from '../domain/adoption.ts'
import { dayOf, isoDay } from '../domain/day.ts'
import type { AccountSnapshot } from '../domain/snapshot.ts'
import { usualDefinition } from '../events/adoption.ts'
import { type AdoptionRow, adoptionDefinitions, adoptionLags, adoptions, type LagRow } from '../store/adoption.ts'
import { loadSnapshots } from '../store/snapshot.ts'
import type { Tables } from '../store/tables.ts'
import { definitionSchema } from './adoption-definition.ts'
import { day } from './analytics-shapes.ts'
import { accountParams } from './health-shapes.ts'

const feature = Type.Object({
  feature: Type.String(),
  isCore: Type.Boolean(),
  isEntitled: Type.Boolean({ description: 'Its plan includes it.' }),
  uses28: Type.Integer({ description: 'In the last 28 days.' }),
  users28: Type.Integer({ description: 'Persons who used it in the last 28 days.' }),
  firstUsedOn: nullable(day('Null: never used.')),
  adoptedOn: nullable(day('When it was first used often enough; it stays adopted.')),
  definition: definitionSchema,
  lag: nullable(
    Type.Object({
      raisedOn: day('Since when it is late.'),
      usualDays: Type.Integer({ description: 'Three of four accounts like it that adopt it had by then.' }),
      adopters: Type.Integer({ description: 'Accounts that is known from.' }),
      closedOn: nullable(day('Null: it is still late.')),
      outcome: nullable(Type.String({ description: 'adopted, or void: it left, or its plan has it no more.' })),
    }),
  ),
})

const response = Type.Object({
  accountId: Type.String(),
  day: day('As known at its end.'),
  breadth: nullable(Type.Number({ description: 'Share of the core features of its plan used in 28 days.' })),
  features: Type.Array(feature),
})

export const accountAdoptionRoute = ({
  reader,
  clock,
  config,
}: ServiceContext<CustomerSuccessConfig, Tables>): Route => ({
  method: 'GET',
  url: '/v1/customer-success/accounts/:id/adoption',
  permission: 'customer-success:read',
  schema: {
    summary: 'Which features an account has adopted and when, and which it is late with',
    params: accountParams,
    response: { 200: response },
  },
  async handler(request): Promise<Static<typeof response>> {
    const { id } = request.params as Static<typeof accountParams>
    const [snapshot] = await loadSnapshots(reader, dayOf(clock.now()), [id])
    if (snapshot === undefined) {
      throw appError(
        'not-found',
        `No account ${id} has begun to use anything; list accounts with GET /v1/customer-success/accounts.`,
      )
    }
    const [adopted, lags, definitions] = await Promise.all([
      adoptions(reader, id),
      adoptionLags(reader, id),
      adoptionDefinitions(reader),
    ])
    return {
      accountId: id,
      day: isoDay(snapshot.day),
      breadth: breadthOf(snapshot, { leastUses: 1, rampDays: 0 }) ?? null,
      features: snapshot.features.map((use) => ({
        ...useBody(use, adopted.get(id)?.get(use.feature)),
        definition: definitions.get(use.feature) ?? usualDefinition(config),
        lag: lagBody(lags.get(id)?.get(use.feature)),
      })),
    }
  },
})

function useBody(use: AccountSnapshot['features'][number], adopted: AdoptionRow | undefined) {
  const { feature: name, isCore, isEntitled, uses28, users28, firstDay } = use
  return {
    ...{ feature: name, isCore, isEntitled, uses28, users28 },
    firstUsedOn: firstDay === undefined ? null : isoDay(firstDay),
    adoptedOn: adopted === undefined ? null : isoDay(adopted.adopted_day),
  }
}

function lagBody(row: LagRow | undefined): Static<typeof feature>['lag'] {
  if (row === undefined) return null
  return {
    raisedOn: isoDay(row.raised_day),
    usualDays: row.usual_days,
    adopters: row.adopters,
    closedOn: row.closed_day === null ? null : isoDay(row.closed_day),
    outcome: row.outcome,
  }
}
