import type { FastifyRequest } from 'fastify'
import { fieldsOr, firstText } from '../domain/fields.ts'
import { decoded } from './receive.ts'

/**
 * The key where SDKs put it: `Authorization` as bearer or as Basic, in whose user name Segment and RudderStack write it,
 * or `x-write-key` (Jitsu).
 */
export function headerKey({ headers }: FastifyRequest): string | undefined {
  const [scheme = '', value = ''] = (headers.authorization ?? '').trim().split(/\s+/, 2)
  if (scheme.toLowerCase() === 'bearer') return value
  if (scheme.toLowerCase() === 'basic') {
    const [user = '', password = ''] = Buffer.from(value, 'base64').toString('utf8').split(/:(.*)/s, 2)
    return password || user
  }
  return firstText(headers['x-write-key']) || undefined
}

/** The same, and in the body: `writeKey` (Segment), `api_key` (PostHog), `token` (PostHog's browser SDK, Mixpanel). */
export function bodyKey(request: FastifyRequest): string | undefined {
  const inHeader = headerKey(request)
  if (inHeader !== undefined) return inHeader
  const body = decoded(request)
  if (body.kind === 'damaged') return undefined
  const first = fieldsOr(Array.isArray(body.value) ? body.value[0] : body.value)
  const { writeKey, api_key, token, $token } = first
  return firstText(writeKey, api_key, token, $token, fieldsOr(first.properties).token) || undefined
}
