import { nullable, time } from '@plimsoll/kit/http/shapes.ts'
import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import { bookFigures } from '../store/account.ts'
import { readHead } from '../store/head.ts'
import type { ReportingTables } from '../store/tables.ts'
import { iso } from './shapes.ts'

const response = Type.Object({
  asOf: nullable(time('Event time of the newest fact about an account.')),
  accounts: Type.Integer(),
  bands: Type.Object({
    healthy: Type.Integer(),
    at_risk: Type.Integer(),
    churn_risk: Type.Integer(),
    unknown: Type.Integer(),
  }),
  segments: Type.Array(Type.Object({ segment: Type.String(), accounts: Type.Integer() }), {
    description: 'Of accounts whose segment is known, by name.',
  }),
  openRisks: Type.Integer({ description: 'Accounts with an open risk episode.' }),
  mrrAtRisk: Type.Array(
    Type.Object({ currency: Type.String(), minor: Type.Integer({ description: 'In the minor unit.' }) }),
    { description: 'Monthly revenue of the accounts with an open risk episode, largest first.' },
  ),
})

export const bookRoute = ({ reader }: ServiceContext<unknown, ReportingTables>): Route => ({
  method: 'GET',
  url: '/v1/reporting/book',
  permission: 'reporting:read',
  schema: { summary: 'The book of accounts in figures', response: { 200: response } },
  async handler(): Promise<Static<typeof response>> {
    const [head, { bands, segments, revenue }] = await Promise.all([readHead(reader), bookFigures(reader)])
    const counts = { healthy: 0, at_risk: 0, churn_risk: 0, unknown: 0 }
    for (const { band, accounts } of bands) counts[band] = accounts
    return {
      asOf: head.accountsAsOf === null ? null : iso(head.accountsAsOf),
      accounts: bands.reduce((sum, { accounts }) => sum + accounts, 0),
      bands: counts,
      segments,
      openRisks: bands.reduce((sum, { risks }) => sum + risks, 0),
      mrrAtRisk: revenue,
    }
  },
})
