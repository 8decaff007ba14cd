import { protobuf } from '@plimsoll/gateway/decode/protobufwriter.ts'
import { encodeSnappy } from '@plimsoll/gateway/decode/snappy.ts'
import { encodeRemoteWrite1, encodeRemoteWrite2, type WriteSeries } from '@plimsoll/gateway/sender/remotewrite.ts'

/**
 * The two shapes of remote write that receivers are compared on. W1: 2,000 series with 20 samples each, 500 series to a
 * request, a backlog being caught up; four requests a round, so that four connections keep each series in order. W2: 48,000 series with one sample each, 2,000 to a request, what Prometheus sends by default.
 */
export type Shape = 'W1' | 'W2'

export const SAMPLES_PER_REQUEST = { W1: 10_000, W2: 2_000 } as const
export const SERIES = { W1: 2_000, W2: 48_000 } as const
const JOBS = 24

export type RemoteWriteLoad = {
  readonly shape: Shape
  readonly version: 1 | 2
  readonly series?: number
  /** How often every series is sent. */
  readonly rounds: number
  /** Time of the first round, ms since the epoch; rounds are 15 s apart and samples within W1 too. */
  readonly startMs: number
}

/** Ten labels, about 230 bytes: what an instrumented HTTP server behind service discovery looks like. */
export function seriesLabels(i: number): WriteSeries['labels'] {
  const job = i % JOBS
  return [
    ['__name__', 'http_server_request_duration_seconds_bucket'],
    ['cluster', 'production-eu-central-1'],
    ['container', `checkout-api-${job}`],
    ['instance', `10.42.${(i >> 8) & 255}.${i & 255}:9090`],
    ['job', `checkout/service-${job}`],
    ['le', `${(i % 11) * 0.25}`],
    ['method', i % 3 === 0 ? 'POST' : 'GET'],
    ['namespace', 'checkout'],
    ['pod', `checkout-api-${job}-7d9f8b6c5-${i.toString(36).padStart(5, 'x')}`],
    ['route', `/api/v1/carts/{cartId}/items/${i % 97}`],
  ]
}

/** Bodies as they go on the wire, request by request, round by round. Requests of one round hold distinct series. */
export function* remoteWriteBodies(load: RemoteWriteLoad): Generator<Uint8Array> {
  const { shape, version, rounds, startMs, series = SERIES[shape] } = load
  const perSeries = shape === 'W1' ? 20 : 1
  const perRequest = SAMPLES_PER_REQUEST[shape] / perSeries
  const templates: Template[] = []
  for (let first = 0; first < series; first += perRequest) {
    const count = Math.min(perRequest, series - first)
    templates.push(createTemplate(version, first, count, perSeries, startMs))
  }
  for (let round = 0; round < rounds; round++) {
    for (const template of templates) {
      setSamples(template, startMs + round * perSeries * STEP_MS, perSeries, round)
      yield encodeSnappy(template.bytes)
    }
  }
}

const STEP_MS = 15_000

/** An encoded request and where the time of each of its samples stands; the value stands nine bytes before it. */
type Template = { readonly bytes: Buffer; readonly timesAt: readonly number[] }

/** Only times and values change between rounds, and neither changes its length: labels are encoded once. */
function createTemplate(version: 1 | 2, first: number, count: number, perSeries: number, startMs: number): Template {
  const encode = version === 1 ? encodeRemoteWrite1 : encodeRemoteWrite2
  const samples = Array.from({ length: perSeries }, () => ({ timeMs: startMs, value: 0 }))
  const bytes = Buffer.from(
    encode(Array.from({ length: count }, (_, i) => ({ labels: seriesLabels(first + i), samples }))),
  )
  const sample = Buffer.concat([Buffer.from([0x09]), Buffer.alloc(8), protobuf().varint(2, startMs).finish()])
  const timesAt: number[] = []
  for (let at = bytes.indexOf(sample); at >= 0; at = bytes.indexOf(sample, at + sample.length)) timesAt.push(at + 10)
  return { bytes, timesAt }
}

function setSamples({ bytes, timesAt }: Template, startMs: number, perSeries: number, round: number): void {
  for (const [i, at] of timesAt.entries()) {
    bytes.writeDoubleLE(i * 0.25 + round, at - 9)
    writeVarint(bytes, at, startMs + (i % perSeries) * STEP_MS)
  }
}

function writeVarint(bytes: Uint8Array, start: number, value: number): void {
  let at = start
  let rest = value
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes[at++] = (rest % 128) | 128
  bytes[at] = rest
}

export type SpanLoad = { readonly spansPerRequest: number; readonly requests: number; readonly startMs: number }

const utf8 = new TextEncoder()

/** OTLP trace requests in protobuf: eight-span traces of twelve services, HTTP and database, about 300 bytes a span. */
export function* spanBodies({ spansPerRequest, requests, startMs }: SpanLoad): Generator<Uint8Array> {
  const services = 12
  let id = 1
  for (let request = 0; request < requests; request++) {
    const body = protobuf()
    for (let service = 0; service < services; service++) {
      body.message(1, (resourceSpans) => {
        resourceSpans.message(1, (resource) => {
          writeAttribute(resource, 1, 'service.name', `shop-${service}`)
          writeAttribute(resource, 1, 'service.version', '1.4.2')
          writeAttribute(resource, 1, 'service.instance.id', `shop-${service}-7d9f8b6c5-x2x9z`)
          writeAttribute(resource, 1, 'deployment.environment.name', 'production')
        })
        resourceSpans.message(2, (scope) => {
          for (let i = 0; i < spansPerRequest / services; i++, id++) writeSpan(scope, id, service, startMs + request)
        })
      })
    }
    yield body.finish()
  }
}

type Writer = ReturnType<typeof protobuf>

function writeSpan(scope: Writer, id: number, service: number, startMs: number): void {
  const startNano = BigInt(startMs) * 1_000_000n + BigInt(id % 1_000_000)
  const database = id % 2 === 0
  scope.message(2, (span) => {
    span.bytes(1, idBytes(16, id >> 3)).bytes(2, idBytes(8, id))
    if (id % 8 !== 0) span.bytes(4, idBytes(8, id - (id % 8)))
    span.text(5, database ? 'SELECT shop.cart_item' : `GET /api/v1/carts/{cartId}/items/${id % 31}`)
    span.varint(6, database ? 3 : 2)
    span.fixed64(7, startNano).fixed64(8, startNano + BigInt(1_000_000 + (id % 977) * 10_000))
    if (database) {
      writeAttribute(span, 9, 'db.system.name', 'postgresql')
      writeAttribute(span, 9, 'db.query.summary', 'SELECT cart_item')
      writeAttribute(
        span,
        9,
        'db.query.text',
        `SELECT id, sku, quantity FROM cart_item WHERE cart_id = $1 AND shard = ${service}`,
      )
      writeAttribute(span, 9, 'server.address', `db-${service}.internal`)
    } else {
      writeAttribute(span, 9, 'http.request.method', 'GET')
      writeAttribute(span, 9, 'http.route', `/api/v1/carts/{cartId}/items/${id % 31}`)
      writeAttribute(span, 9, 'http.response.status_code', 200)
      writeAttribute(span, 9, 'url.path', `/api/v1/carts/${id}/items/${id % 31}`)
      writeAttribute(span, 9, 'server.address', `shop-${service}.internal`)
    }
    span.message(15, (status) => status.varint(3, 1))
  })
}

function writeAttribute(out: Writer, field: number, key: string, value: string | number): void {
  out.message(field, (pair) =>
    pair
      .text(1, key)
      .message(2, (any) => (typeof value === 'string' ? any.bytes(1, utf8.encode(value)) : any.varint(3, value))),
  )
}

function idBytes(length: 8 | 16, number: number): Uint8Array {
  const bytes = new Uint8Array(length).fill(0xa5)
  new DataView(bytes.buffer).setUint32(length - 4, number + 1)
  return bytes
}
