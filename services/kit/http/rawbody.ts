import { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { errorCodes, type FastifyRequest } from 'fastify'

/** What a body of unstated length begins with, bytes. */
const FIRST_BYTES = 64 * 1024

/**
 * A request's body in one buffer of its own. Rejects with Fastify's errors when it is longer than the route allows, or
 * not as long as it says. Fastify's own reader leaves every chunk to the collector, which runs by the bytes it is left:
 * under ingestion a fifth of the CPU.
 */
export function readRawBody({ headers, routeOptions }: FastifyRequest, payload: Readable): Promise<Buffer> {
  const limit = routeOptions.bodyLimit
  const stated = headers['content-length'] === undefined ? undefined : Number(headers['content-length'])
  if (stated !== undefined && stated > limit) return Promise.reject(new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE())
  // A socket's chunk is a copy that nobody else has; an injected one is the caller's.
  const owned = payload instanceof IncomingMessage
  let body = Buffer.allocUnsafeSlow(stated ?? Math.min(FIRST_BYTES, limit))
  let length = 0
  return new Promise((resolve, reject) => {
    const onData = (chunk: Buffer) => {
      const end = length + chunk.length
      if (end > (stated ?? limit)) {
        payload.off('data', onData)
        reject(
          stated === undefined
            ? new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE()
            : new errorCodes.FST_ERR_CTP_INVALID_CONTENT_LENGTH(),
        )
        return
      }
      if (end > body.length) body = grown(body, Math.min(limit, Math.max(end, body.length * 2)))
      chunk.copy(body, length)
      length = end
      if (owned && chunk.buffer.byteLength === chunk.length) (chunk.buffer as ArrayBuffer).transfer(0)
    }
    payload.on('data', onData)
    payload.on('error', reject)
    payload.on('end', () => {
      if (stated !== undefined && length < stated) reject(new errorCodes.FST_ERR_CTP_INVALID_CONTENT_LENGTH())
      else resolve(body.subarray(0, length))
    })
  })
}

function grown(body: Buffer, length: number): Buffer<ArrayBuffer> {
  const larger = Buffer.allocUnsafeSlow(length)
  body.copy(larger)
  return larger
}
