import { appError } from '@plimsoll/kit/errors.ts'
import { nullable } from '@plimsoll/kit/http/shapes.ts'
import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import { dayOf, isoDay } from '../domain/day.ts'
import { bandsOf, movementsOf, PLACES } from '../domain/health/movement.ts'
import { lastScoredDay, standingsOn } from '../store/health.ts'
import type { Tables } from '../store/tables.ts'
import { day } from './analytics-shapes.ts'
import { formatQuery, reportOf, sendReport, type Table } from './csv.ts'

const querystring = Type.Object({
  from: Type.Optional(day('Where movements start; 28 days before `to` when left out.')),
  to: Type.Optional(day('The last day that was scored when left out.')),
  segment: Type.Optional(Type.String({ maxLength: 200 })),
  ...formatQuery,
})

const weight = {
  accounts: Type.Integer(),
  mrr: Type.Array(Type.Object({ currency: Type.String(), minor: Type.Integer() }), {
    description: 'Monthly revenue in the minor unit, largest first; of those who left what it was.',
  }),
}
const place = Type.String({ description: `${PLACES.join(', ')}.` })
const response = Type.Object({
  from: day('As known at its end, as `to`.'),
  to: day('Corrections that came later are left out of neither.'),
  mean: nullable(Type.Number({ description: 'Score over accounts that have one.' })),
  bands: Type.Array(Type.Object({ band: Type.String(), ...weight })),
  movements: Type.Array(Type.Object({ from: place, to: place, ...weight }), {
    description: 'Every account of either day once; new = had no score before, left = has none any more.',
  }),
})
type Body = Static<typeof response>

const USUAL_DAYS = 28

export const healthDistributionRoute = ({ reader }: ServiceContext<unknown, Tables>): Route => ({
  method: 'GET',
  url: '/v1/customer-success/health/distribution',
  permission: 'customer-success:read',
  schema: {
    summary: 'Accounts and revenue by band, and who moved between bands',
    querystring,
    response: { 200: reportOf(response, 'a row per movement, with the revenue of each currency') },
  },
  async handler(request, reply) {
    const { from, to, segment } = request.query as Static<typeof querystring>
    const last = to === undefined ? await lastScoredDay(reader) : dayOf(Date.parse(to))
    if (last === undefined) {
      throw appError('not-found', 'No day is scored yet: the first is when somebody has come on a later one.')
    }
    const first = from === undefined ? last - USUAL_DAYS : dayOf(Date.parse(from))
    if (first > last) throw appError('bad-request', `from (${isoDay(first)}) must not be after to (${isoDay(last)}).`)
    const [before, after] = await Promise.all([first, last].map((at) => standingsOn(reader, at, segment)))
    const scores = (after ?? []).flatMap(({ score }) => score ?? [])
    const body: Body = {
      from: isoDay(first),
      to: isoDay(last),
      mean: scores.length === 0 ? null : scores.reduce((sum, score) => sum + score, 0) / scores.length,
      bands: [...bandsOf(after ?? [])].map(([band, { accounts, mrr }]) => ({ band, accounts, mrr: [...mrr] })),
      movements: movementsOf(before ?? [], after ?? []).map((movement) => ({ ...movement, mrr: [...movement.mrr] })),
    }
    return sendReport(request, reply, body, movementTable)
  },
})

function movementTable({ movements }: Body): Table {
  const currencies = [...new Set(movements.flatMap(({ mrr }) => mrr.map(({ currency }) => currency)))].sort()
  return {
    columns: ['from', 'to', 'accounts', ...currencies.map((currency) => `mrr_minor_${currency}`)],
    rows: movements.map(({ from, to, accounts, mrr }) => [
      ...[from, to, accounts],
      ...currencies.map((currency) => mrr.find((part) => part.currency === currency)?.minor ?? 0),
    ]),
  }
}
