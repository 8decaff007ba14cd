import { setTimeout as delay } from 'node:timers/promises'
import { SpanKind } from '@opentelemetry/api'
import { OTLPMetricExporter as JsonMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http'
import { OTLPMetricExporter as ProtobufMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto'
import { OTLPTraceExporter as JsonTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { OTLPTraceExporter as ProtobufTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  AggregationTemporality,
  AggregationType,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics'
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { spanBatchView } from '@plimsoll/contracts/span-batch.ts'
import { allMessages, readBack, type TestGateway, testGateway } from '@plimsoll/gateway/test/harness.ts'
import { systemClock } from '@plimsoll/kit/clock.ts'
import type { EventLog, OutgoingMessage } from '@plimsoll/kit/log/log.ts'
import { createMemoryLog } from '@plimsoll/kit/log/memory.ts'
import { describe, expect, it } from 'vitest'

/**
 * The official OpenTelemetry JS exporters as senders: signal x form x compression x what the gateway answers. What is
 * asserted is what the exporter reports to its SDK and what the log then holds.
 */
const resource = resourceFromAttributes({ 'service.name': 'shop', 'service.version': '1.2.3' })
const cells = (['metrics', 'traces'] as const).flatMap((signal) =>
  (['protobuf', 'json'] as const).flatMap((form) =>
    (['gzip', 'none'] as const).map((compression) => ({ signal, form, compression })),
  ),
)
type Cell = (typeof cells)[number]

/** Result the exporter hands to the SDK: undefined is success. */
type Exported = Error | undefined

function recordedSpans(startTime = Date.now()): ReadableSpan[] {
  const memory = new InMemorySpanExporter()
  const provider = new TracerProvider({ resource, spanProcessors: [new SimpleSpanProcessor({ exporter: memory })] })
  const tracer = provider.getTracer('test')
  const span = tracer.startSpan('GET /cart', {
    kind: SpanKind.SERVER,
    startTime,
    attributes: { 'http.route': '/cart', 'http.request.method': 'GET', 'http.response.status_code': 200 },
  })
  span.end(startTime + 12)
  return memory.getFinishedSpans()
}

async function recordedMetrics(): Promise<ResourceMetrics> {
  const memory = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter: memory, exportIntervalMillis: 3_600_000 })
  const provider = new MeterProvider({
    resource,
    readers: [reader],
    views: [
      {
        instrumentName: 'exponential',
        aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM, options: { maxSize: 160 } },
      },
    ],
  })
  const meter = provider.getMeter('test')
  meter.createCounter('orders', { unit: '{order}' }).add(3, { kind: 'web' })
  meter.createGauge('depth').record(2.5)
  meter.createHistogram('explicit', { unit: 'ms' }).record(42)
  for (let i = 1; i <= 100; i++) meter.createHistogram('exponential', { unit: 'ms' }).record(i)
  await reader.forceFlush()
  await provider.shutdown()
  const [metrics] = memory.getMetrics()
  if (metrics === undefined) throw new Error('the SDK recorded nothing')
  return metrics
}

/** Makes the exporter's configuration type irrelevant: both take these. */
function options(url: string, { compression }: Cell) {
  return { url, compression: compression as never, timeoutMillis: 9_000, headers: { authorization: 'exporter' } }
}

async function exportOnce(cell: Cell, base: string, spans?: ReadableSpan[]): Promise<Exported> {
  const config = options(`${base}/v1/${cell.signal}`, cell)
  const { promise, resolve } = Promise.withResolvers<Exported>()
  const done = (result: { code: number; error?: Error }) =>
    resolve(result.code === 0 ? undefined : (result.error ?? new Error('failed')))
  if (cell.signal === 'traces') {
    const exporter = cell.form === 'json' ? new JsonTraceExporter(config) : new ProtobufTraceExporter(config)
    exporter.export(spans ?? recordedSpans(), done)
    await promise.finally(() => exporter.shutdown())
  } else {
    const exporter = cell.form === 'json' ? new JsonMetricExporter(config) : new ProtobufMetricExporter(config)
    exporter.export(await recordedMetrics(), done)
    await promise.finally(() => exporter.shutdown())
  }
  return await promise
}

/** A log whose acknowledgements wait until `open` is called. */
function gatedLog(): { log: EventLog; open: () => void } {
  const inner = createMemoryLog(systemClock)
  const gate = Promise.withResolvers<void>()
  const publish = async (message: OutgoingMessage) => {
    await gate.promise
    return await inner.publish(message)
  }
  return { log: { ...inner, publish }, open: gate.resolve }
}

async function listening(gateway: TestGateway, run: (base: string) => Promise<void>): Promise<void> {
  const base = await gateway.app.listen({ port: 0, host: '127.0.0.1' })
  try {
    await run(base)
  } finally {
    await gateway.close()
  }
}

async function expectStored({ signal }: Cell, log: EventLog): Promise<void> {
  if (signal === 'traces') {
    const batches = (await allMessages(log, 'plimsoll.telemetry.v1.SpanBatch')).map((data) => spanBatchView(data))
    expect(batches.reduce((sum, { spanRows }) => sum + spanRows, 0)).toBe(1)
    const [batch] = batches
    expect([batch?.strings.at(batch.routeRef[0] ?? 0), batch?.httpStatus[0], batch?.durationMs[0]]).toEqual([
      '/cart',
      200,
      12,
    ])
    return
  }
  const { samples, histograms } = await readBack(log)
  expect(samples.map(({ name, kind, unit, value }) => [name, kind, unit, value])).toEqual([
    ['orders', 1, '{order}', 3],
    ['depth', 0, '', 2.5],
  ])
  const explicit = histograms.find(({ name }) => name === 'explicit')
  const exponential = histograms.find(({ name }) => name === 'exponential')
  expect(explicit).toMatchObject({ name: 'explicit', kind: 3, unit: 'ms', count: 1, sum: 42, min: 42, max: 42 })
  expect(exponential).toMatchObject({
    name: 'exponential',
    kind: 3,
    unit: 'ms',
    count: 100,
    sum: 5050,
    min: 1,
    max: 100,
  })
  expect(exponential?.buckets.reduce((sum, [, count]) => sum + count, 0)).toBe(100)
  expect(exponential?.scale).toBeGreaterThanOrEqual(3)
}

describe.each(cells)(
  '$signal as $form, compression $compression',
  (cell) => {
    it('are taken whole', async () => {
      const gateway = await testGateway()
      await listening(gateway, async (base) => {
        expect(await exportOnce(cell, base)).toBeUndefined()
        await expectStored(cell, gateway.log)
      })
    })

    it('are taken in part: the exporter is told and does not send again', async () => {
      let requests = 0
      const gateway = await testGateway({
        // Everything the exporter says is half an hour in this clock's future; one span is not.
        clock: cell.signal === 'metrics' ? { now: () => Date.now() - 1_800_000 } : systemClock,
        prepare: (app) => app.addHook('onRequest', async () => void requests++),
      })
      await listening(gateway, async (base) => {
        const mixed = [...recordedSpans(), ...recordedSpans(Date.now() + 1_800_000)]
        expect(await exportOnce(cell, base, mixed)).toBeUndefined()
        const refused = gateway.ingestion.ledger.entries().flatMap(({ refused: reasons }) => [...reasons])
        expect(refused).toMatchObject([['too-far-ahead', { count: cell.signal === 'metrics' ? 4 : 1 }]])
        expect(requests).toBe(1)
      })
    })

    it('fail at once on 400', async () => {
      let requests = 0
      const gateway = await testGateway({
        prepare(app) {
          app.addHook('onRequest', async () => void requests++)
          app.addHook('preHandler', async (request) => {
            request.body = (request.body as Buffer).subarray(0, 30)
          })
        },
      })
      await listening(gateway, async (base) => {
        expect(await exportOnce(cell, base)).toBeInstanceOf(Error)
        expect(requests).toBe(1)
      })
    })

    it.each([
      [503, { answerWithinMs: 100 }],
      [429, { maxInFlightBytes: 1 }],
    ])('are sent again after %i and stored once', async (status, limits) => {
      const { log, open } = gatedLog()
      const statuses: number[] = []
      const gateway = await testGateway({
        log,
        limits,
        prepare: (app) => app.addHook('onResponse', async (_request, reply) => void statuses.push(reply.statusCode)),
      })
      await listening(gateway, async (base) => {
        // Something else is waiting for the broker, so that there is too much for 429.
        const filler = gateway.ingestion.ingestSeries('filler', 'self-scrape', 'filler', [
          { labels: [['__name__', 'filler']], samples: status === 429 ? [{ timeMs: Date.now(), value: 1 }] : [] },
        ])
        const exported = exportOnce(cell, base)
        while (statuses.length === 0) await delay(10)
        open()
        await filler
        expect(await exported).toBeUndefined()
        expect(statuses).toEqual([status, 200])
      })
    })
  },
  30_000,
)
