import type { Route } from '@plimsoll/kit/service.ts'
import type { FastifyRequest } from 'fastify'
import { DecodeError } from '../../decode/failure.ts'
import { cloudEventMode, fromBinary } from '../../hooks/domain/envelope.ts'
import { cloudEventHandshake } from '../../hooks/handshake.ts'
import { binaryData } from '../decode/body.ts'
import { cloudEventUsage } from '../domain/cloudevents.ts'
import { answer, bodyOf, receive, type UsageParts, usageAnswer, usageQuery } from './receive.ts'
import { headerKey } from './senderkey.ts'

/** Usage and facts as CloudEvents 1.0 over HTTP; OpenMeter's SDK sends them to an address of its own. */
export function cloudEventRoutes(parts: UsageParts): readonly Route[] {
  const route = (url: string, protocol: string): Route => ({
    method: 'POST',
    url,
    permission: 'gateway:write',
    body: 'raw',
    bodyLimitBytes: parts.bodyLimitBytes,
    rateLimit: 'none',
    senderKey: headerKey,
    schema: {
      summary: 'Usage events and facts as CloudEvents: binary, structured or batch',
      description:
        'Facts are of the types cs.ticket, cs.invoice, cs.nps, cs.subscription and cs.contact; all others are usage.',
      querystring: usageQuery,
      response: { 200: usageAnswer },
    },
    async handler(request, reply, principal) {
      const source = principal.name
      const receipt = await receive(parts, request, { source, protocol }, (receivedAt) =>
        eventsOf(request).map((event) => cloudEventUsage(event, { source, receivedAt })),
      )
      return answer(reply, request, receipt)
    },
  })
  return [
    route('/v1/cloudevents', 'cloudevents-usage'),
    route('/api/v1/events', 'openmeter'),
    cloudEventHandshake('/v1/cloudevents'),
  ]
}

/** The events of a request, in the JSON format whatever form they came in. */
function eventsOf(request: FastifyRequest): readonly unknown[] {
  const { headers } = request
  switch (cloudEventMode(headers)) {
    case 'binary':
      return [fromBinary(headers, binaryData(request.body as Buffer, headers['content-type']))]
    case 'structured':
      return [bodyOf(request)]
    case 'batch': {
      const body = bodyOf(request)
      if (!Array.isArray(body)) throw new DecodeError('a batch must be an array of events')
      return body
    }
    case undefined: {
      // Labelled as plain JSON, as OpenMeter's address takes it: an array is a batch.
      const body = bodyOf(request)
      return Array.isArray(body) ? body : [body]
    }
  }
}
