import type { Server } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'

export type EventStream = {
  /** False when the client was dropped because it does not read fast enough. */
  send(event: { readonly name?: string; readonly id?: string; readonly data: unknown }): boolean
  close(): void
  readonly closed: Promise<void>
}

export type EventStreamOptions = {
  /** A comment keeps proxies from cutting a silent connection. */
  readonly heartbeatMs?: number
  /** A client with more than this unread is dropped: it comes back with Last-Event-ID. */
  readonly maxBufferedBytes?: number
}

const openStreams = new WeakMap<Server, Set<EventStream>>()

/**
 * Server-sent events on this request. The handler that calls it must not answer by itself.
 * @example const stream = eventStream(request, reply); stream.send({ name: 'regression', id: '7', data: { ... } })
 */
export function eventStream(
  request: FastifyRequest,
  reply: FastifyReply,
  options: EventStreamOptions = {},
): EventStream {
  const { heartbeatMs = 15_000, maxBufferedBytes = 256 * 1024 } = options
  const { raw } = reply
  reply.hijack()
  for (const [name, value] of Object.entries(reply.getHeaders()))
    if (value !== undefined) raw.setHeader(name, value as string)
  raw.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  })
  raw.flushHeaders()

  const closed = Promise.withResolvers<void>()
  const write = (text: string): boolean => {
    if (raw.writableEnded || raw.destroyed) return false
    raw.write(text)
    if (raw.writableLength <= maxBufferedBytes) return true
    raw.destroy()
    return false
  }
  const heartbeat = setInterval(() => write(':\n\n'), heartbeatMs)
  const stream: EventStream = {
    send({ name, id, data }) {
      const lines = JSON.stringify(data)
      return write(
        `${id === undefined ? '' : `id: ${id}\n`}${name === undefined ? '' : `event: ${name}\n`}data: ${lines}\n\n`,
      )
    },
    close: () => void raw.end(),
    closed: closed.promise,
  }
  const server = request.server.server as Server
  const streams = openStreams.get(server) ?? new Set()
  openStreams.set(server, streams.add(stream))
  raw.once('close', () => {
    clearInterval(heartbeat)
    streams.delete(stream)
    closed.resolve()
  })
  return stream
}

/** Streams never end by themselves: a shutdown ends them first, and clients come back to the next process. */
export function closeEventStreams(server: object): void {
  for (const stream of openStreams.get(server as Server) ?? []) stream.close()
}
