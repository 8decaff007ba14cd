import {
  type Context,
  context,
  isSpanContextValid,
  propagation,
  type TextMapGetter,
  type TextMapPropagator,
  trace,
} from '@opentelemetry/api'

// https://www.w3.org/TR/trace-context-1/#traceparent-header ; later versions may append fields.
const traceparentForm = /^(?!ff)[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/

/** The W3C trace context, for HTTP and for the log's messages alike. */
export const traceContextPropagator: TextMapPropagator = {
  inject(active, carrier, setter) {
    const span = trace.getSpanContext(active)
    if (span === undefined || !isSpanContextValid(span)) return
    setter.set(carrier, 'traceparent', `00-${span.traceId}-${span.spanId}-0${span.traceFlags & 1}`)
  },
  extract(active, carrier, getter) {
    const header = getter.get(carrier, 'traceparent')
    const [, traceId, spanId, flags] = traceparentForm.exec(typeof header === 'string' ? header.trim() : '') ?? []
    if (traceId === undefined || spanId === undefined || flags === undefined) return active
    const span = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true }
    return isSpanContextValid(span) ? trace.setSpanContext(active, span) : active
  },
  fields: () => ['traceparent'],
}

type Carrier = Readonly<Record<string, unknown>>

const getter: TextMapGetter<Carrier> = {
  keys: Object.keys,
  get: (carrier, key) => {
    const value = carrier[key]
    return typeof value === 'string' ? value : undefined
  },
}

/**
 * The headers that carry the active trace on: for a message's headers or an outgoing request. Empty outside a trace.
 * @example log.publish({ subject, data, headers: { ...headers, ...traceHeaders() } })
 */
export function traceHeaders(active: Context = context.active()): Record<string, string> {
  const headers: Record<string, string> = {}
  propagation.inject(active, headers)
  return headers
}

/** The trace that headers carry, as a context to start spans in or to link to. */
export const traceOf = (headers: Carrier): Context => propagation.extract(context.active(), headers, getter)
