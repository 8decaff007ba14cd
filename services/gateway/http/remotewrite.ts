import type { Route } from '@plimsoll/kit/service.ts'
import { Type } from 'typebox'
import { explainRefusals, type Outcome, refusedCount } from '../decode/outcome.ts'
import { decodeRemoteWrite1 } from '../decode/remotewrite1.ts'
import { decodeRemoteWrite2 } from '../decode/remotewrite2.ts'
import { createSnappyDecoder } from '../decode/snappy.ts'
import type { HttpAnswer, Ingestion, ProtocolAnswers } from '../ingestion.ts'
import { plainText, retryLater, send } from './answers.ts'

/** The message named by a `Content-Type`, undefined when remote write does not know it. Parameters come in any order. */
export function remoteWriteVersion(contentType: string | undefined): 1 | 2 | undefined {
  const [type, ...parameters] = (contentType ?? '').split(';').map((part) => part.trim())
  if (type?.toLowerCase() !== 'application/x-protobuf') return undefined
  const proto = parameters.find((parameter) => parameter.toLowerCase().startsWith('proto='))?.slice('proto='.length)
  switch (proto?.replaceAll('"', '')) {
    case undefined:
    case 'prometheus.WriteRequest':
      return 1
    case 'io.prometheus.write.v2.Request':
      return 2
    default:
      return undefined
  }
}

/** Remote write says that a receiver may stop reading a 1.0 body only at its own limit; ours is on the inflated size. */
export function remoteWriteRoutes(ingestion: Ingestion, maxBodyBytes: number): readonly Route[] {
  const snappy = createSnappyDecoder(maxBodyBytes)
  const route = (url: string): Route => ({
    method: 'POST',
    url,
    permission: 'gateway:write',
    body: 'raw',
    bodyLimitBytes: maxBodyBytes,
    rateLimit: 'none',
    schema: {
      summary: 'Prometheus remote write 1.0 and 2.0',
      description:
        'Snappy block format. `application/x-protobuf` is 1.0, `application/x-protobuf;proto=io.prometheus.write.v2.Request` is 2.0. Answered once the samples are durable.',
      response: { 204: Type.Null({ description: 'All of it is stored.' }) },
    },
    async handler(request, reply, principal) {
      const { headers } = request
      const version = remoteWriteVersion(headers['content-type'])
      const encoding = headers['content-encoding']
      // 1.0 senders always compress, and some leave the header out; 2.0 demands it.
      const protocol = version === 2 ? 'remote-write-2' : 'remote-write-1'
      if (version === undefined || (encoding ?? 'snappy').toLowerCase() !== 'snappy') {
        const message =
          version === undefined
            ? `content type ${headers['content-type'] ?? '(none)'} is not remote write: send application/x-protobuf`
            : `content encoding ${encoding} is not supported: send snappy (block format)`
        ingestion.ledger.refuse(principal.name, protocol, 'unsupported-media-type', 1, message)
        return send(reply, plainText(415, message))
      }
      const body = request.body as Buffer
      const decode = version === 1 ? decodeRemoteWrite1 : decodeRemoteWrite2
      const answer = await ingestion.handle(
        { source: principal.name, protocol, path: '/api/v1/write', contentType: protocol, body },
        ({ batches, metrics, latestMs }) =>
          decode(snappy.decode(body), { registry: batches.registry, columns: metrics, latestMs }),
        version === 1 ? answersOf1 : answersOf2,
      )
      return send(reply, answer)
    },
  })
  return [route('/api/v1/write'), route('/api/v1/push')]
}

const answersOf1 = answersFor(() => ({}))
/** 2.0 always states what was written, also when some of it was not. */
const answersOf2 = answersFor((outcome) => ({
  'x-prometheus-remote-write-samples-written': String(outcome?.samples ?? 0),
  'x-prometheus-remote-write-histograms-written': String(outcome?.histograms ?? 0),
  'x-prometheus-remote-write-exemplars-written': String(outcome?.exemplars ?? 0),
}))

function answersFor(written: (outcome: Outcome | undefined) => Record<string, string>): ProtocolAnswers {
  const withCounts = (answer: HttpAnswer, outcome?: Outcome): HttpAnswer => ({
    ...answer,
    headers: { ...answer.headers, ...written(outcome) },
  })
  return {
    done: (outcome) =>
      refusedCount(outcome) === 0
        ? withCounts({ status: 204, headers: {}, body: '' }, outcome)
        : withCounts(plainText(400, explainRefusals(outcome)), outcome),
    malformed: (error) => withCounts(plainText(error.failure === 'too-large' ? 413 : 400, error.message)),
    later: (status, message, seconds) => withCounts(retryLater(plainText(status, message), seconds)),
  }
}
