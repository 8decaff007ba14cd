import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { traceOf } from '../telemetry/propagation.ts'
import { asAppError } from './problems.ts'

const tracer = trace.getTracer('plimsoll')

/**
 * Runs a handler in a span that continues the caller's trace, so that what it publishes and logs belongs to it.
 * Names and attributes: OpenTelemetry semantic conventions for HTTP.
 */
export function inRequestSpan(
  request: FastifyRequest,
  reply: FastifyReply,
  route: string,
  handle: () => unknown,
): unknown {
  const options = { kind: SpanKind.SERVER, attributes: { 'http.request.method': request.method, 'http.route': route } }
  return tracer.startActiveSpan(`${request.method} ${route}`, options, traceOf(request.headers), async (span) => {
    try {
      return await handle()
    } catch (error) {
      const { status, message } = asAppError(error)
      if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR, message })
      span.setAttribute('http.response.status_code', status)
      throw error
    } finally {
      if (span.isRecording() && reply.sent) span.setAttribute('http.response.status_code', reply.statusCode)
      span.end()
    }
  })
}
