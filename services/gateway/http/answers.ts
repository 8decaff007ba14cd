import type { FastifyReply } from 'fastify'
import type { HttpAnswer } from '../ingestion.ts'

export function plainText(status: number, message: string): HttpAnswer {
  // One line: senders put it into their own log as it is.
  const body = `${message.replaceAll(/\s+/g, ' ')}\n`
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body }
}

export function retryLater(answer: HttpAnswer, seconds: number): HttpAnswer {
  return { ...answer, headers: { ...answer.headers, 'retry-after': String(seconds) } }
}

/** Sends the bytes as they are: these answers are the protocols', not ours, and no schema serialises them. */
export function send(reply: FastifyReply, { status, headers, body }: HttpAnswer): FastifyReply {
  return reply
    .code(status)
    .headers(headers)
    .serializer((payload: unknown) => payload as string)
    .send(body instanceof Uint8Array ? Buffer.from(body.buffer, body.byteOffset, body.byteLength) : body)
}
