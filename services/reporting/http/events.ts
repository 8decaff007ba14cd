import { eventStream } from '@plimsoll/kit/http/eventstream.ts'
import type { Route } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import type { Listeners } from './listeners.ts'

const headers = Type.Object({
  'last-event-id': Type.Optional(Type.String({ description: 'The last id seen: the stream goes on behind it.' })),
})

/** Below the silence after which the page takes its stream for broken. */
const heartbeatMs = 5_000

export const eventsRoute = (listeners: Listeners, maxBufferedBytes: number): Route => ({
  method: 'GET',
  url: '/v1/reporting/events',
  permission: 'reporting:read',
  schema: {
    summary: 'Changes as they happen (server-sent events)',
    description:
      '`hello` when the stream starts at its present end, `change` for each baseline or regression that changed, `reset` ' +
      'when everything has to be read again. Each has an id.',
    headers,
    response: { 200: Type.String({ description: 'text/event-stream' }) },
  },
  handler(request, reply) {
    const given = request.headers as Static<typeof headers>
    listeners.attach(eventStream(request, reply, { heartbeatMs, maxBufferedBytes }), given['last-event-id'])
    return reply
  },
})
