import { appError } from '@plimsoll/kit/errors.ts'
import type { Route } from '@plimsoll/kit/service.ts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'

/**
 * The abuse protection handshake (CloudEvents, HTTP webhook 1.0.1, section 4): a sender asks before it delivers. Every
 * origin may send; what it may send is decided by its credentials.
 */
export const cloudEventHandshake = (url: string): Route => ({
  method: 'OPTIONS',
  url,
  permission: 'public',
  schema: {
    summary: 'Asks whether CloudEvents may be delivered here',
    response: { 200: Type.Null({ description: 'Allowed: see WebHook-Allowed-Origin and WebHook-Allowed-Rate.' }) },
  },
  handler(request: FastifyRequest, reply: FastifyReply) {
    const origin = request.headers['webhook-request-origin']
    if (typeof origin !== 'string' || origin === '') {
      throw appError('bad-request', 'The header WebHook-Request-Origin is missing: it names who wants to deliver.')
    }
    return reply
      .code(200)
      .headers({ allow: 'POST, OPTIONS', 'webhook-allowed-origin': origin, 'webhook-allowed-rate': '*' })
      .send()
  },
})
