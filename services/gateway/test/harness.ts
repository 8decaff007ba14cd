import { descriptionOf, metricBatchView } from '@plimsoll/contracts/metric-batch.ts'
import { type Clock, systemClock } from '@plimsoll/kit/clock.ts'
import type { EventLog } from '@plimsoll/kit/log/log.ts'
import { createMemoryLog } from '@plimsoll/kit/log/memory.ts'
import type { Route } from '@plimsoll/kit/service.ts'
import fastify, { type FastifyInstance } from 'fastify'
import { otlpRoutes } from '../http/otlp.ts'
import { remoteWriteRoutes } from '../http/remotewrite.ts'
import { createIngestion, type Ingestion, type IngestionLimits } from '../ingestion.ts'

export const testLimits: IngestionLimits = {
  maxSeriesPerSource: 100_000,
  lingerMs: 1,
  maxMessageBytes: 900_000,
  maxInFlightBytes: 64 * 1024 * 1024,
  answerWithinMs: 5_000,
}

export const MAX_BODY_BYTES = 8 * 1024 * 1024

export type TestGateway = {
  readonly app: FastifyInstance
  readonly log: EventLog
  readonly ingestion: Ingestion
  close(): Promise<void>
}

/** The gateway's routes on a bare server and a log in memory: protocols are tested without the rest of the platform. */
export async function testGateway(
  options: {
    log?: EventLog
    clock?: Clock
    limits?: Partial<IngestionLimits>
    rebuild?: boolean
    /** Hooks of the test's own, before the routes. */
    prepare?: (app: FastifyInstance) => void
  } = {},
): Promise<TestGateway> {
  const clock = options.clock ?? systemClock
  const log = options.log ?? createMemoryLog(clock)
  const ingestion = createIngestion(log, clock, { ...testLimits, ...options.limits })
  if (options.rebuild) await ingestion.rebuild()
  const app = fastify({ bodyLimit: MAX_BODY_BYTES })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  options.prepare?.(app)
  for (const route of [...remoteWriteRoutes(ingestion, MAX_BODY_BYTES), ...otlpRoutes(ingestion, MAX_BODY_BYTES)]) {
    app.route({
      method: route.method,
      url: route.url,
      handler: (request, reply) => route.handler(request, reply, testPrincipal(request.headers.authorization)) as never,
    })
  }
  await app.ready()
  return {
    app,
    log,
    ingestion,
    async close() {
      await ingestion.drain(1_000)
      await app.close()
    },
  }
}

/** The source is whoever the test says it is. */
function testPrincipal(authorization: string | undefined): Parameters<Route['handler']>[2] {
  return { kind: 'local', name: authorization ?? 'local', permissions: new Set(['gateway:write']) }
}

export type ReadSample = {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly kind: number
  readonly unit: string
  readonly timeMs: number
  readonly startMs: number
  readonly value: number
  /** Halves of the value's bits. */
  readonly bits: readonly [low: number, high: number]
}

export type ReadHistogram = Omit<ReadSample, 'value' | 'bits'> & {
  readonly count: number
  readonly sum: number
  readonly min: number
  readonly max: number
  readonly scale: number
  readonly zeroCount: number
  readonly zeroThreshold: number
  readonly buckets: readonly (readonly [index: number, count: number])[]
  readonly bounds: readonly number[]
}

/** Everything METRIC holds, decoded: what a consumer would see. */
export async function readBack(log: EventLog): Promise<{ samples: ReadSample[]; histograms: ReadHistogram[] }> {
  const samples: ReadSample[] = []
  const histograms: ReadHistogram[] = []
  type Series = Pick<ReadSample, 'name' | 'labels' | 'kind' | 'unit'>
  const known = new Map<string, Series>()
  for (const data of await allMessages(log, 'plimsoll.telemetry.v1.MetricBatch')) {
    const batch = metricBatchView(data)
    const describe = (at: number): Series => {
      const labels: Record<string, string> = {}
      const end = batch.seriesLabelEnd[at] ?? 0
      for (let i = at === 0 ? 0 : (batch.seriesLabelEnd[at - 1] ?? 0); i < end; i += 2) {
        labels[batch.strings.at(batch.labelRefs[i] ?? 0)] = batch.strings.at(batch.labelRefs[i + 1] ?? 0)
      }
      return {
        name: batch.strings.at(batch.seriesName[at] ?? 0),
        labels,
        kind: batch.seriesKind[at] ?? -1,
        unit: batch.strings.at(batch.seriesUnit[at] ?? 0),
      }
    }
    const seriesOf = (row: number): Series => {
      const id = `${batch.source} ${batch.seriesId[2 * row]} ${batch.seriesId[2 * row + 1]}`
      const at = descriptionOf(batch, row)
      const series = at < 0 ? known.get(id) : describe(at)
      if (series === undefined) throw new Error(`series ${id} was not described by this batch or an earlier one`)
      known.set(id, series)
      return series
    }
    const words = new Uint32Array(batch.sampleValue.buffer, batch.sampleValue.byteOffset, batch.sampleRows * 2)
    for (let i = 0; i < batch.sampleRows; i++) {
      samples.push({
        ...seriesOf(batch.sampleSeries[i] ?? 0),
        timeMs: batch.sampleTime[i] ?? Number.NaN,
        startMs: batch.sampleStart[i] ?? 0,
        value: batch.sampleValue[i] ?? Number.NaN,
        bits: [words[2 * i] ?? 0, words[2 * i + 1] ?? 0],
      })
    }
    for (let i = 0; i < batch.histogramRows; i++) {
      const buckets: [number, number][] = []
      const firstBucket = i === 0 ? 0 : (batch.histogramBucketEnd[i - 1] ?? 0)
      for (let b = firstBucket; b < (batch.histogramBucketEnd[i] ?? 0); b++) {
        buckets.push([batch.bucketIndex[b] ?? 0, batch.bucketCount[b] ?? 0])
      }
      const firstBound = i === 0 ? 0 : (batch.histogramBoundEnd[i - 1] ?? 0)
      histograms.push({
        ...seriesOf(batch.histogramSeries[i] ?? 0),
        timeMs: batch.histogramTime[i] ?? Number.NaN,
        startMs: batch.histogramStart[i] ?? 0,
        count: batch.histogramCount[i] ?? Number.NaN,
        sum: batch.histogramSum[i] ?? Number.NaN,
        min: batch.histogramMin[i] ?? Number.NaN,
        max: batch.histogramMax[i] ?? Number.NaN,
        scale: batch.histogramScale[i] ?? 0,
        zeroCount: batch.histogramZeroCount[i] ?? 0,
        zeroThreshold: batch.histogramZeroThreshold[i] ?? 0,
        buckets,
        bounds: [...batch.bounds.subarray(firstBound, batch.histogramBoundEnd[i] ?? 0)],
      })
    }
  }
  return { samples, histograms }
}

export async function allMessages(log: EventLog, type: string): Promise<Uint8Array[]> {
  const { firstSeq, lastSeq } = await log.info('METRIC')
  const found: Uint8Array[] = []
  for (let seq = Math.max(1, firstSeq); seq <= lastSeq; seq++) {
    const message = await log.get('METRIC', seq)
    if (message?.headers['Plimsoll-Type'] === type) found.push(message.data.slice())
  }
  return found
}
