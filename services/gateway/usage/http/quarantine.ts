import type { Clock } from '@plimsoll/kit/clock.ts'
import { decodeCursor, page, pageOf, pageQuery } from '@plimsoll/kit/http/paging.ts'
import type { EventLog } from '@plimsoll/kit/log/log.ts'
import type { Route } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import { listQuarantine, replayQuarantined } from '../quarantine.ts'

const listQuery = Type.Object(pageQuery)
const cursor = Type.Object({ id: Type.Integer() })
const idParameter = Type.Object({ id: Type.Integer({ minimum: 1, description: 'As the list shows it.' }) })

const entry = Type.Object({
  id: Type.Integer(),
  source: Type.String(),
  reason: Type.String({ description: 'too-old or too-far-ahead.' }),
  events: Type.Integer(),
  at: Type.String({ format: 'date-time', description: 'When they came.' }),
})

/** Events whose time was not believed, and taking them in after all. They are kept for 30 days. */
export function quarantineRoutes(log: EventLog, clock: Clock): readonly Route[] {
  return [
    {
      method: 'GET',
      url: '/v1/gateway/quarantine',
      permission: 'gateway:read',
      schema: {
        summary: 'Usage events that wait for somebody to say that their time is right',
        querystring: listQuery,
        response: { 200: pageOf(entry) },
      },
      async handler(request) {
        const { limit, cursor: text } = request.query as Static<typeof listQuery>
        const after = decodeCursor(text, cursor)?.id ?? 0
        const entries = await listQuarantine(log, clock.now(), after, limit + 1)
        return page(entries, limit, ({ id }) => ({ id }))
      },
    },
    {
      method: 'POST',
      url: '/v1/gateway/quarantine/:id/replay',
      permission: 'gateway:write',
      body: 'raw',
      schema: {
        summary: 'Takes quarantined events in as they are',
        params: idParameter,
        response: { 200: Type.Object({ events: Type.Integer({ description: 'Durable now.' }) }) },
      },
      async handler(request) {
        const { id } = request.params as Static<typeof idParameter>
        return { events: await replayQuarantined(log, id) }
      },
    },
  ]
}
