import { writeAudit } from '@plimsoll/kit/auth/audit.ts'
import { inTransaction } from '@plimsoll/kit/db/transaction.ts'
import { appError } from '@plimsoll/kit/errors.ts'
import { decodeCursor, page, pageOf, pageQuery } from '@plimsoll/kit/http/paging.ts'
import { nullable } from '@plimsoll/kit/http/shapes.ts'
import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import { type Tables, tables } from '../store/tables.ts'

const plans = nullable(
  Type.Array(Type.String({ minLength: 1, maxLength: 200 }), { description: 'Plans that include it; null = all.' }),
)
const feature = Type.Object({
  feature: Type.String({ description: 'Name of its events.' }),
  isCore: Type.Boolean({ description: 'Counts towards breadth and core adoption.' }),
  plans,
})
const querystring = Type.Object(pageQuery)
const cursor = Type.Object({ feature: Type.String() })
const params = Type.Object({ name: Type.String({ minLength: 1, maxLength: 500 }) })
const body = Type.Object({ isCore: Type.Boolean(), plans }, { additionalProperties: false })

export const featuresRoute = ({ reader }: ServiceContext<unknown, Tables>): Route => ({
  method: 'GET',
  url: '/v1/customer-success/features',
  permission: 'customer-success:read',
  schema: { summary: 'Features, as seen in events', querystring, response: { 200: pageOf(feature) } },
  async handler(request) {
    const { limit, cursor: at } = request.query as Static<typeof querystring>
    let query = reader
      .selectFrom('feature')
      .selectAll()
      .orderBy('name')
      .limit(limit + 1)
    const after = decodeCursor(at, cursor)?.feature
    if (after !== undefined) query = query.where('name', '>', after)
    const rows = await query.execute()
    const items = rows.map((row) => ({ feature: row.name, isCore: row.is_core, plans: row.plans }))
    return page(items, limit, (last) => ({ feature: last.feature }))
  },
})

export const defineFeatureRoute = ({ db, clock }: ServiceContext<unknown, Tables>): Route => ({
  method: 'PUT',
  url: '/v1/customer-success/features/:name',
  permission: 'customer-success:write',
  schema: {
    summary: 'Say whether a feature is core, and which plans include it',
    params,
    body,
    response: { 200: feature },
  },
  async handler(request, _reply, principal): Promise<Static<typeof feature>> {
    const { name } = request.params as Static<typeof params>
    const { isCore, plans: included } = request.body as Static<typeof body>
    return await inTransaction(db, async (tx) => {
      const changed = await tables(tx)
        .updateTable('feature')
        .set({ is_core: isCore, plans: included })
        .where('name', '=', name)
        .executeTakeFirst()
      if (changed.numUpdatedRows === 0n) throw appError('not-found', `No event has had the name "${name}" yet.`)
      const detail = { isCore, plans: included }
      await writeAudit(tx, { principal, action: 'feature.defined', target: name, detail, timeMs: clock.now() })
      return { feature: name, isCore, plans: included }
    })
  },
})
