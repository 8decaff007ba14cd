import { decodeCursor, page, pageOf, pageQuery } from '@plimsoll/kit/http/paging.ts'
import { nullable } from '@plimsoll/kit/http/shapes.ts'
import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import { listAccounts } from '../store/account-list.ts'
import type { Tables } from '../store/tables.ts'

const querystring = Type.Object({
  search: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: 'Part of the id or the name.' })),
  plan: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: 'Only this plan.' })),
  segment: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: 'Only this segment.' })),
  ...pageQuery,
})
const cursor = Type.Object({ accountId: Type.String() })

const account = Type.Object({
  accountId: Type.String(),
  name: Type.String({ description: 'Empty = not told.' }),
  plan: Type.String(),
  segment: Type.String(),
  status: nullable(Type.String({ description: 'Of its newest subscription; null = it has none.' })),
  seats: Type.Integer({ description: '0 = not known.' }),
  mrrMinor: Type.Integer({ description: 'Monthly revenue in the minor unit; 0 = not known.' }),
  currency: Type.String(),
})

export const accountsRoute = ({ reader }: ServiceContext<unknown, Tables>): Route => ({
  method: 'GET',
  url: '/v1/customer-success/accounts',
  permission: 'customer-success:read',
  schema: { summary: 'Accounts', querystring, response: { 200: pageOf(account) } },
  async handler(request) {
    const { limit, cursor: at, ...filter } = request.query as Static<typeof querystring>
    const after = decodeCursor(at, cursor)?.accountId
    const rows = await listAccounts(reader, { ...filter, ...(after !== undefined && { after }) }, limit + 1)
    return page(rows, limit, ({ accountId }) => ({ accountId }))
  },
})
