import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'

/** Gives answers to GET an entity tag, and answers 304 to a caller who has this very content (RFC 9110, 13.1.2). */
export async function answerUnchanged(
  request: FastifyRequest,
  reply: FastifyReply,
  payload: unknown,
): Promise<unknown> {
  const readable = request.method === 'GET' || request.method === 'HEAD'
  if (!readable || reply.statusCode !== 200 || !(typeof payload === 'string' || Buffer.isBuffer(payload)))
    return payload
  const tag =
    (reply.getHeader('etag') as string | undefined) ?? `"${createHash('sha1').update(payload).digest('base64url')}"`
  reply.header('etag', tag)
  if (!matches(request.headers['if-none-match'], tag)) return payload
  reply.status(304).removeHeader('content-length').removeHeader('content-type')
  return null
}

function matches(wanted: string | undefined, tag: string): boolean {
  if (wanted === undefined) return false
  const opaque = (text: string) => text.trim().replace(/^W\//, '')
  return wanted.trim() === '*' || wanted.split(',').some((candidate) => opaque(candidate) === opaque(tag))
}
