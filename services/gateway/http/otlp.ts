import { gunzipSync } from 'node:zlib'
import type { Route } from '@plimsoll/kit/service.ts'
import { Type } from 'typebox'
import { DecodeError } from '../decode/failure.ts'
import { type OtlpSignal, otlpJsonToProtobuf } from '../decode/otlpjson.ts'
import { decodeOtlpMetrics } from '../decode/otlpmetrics.ts'
import { decodeOtlpTraces } from '../decode/otlptraces.ts'
import { eachMessage } from '../decode/otlpvalue.ts'
import { createOutcome, explainRefusals, type Outcome, refuse, refusedCount } from '../decode/outcome.ts'
import { cursorOf } from '../decode/protobuf.ts'
import { protobuf } from '../decode/protobufwriter.ts'
import type { HttpAnswer, Ingestion, ProtocolAnswers, Workplace } from '../ingestion.ts'
import { retryLater, send } from './answers.ts'

type Form = 'protobuf' | 'json'

const contentTypes: Readonly<Record<Form, string>> = { protobuf: 'application/x-protobuf', json: 'application/json' }

/** What a partial success counts, by signal (opentelemetry-proto, `Export*PartialSuccess`). */
const rejectedNames: Readonly<Record<OtlpSignal, string>> = {
  metrics: 'rejectedDataPoints',
  traces: 'rejectedSpans',
  logs: 'rejectedLogRecords',
}

/** google.rpc.Code, for the body of an error. */
const statusCodes: Readonly<Record<number, number>> = { 400: 3, 413: 3, 415: 3, 429: 8, 503: 14 }

/** OTLP over HTTP: protobuf and JSON, plain and gzip, answers in the form of the request. */
export function otlpRoutes(ingestion: Ingestion, maxBodyBytes: number): readonly Route[] {
  const route = (signal: OtlpSignal, summary: string): Route => ({
    method: 'POST',
    url: `/v1/${signal}`,
    permission: 'gateway:write',
    body: 'raw',
    bodyLimitBytes: maxBodyBytes,
    rateLimit: 'none',
    schema: {
      summary,
      description: 'OTLP/HTTP, protobuf or JSON, plain or gzip. Answered once what was accepted is durable.',
      response: {
        200: Type.Unknown({ description: 'Export response; partialSuccess states what was refused and why.' }),
      },
    },
    async handler(request, reply, principal) {
      const source = principal.name
      const protocol = `otlp-${signal}` as const
      const form = formOf(request.headers['content-type'])
      const encoding = (request.headers['content-encoding'] ?? 'identity').toLowerCase()
      if (form === undefined || (encoding !== 'gzip' && encoding !== 'identity')) {
        const message =
          form === undefined
            ? 'send application/x-protobuf or application/json'
            : `content encoding ${encoding} is not supported: send gzip or none`
        ingestion.ledger.refuse(source, protocol, 'unsupported-media-type', 1, message)
        return send(reply, failure(form ?? 'json', 415, message))
      }
      const body = request.body as Buffer
      const decode = (place: Workplace): Outcome => {
        const plain = encoding === 'gzip' ? inflate(body, maxBodyBytes) : body
        return decodeSignal(signal, form === 'json' ? otlpJsonToProtobuf(signal, plain) : plain, place)
      }
      const contentType = `${contentTypes[form]};${encoding}`
      const answer = await ingestion.handle(
        { source, protocol, path: `/v1/${signal}`, contentType, body },
        decode,
        answersOf(signal, form),
      )
      return send(reply, answer)
    },
  })
  return [
    route('metrics', 'OpenTelemetry metrics'),
    route('traces', 'OpenTelemetry traces'),
    route('logs', 'OpenTelemetry logs: refused and counted, so that an exporter of all signals works'),
  ]
}

function formOf(contentType: string | undefined): Form | undefined {
  const type = contentType?.split(';')[0]?.trim().toLowerCase()
  return type === contentTypes.protobuf ? 'protobuf' : type === contentTypes.json ? 'json' : undefined
}

function inflate(body: Uint8Array, maxBytes: number): Uint8Array {
  try {
    // In this thread: a pool thread would cost more in hand-over than it takes, and order would be lost.
    return gunzipSync(body, { maxOutputLength: maxBytes })
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') {
      throw new DecodeError(`the body inflates to more than ${maxBytes} bytes`, 'too-large')
    }
    throw new DecodeError(`the body is not gzip: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function decodeSignal(
  signal: OtlpSignal,
  bytes: Uint8Array,
  { batches, metrics, spans, latestMs }: Workplace,
): Outcome {
  const { registry } = batches
  switch (signal) {
    case 'metrics':
      return decodeOtlpMetrics(bytes, { registry, columns: metrics, latestMs })
    case 'traces':
      return decodeOtlpTraces(bytes, { registry, spans, latestMs })
    case 'logs':
      return refuseLogs(bytes)
  }
}

/** Counts the records so that the refusal states how many: ResourceLogs 1, ScopeLogs 2, LogRecord 2. */
function refuseLogs(bytes: Uint8Array): Outcome {
  const outcome = createOutcome()
  const cursor = cursorOf(bytes)
  let records = 0
  eachMessage(cursor, cursor.end, 1, (resourceEnd) =>
    eachMessage(cursor, resourceEnd, 2, (scopeEnd) =>
      eachMessage(cursor, scopeEnd, 2, (recordEnd) => {
        records++
        cursor.at = recordEnd
      }),
    ),
  )
  if (records > 0) refuse(outcome, 'signal-not-taken', records, () => '')
  return outcome
}

function answersOf(signal: OtlpSignal, form: Form): ProtocolAnswers {
  return {
    done(outcome) {
      const rejected = refusedCount(outcome)
      const message = rejected === 0 ? '' : explainRefusals(outcome)
      if (form === 'json') {
        const partial = rejected === 0 ? {} : { [rejectedNames[signal]]: String(rejected), errorMessage: message }
        return answer(form, 200, JSON.stringify(rejected === 0 ? {} : { partialSuccess: partial }))
      }
      const response = protobuf()
      if (rejected > 0) response.message(1, (partial) => partial.varint(1, rejected).text(2, message))
      return answer(form, 200, response.finish())
    },
    malformed: (error) => failure(form, error.failure === 'too-large' ? 413 : 400, error.message),
    later: (status, message, seconds) => retryLater(failure(form, status, message), seconds),
  }
}

/** A google.rpc.Status, as OTLP asks for with every error. */
function failure(form: Form, status: number, message: string): HttpAnswer {
  const code = statusCodes[status] ?? 2
  return form === 'json'
    ? answer(form, status, JSON.stringify({ code, message }))
    : answer(form, status, protobuf().varint(1, code).text(2, message).finish())
}

function answer(form: Form, status: number, body: string | Uint8Array): HttpAnswer {
  return { status, headers: { 'content-type': contentTypes[form] }, body }
}
