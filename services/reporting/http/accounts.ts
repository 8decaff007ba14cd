import { decodeCursor, page, pageOf, pageQuery } from '@plimsoll/kit/http/paging.ts'
import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import { accountBook } from '../store/account.ts'
import type { ReportingTables } from '../store/tables.ts'
import { accountBody, accountSchema, band } from './account-shapes.ts'

const querystring = Type.Object({
  band: Type.Optional(band),
  risk: Type.Optional(Type.Literal('open', { description: 'Only accounts with an open risk episode.' })),
  segment: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
  search: Type.Optional(
    Type.String({ minLength: 1, maxLength: 200, description: 'Part of the account’s id or name, in any case.' }),
  ),
  ...pageQuery,
})

const line = Type.Object({
  ...accountSchema.properties,
  openActions: Type.Integer({ description: 'Actions whose outcome is not known yet, without those held out.' }),
})

const cursor = Type.Object({
  severity: Type.Integer(),
  mrrMinor: Type.Integer(),
  score: Type.Number(),
  accountId: Type.String(),
})

export const accountsRoute = ({ reader }: ServiceContext<unknown, ReportingTables>): Route => ({
  method: 'GET',
  url: '/v1/reporting/accounts',
  permission: 'reporting:read',
  schema: {
    summary: 'The book of accounts, worst first',
    description: 'An open risk before none, then the worse band, then the revenue at risk, then the lower score.',
    querystring,
    response: { 200: pageOf(line) },
  },
  async handler(request) {
    const { limit, cursor: at, ...filter } = request.query as Static<typeof querystring>
    const after = decodeCursor(at, cursor)
    const lines = await accountBook(reader, { ...filter, ...(after && { after }) }, limit + 1)
    const { items, next } = page(lines, limit, ({ position }) => position)
    return { items: items.map((item) => ({ ...accountBody(item), openActions: item.openActions })), next }
  },
})
