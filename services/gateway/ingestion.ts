import type { SeriesKind } from '@plimsoll/contracts/metric-batch.ts'
import type { Clock } from '@plimsoll/kit/clock.ts'
import type { EventLog } from '@plimsoll/kit/log/log.ts'
import { clearMetricColumns, createMetricColumns, type MetricColumns, pushValue } from './batch/metriccolumns.ts'
import { createBatchPublisher } from './batch/publisher.ts'
import { release } from './batch/release.ts'
import { type BatchLimits, createAllSourceBatches, type SourceBatches } from './batch/sourcebatches.ts'
import { createSpanColumns, type SpanColumns } from './batch/spancolumns.ts'
import { DecodeError } from './decode/failure.ts'
import { createOutcome, type Outcome, refuse } from './decode/outcome.ts'
import { kindBySuffix, type Label } from './domain/series.ts'
import { createRequestWindow, requestId } from './requests/window.ts'
import { createSourceLedger, type Protocol, type SourceLedger } from './sources/ledger.ts'

export type IngestionLimits = BatchLimits & {
  /** Bytes of requests that wait for the broker; above it requests are answered 429. */
  readonly maxInFlightBytes: number
  /** How long a request waits for the broker before it is answered 503, ms. */
  readonly answerWithinMs: number
}

/** Points later than this are refused: a sender's clock may run ahead, not its data. */
export const MAX_AHEAD_MS = 10 * 60_000

/** One request as a protocol's route hands it over. */
export type IngestRequest = {
  readonly source: string
  readonly protocol: Protocol
  readonly path: string
  readonly contentType: string
  /** Its memory is given back as soon as it is decoded. */
  readonly body: Uint8Array
}

/** What decoding works with. Columns are scratch: they are free again when the work returns its promise. */
export type Workplace = {
  readonly batches: SourceBatches
  readonly metrics: MetricColumns
  readonly spans: SpanColumns
  readonly latestMs: number
}

export type HttpAnswer = {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array
}

/** One series of a producer inside this process: pull, self-scrape. */
export type GivenSeries = {
  /** With `__name__` among them, in any order. */
  readonly labels: readonly Label[]
  /** From the name's suffix when not stated. */
  readonly kind?: SeriesKind
  readonly unit?: string
  readonly samples: readonly { readonly timeMs: number; readonly value: number }[]
}

export type Ingestion = {
  readonly ledger: SourceLedger
  /**
   * Does `decode` once per distinct request, stores what it filled, then answers. A repeat gets the first one's answer.
   * `overloaded`, `unavailable` and `malformed` make the protocol's own error answers.
   */
  handle(request: IngestRequest, decode: (place: Workplace) => Outcome, answers: ProtocolAnswers): Promise<HttpAnswer>
  /** Stores series made inside this process; resolves when acknowledged. `id` identifies the content for repeats. */
  ingestSeries(source: string, protocol: Protocol, id: string, series: readonly GivenSeries[]): Promise<Outcome>
  /** Learns what the log already holds; before the first request. Resolves to the number of requests found. */
  rebuild(): Promise<number>
  readonly inFlightBytes: () => number
  readonly seriesCount: () => number
  /** Sends what is waiting for company, then waits for everything under way, at most `withinMs`. */
  drain(withinMs: number): Promise<void>
}

/** How a protocol words its answers. */
export type ProtocolAnswers = {
  readonly done: (outcome: Outcome) => HttpAnswer
  readonly malformed: (error: DecodeError) => HttpAnswer
  /** 429 or 503 with `Retry-After`. */
  readonly later: (status: 429 | 503, message: string, retryAfterSeconds: number) => HttpAnswer
}

export function createIngestion(
  log: EventLog,
  clock: Clock,
  limits: IngestionLimits,
  onPublishRetry: (error: unknown) => void = () => {},
): Ingestion {
  const ledger = createSourceLedger(clock)
  const publisher = createBatchPublisher(log, clock, onPublishRetry)
  const sources = createAllSourceBatches(publisher, clock, limits)
  const window = createRequestWindow<HttpAnswer>(clock)
  const spans = createSpanColumns()
  const underWay = new Set<Promise<unknown>>()
  let metrics = createMetricColumns()
  let inFlightBytes = 0

  function workplace(source: string): Workplace {
    // A single huge request must not keep its scratch for ever.
    if (metrics.sampleSeries.length > 1_000_000) metrics = createMetricColumns()
    clearMetricColumns(metrics)
    spans.spans = 0
    return { batches: sources.of(source), metrics, spans, latestMs: clock.now() + MAX_AHEAD_MS }
  }

  /** Decodes and appends to batches before its first await: nothing else touches the scratch in between. */
  function work(
    request: IngestRequest,
    id: string,
    stored: ReadonlySet<string>,
    decode: (place: Workplace) => Outcome,
    answers: ProtocolAnswers,
  ): Promise<HttpAnswer> {
    const { source, protocol } = request
    const bytes = request.body.length
    let outcome: Outcome
    let latestMs: number
    let storing: Promise<unknown>
    try {
      const place = workplace(source)
      outcome = decode(place)
      latestMs = latestOf(place)
      const intake = { requestId: id, stored }
      storing = Promise.all([
        place.batches.storeMetrics(intake, place.metrics),
        place.batches.storeSpans(intake, place.spans),
      ])
    } catch (error) {
      if (!(error instanceof DecodeError)) return Promise.reject(error)
      ledger.refuse(source, protocol, error.failure === 'too-large' ? 'too-large' : 'malformed-body', 1, error.message)
      return Promise.resolve(answers.malformed(error))
    }
    ledger.refuseAll(source, protocol, outcome)
    return storing.then(() => {
      ledger.accept(source, protocol, bytes, outcome, latestMs)
      return answers.done(outcome)
    })
  }

  function track<T>(promise: Promise<T>, bytes: number): Promise<T> {
    inFlightBytes += bytes
    underWay.add(promise)
    const over = () => {
      inFlightBytes -= bytes
      underWay.delete(promise)
    }
    promise.then(over, over)
    return promise
  }

  return {
    ledger,
    inFlightBytes: () => inFlightBytes,
    seriesCount: () => sources.seriesCount(),
    async handle(request, decode, answers) {
      const { source, protocol, body } = request
      const bytes = body.length
      const id = requestId(source, request.path, request.contentType, body)
      const repeat = window.look(id)
      let answer: HttpAnswer | Promise<HttpAnswer>
      if (repeat.state === 'known') {
        ledger.repeat(source, protocol, 1)
        answer = repeat.answer
      } else {
        if (inFlightBytes + bytes > limits.maxInFlightBytes && inFlightBytes > 0) {
          ledger.refuse(source, protocol, 'overloaded', 1, `${inFlightBytes} bytes were waiting for the broker`)
          return answers.later(429, 'too much is waiting for the broker: try again after Retry-After', 1)
        }
        answer = track(work(request, id, repeat.stored, decode, answers), bytes)
        window.remember(id, answer)
      }
      release(body)
      const given = await publisher.awaitStored(answer, limits.answerWithinMs)
      if (given !== undefined) return given
      ledger.refuse(source, protocol, 'unavailable', 1, publisher.obstacle())
      return answers.later(503, `${publisher.obstacle()}: try again after Retry-After`, 5)
    },
    async ingestSeries(source, protocol, id, series) {
      const place = workplace(source)
      const outcome = createOutcome()
      for (const given of series) addGiven(place, given, outcome)
      ledger.refuseAll(source, protocol, outcome)
      const requestHash = requestId(source, protocol, '', Buffer.from(id))
      const repeat = window.look(requestHash)
      if (repeat.state === 'known') {
        ledger.repeat(source, protocol, 1)
        await repeat.answer
        return outcome
      }
      const latestMs = latestOf(place)
      const storing = place.batches.storeMetrics({ requestId: requestHash, stored: repeat.stored }, place.metrics)
      const done = track(storing, place.metrics.samples * 16)
      window.remember(
        requestHash,
        done.then(() => NO_CONTENT),
      )
      await done
      ledger.accept(source, protocol, 0, outcome, latestMs)
      return outcome
    },
    rebuild: () => window.rebuild(log),
    async drain(withinMs) {
      sources.flush()
      await publisher.awaitStored(Promise.allSettled(underWay), withinMs)
      publisher.stop()
    },
  }
}

const NO_CONTENT: HttpAnswer = { status: 204, headers: {}, body: '' }

function addGiven({ batches, metrics, latestMs }: Workplace, given: GivenSeries, outcome: Outcome): void {
  const { registry } = batches
  const texts: number[] = []
  for (const [name, value] of given.labels) {
    texts.push(registry.texts.internString(name), registry.texts.internString(value))
  }
  const unit = registry.texts.internString(given.unit ?? '')
  const key = Uint32Array.of(given.kind ?? 255, unit, ...texts)
  const bytes = new Uint8Array(key.buffer)
  const view = new DataView(key.buffer)
  const keys = registry.keyspace('given')
  let series = keys.find(bytes, view, 0, bytes.length)
  if (series < 0) {
    const { kind } = given
    const defined = registry.define({
      labels: texts,
      labelCount: given.labels.length,
      kind: kind === undefined ? kindBySuffix : () => kind,
      unit,
    })
    if (typeof defined === 'string') {
      refuse(outcome, defined, given.samples.length, () => JSON.stringify(given.labels))
      return
    }
    keys.remember(bytes, view, 0, bytes.length, defined)
    series = defined
  }
  for (const { timeMs, value } of given.samples) {
    if (timeMs > latestMs) refuse(outcome, 'too-far-ahead', 1, () => JSON.stringify(given.labels))
    else {
      pushValue(metrics, series, timeMs, 0, value)
      outcome.samples++
    }
  }
}

function latestOf({ metrics, spans }: Workplace): number {
  let latest = Number.NEGATIVE_INFINITY
  for (let i = 0; i < metrics.samples; i++) latest = Math.max(latest, metrics.sampleTime[i] as number)
  for (let i = 0; i < metrics.histograms; i++) latest = Math.max(latest, metrics.histogramFields[i * 9] as number)
  for (let i = 0; i < spans.spans; i++) {
    latest = Math.max(latest, (spans.startTime[i] as number) + (spans.durationMs[i] as number))
  }
  return latest
}
