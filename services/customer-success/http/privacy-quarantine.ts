import { writeAudit } from '@plimsoll/kit/auth/audit.ts'
import { inTransaction } from '@plimsoll/kit/db/transaction.ts'
import { decodeCursor, encodeCursor, page, pageOf, pageQuery } from '@plimsoll/kit/http/paging.ts'
import { nullable } from '@plimsoll/kit/http/shapes.ts'
import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import type { CustomerSuccessConfig } from '../config.ts'
import { usageLimits } from '../events/usage.ts'
import { listQuarantined, positionOf, replayQuarantined } from '../store/quarantine.ts'
import type { Tables } from '../store/tables.ts'

const URL = '/v1/customer-success/privacy/quarantine'
const querystring = Type.Object(pageQuery)
const cursor = Type.Object({ receivedAt: Type.String({ format: 'date-time' }), id: Type.String() })

const entry = Type.Object({
  id: Type.String({ description: 'Of the event, hexadecimal.' }),
  reason: Type.String({ description: 'Why it was not counted.' }),
  occurredAt: Type.String({ format: 'date-time' }),
  receivedAt: Type.String({ format: 'date-time' }),
  source: Type.String(),
  name: Type.String(),
  accountId: Type.String(),
  userId: Type.String(),
  anonymousId: Type.String(),
})

export const quarantineRoute = ({ reader }: ServiceContext<unknown, Tables>): Route => ({
  method: 'GET',
  url: URL,
  permission: 'customer-success:privacy',
  schema: {
    summary: 'Events that were not counted, and why',
    description: 'Too old or too far ahead when they were received; in the order they were received.',
    querystring,
    response: { 200: pageOf(entry) },
  },
  async handler(request) {
    const { limit, cursor: at } = request.query as Static<typeof querystring>
    const rows = await listQuarantined(reader, decodeCursor(at, cursor), limit + 1)
    const { items, next } = page(rows, limit, positionOf)
    return {
      items: items.map((row) => ({
        ...{ id: Buffer.from(row.event_id).toString('hex'), reason: row.reason, source: row.source, name: row.name },
        ...{ occurredAt: row.occurred_at.toISOString(), receivedAt: row.received_at.toISOString() },
        ...{ accountId: row.account_id, userId: row.user_id, anonymousId: row.anonymous_id },
      })),
      next,
    }
  },
})

const replayed = Type.Object({
  counted: Type.Integer({ description: 'Events that are counted now.' }),
  left: Type.Integer({ description: 'Events looked at that are still outside the limits.' }),
  next: nullable(Type.String({ description: '`cursor` to go on with; null when all were looked at.' })),
})

export const replayRoute = ({ db, clock, config }: ServiceContext<CustomerSuccessConfig, Tables>): Route => ({
  method: 'POST',
  url: `${URL}/replay`,
  permission: 'customer-success:privacy',
  schema: {
    summary: 'Count quarantined events that the limits let in now',
    description:
      'After CUSTOMER_SUCCESS_LATE_DAYS was raised. Each is counted once, however often this is called or the event is sent again; what is still outside the limits stays.',
    querystring,
    response: { 200: replayed },
  },
  async handler(request, _, principal): Promise<Static<typeof replayed>> {
    const { limit, cursor: at } = request.query as Static<typeof querystring>
    const after = decodeCursor(at, cursor)
    const timeMs = clock.now()
    return await inTransaction(db, async (tx) => {
      const { counted, left, last } = await replayQuarantined(tx, usageLimits(config), after, { limit, nowMs: timeMs })
      const detail = { counted, left }
      await writeAudit(tx, { principal, action: 'quarantine.replayed', target: 'usage', detail, timeMs })
      return { ...detail, next: last === undefined ? null : encodeCursor(last) }
    })
  },
})
