import { AsyncLocalStorage } from 'node:async_hooks'
import { type Context, type ContextManager, context, propagation, ROOT_CONTEXT, trace } from '@opentelemetry/api'
import { traceContextPropagator } from './propagation.ts'

export type TracingOptions = {
  readonly serviceName: string
  /** Base URL of an OTLP/HTTP receiver; spans are made only when there is one. */
  readonly endpoint: string | undefined
}

/**
 * Sets OpenTelemetry up for this process: the trace context always travels, spans are recorded and sent only when
 * somebody takes them. Returns how to send what is left and stop.
 */
export async function startTracing({ serviceName, endpoint }: TracingOptions): Promise<() => Promise<void>> {
  context.setGlobalContextManager(asyncContextManager())
  propagation.setGlobalPropagator(traceContextPropagator)
  if (endpoint === undefined) return async () => {}
  // Loaded by need: most installations send no traces, and start faster without the SDK.
  const [
    { OTLPTraceExporter },
    { BatchSpanProcessor, ParentBasedSampler, TraceIdRatioBasedSampler, TracerProvider },
    resources,
  ] = await Promise.all([
    import('@opentelemetry/exporter-trace-otlp-proto'),
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/resources'),
  ])
  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/$/, '')}/v1/traces` })
  const provider = new TracerProvider({
    resource: resources.defaultResource().merge(resources.resourceFromAttributes({ 'service.name': serviceName })),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(rootRatio) }),
    spanProcessors: [new BatchSpanProcessor({ exporter })],
  })
  trace.setGlobalTracerProvider(provider)
  return () => provider.shutdown()
}

// Our own work is as regular as a pulse: one trace in twenty shows it, and a caller's own trace is always followed.
const rootRatio = 0.05

function asyncContextManager(): ContextManager {
  const storage = new AsyncLocalStorage<Context>()
  const manager: ContextManager = {
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (active, work, thisArg, ...args) =>
      storage.run(active, () => work.apply(thisArg as ThisParameterType<typeof work>, args)),
    bind: (active, target) =>
      typeof target === 'function'
        ? (((...args: unknown[]) => storage.run(active, () => target(...args))) as typeof target)
        : target,
    enable: () => manager,
    disable: () => manager,
  }
  return manager
}
