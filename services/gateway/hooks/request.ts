import { appError } from '@plimsoll/kit/errors.ts'
import type { FastifyRequest } from 'fastify'
import type { Reception } from './domain/fact.ts'

/** The raw body of a hook; throws `unsupported-media-type` for a compressed one, which no sender of hooks makes. */
export function rawBody(request: FastifyRequest): Uint8Array {
  const encoding = request.headers['content-encoding']
  if (encoding !== undefined && encoding !== 'identity') {
    throw appError('unsupported-media-type', `Send the body as it is: content-encoding ${encoding} is not taken here.`)
  }
  return request.body instanceof Uint8Array ? request.body : new Uint8Array()
}

/** The body as JSON whatever content type it claims; throws `bad-request`. */
export function jsonBody(request: FastifyRequest): unknown {
  const body = rawBody(request)
  const type = request.headers['content-type'] ?? ''
  if (type.startsWith('application/x-www-form-urlencoded')) {
    throw appError('unsupported-media-type', 'Choose the content type application/json in the settings of the webhook.')
  }
  if (body.length === 0) throw appError('bad-request', 'The body is empty: JSON is expected.')
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch (error) {
    throw appError('bad-request', 'The body is not JSON in UTF-8.', { cause: error })
  }
}

export function receptionOf(request: FastifyRequest, source: string, receivedAt: number): Reception {
  // The route's schema has checked the query: both are text where they are given.
  const query = request.query as { readonly service?: string; readonly environment?: string }
  return { source, receivedAt, service: query.service ?? '', environment: query.environment ?? '' }
}
