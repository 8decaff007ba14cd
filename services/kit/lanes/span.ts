import { isSpanContextValid, type Link, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import type { StoredMessage } from '../log/log.ts'
import type { Processor } from './processor.ts'

/** More links than this say nothing a reader of the trace could use. */
const maxLinks = 32

/**
 * One `process` span per batch, linked to the spans that published its messages (OpenTelemetry semantic conventions for
 * messaging: a batch has no single parent). Costs nothing to speak of when no SDK is set up.
 */
export function inBatchSpan<T>(
  { name, stream }: Pick<Processor<unknown>, 'name' | 'stream'>,
  batch: readonly StoredMessage[],
  work: () => Promise<T>,
): Promise<T> {
  const links = batch.slice(0, maxLinks).flatMap(linkTo)
  const attributes = {
    'messaging.system': 'nats',
    'messaging.destination.name': stream,
    'messaging.operation.type': 'process',
    'messaging.batch.message_count': batch.length,
    'plimsoll.processor': name,
  }
  return trace
    .getTracer('plimsoll')
    .startActiveSpan(`process ${stream}`, { kind: SpanKind.CONSUMER, links, attributes }, async (span) => {
      try {
        return await work()
      } catch (error) {
        span.recordException(error instanceof Error ? error : String(error))
        span.setStatus({ code: SpanStatusCode.ERROR })
        throw error
      } finally {
        span.end()
      }
    })
}

/** W3C Trace Context, section 3.2: `<version>-<trace id>-<parent id>-<flags>`. */
const traceparentFormat = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/

function linkTo({ headers }: StoredMessage): Link[] {
  const [, traceId, spanId, flags] = traceparentFormat.exec(headers['traceparent'] ?? '') ?? []
  if (traceId === undefined || spanId === undefined || flags === undefined) return []
  return [{ context: { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true } }]
}

/** The running span as a `traceparent` header, undefined outside of one. */
export function activeTraceparent(): string | undefined {
  const context = trace.getActiveSpan()?.spanContext()
  if (context === undefined || !isSpanContextValid(context)) return undefined
  return `00-${context.traceId}-${context.spanId}-${context.traceFlags.toString(16).padStart(2, '0')}`
}
