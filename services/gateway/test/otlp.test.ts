import { gzipSync } from 'node:zlib'
import { spanBatchView } from '@plimsoll/contracts/span-batch.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cursorOf, readLength, readTag, readVarint32, skipField } from '../decode/protobuf.ts'
import { type ProtobufWriter, protobuf } from '../decode/protobufwriter.ts'
import { allMessages, type ReadHistogram, type ReadSample, readBack, type TestGateway, testGateway } from './harness.ts'

let gateway: TestGateway
let sources = 0
const now = Date.now()
const nanos = (ms: number) => BigInt(ms) * 1_000_000n

beforeAll(async () => {
  gateway = await testGateway()
})
afterAll(() => gateway.close())

type Answer = { status: number; type: string; body: Buffer; json: () => Record<string, unknown> }

async function post(signal: string, body: Uint8Array | string, headers: Record<string, string> = {}): Promise<Answer> {
  const response = await gateway.app.inject({
    method: 'POST',
    url: `/v1/${signal}`,
    headers: { 'content-type': typeof body === 'string' ? 'application/json' : 'application/x-protobuf', ...headers },
    payload: Buffer.from(body),
  })
  return {
    status: response.statusCode,
    type: String(response.headers['content-type']),
    body: response.rawPayload,
    json: () => response.json(),
  }
}

/** rejected count and message of a protobuf Export*Response. */
function partialSuccess(body: Uint8Array): [rejected: number, message: string] | undefined {
  const cursor = cursorOf(body)
  if (body.length === 0) return undefined
  readTag(cursor)
  const end = readLength(cursor, cursor.end) + cursor.at
  let rejected = 0
  let message = ''
  while (cursor.at < end) {
    const tag = readTag(cursor)
    if (tag === 0x08) rejected = readVarint32(cursor)
    else if (tag === 0x12) {
      const length = readLength(cursor, end)
      message = Buffer.from(body.subarray(cursor.at, cursor.at + length)).toString()
      cursor.at += length
    } else skipField(cursor, tag & 7, end)
  }
  return [rejected, message]
}

const attribute = (out: ProtobufWriter, field: number, key: string, value: string | number | boolean) =>
  out.message(field, (pair) =>
    pair.text(1, key).message(2, (any) => {
      if (typeof value === 'string') any.text(1, value)
      else if (typeof value === 'boolean') any.varint(2, value ? 1 : 0)
      else any.varint(3, value)
    }),
  )

/** A request of one metric of service `shop`, its data field filled by `fill`. */
function metricRequest(
  name: string,
  dataField: number,
  fill: (data: ProtobufWriter) => unknown,
  unit = '',
): Uint8Array {
  return protobuf()
    .message(1, (resource) => {
      resource.message(1, (r) => attribute(attribute(r, 1, 'service.name', 'shop'), 1, 'host.name', 'h1'))
      resource.message(2, (scope) => {
        scope.message(1, (s) => s.text(1, 'lib').text(2, '1.0'))
        scope.message(2, (metric) => metric.text(1, name).text(3, unit).message(dataField, fill))
      })
    })
    .finish()
}

async function sendMetric(body: Uint8Array): Promise<Answer & { samples: ReadSample[]; histograms: ReadHistogram[] }> {
  const before = await readBack(gateway.log)
  const answer = await post('metrics', body, { authorization: `otlp-${sources++}` })
  const after = await readBack(gateway.log)
  return {
    ...answer,
    samples: after.samples.slice(before.samples.length),
    histograms: after.histograms.slice(before.histograms.length),
  }
}

describe('OTLP metrics', () => {
  it('stores a gauge with attributes of point, scope and resource', async () => {
    const { status, type, body, samples } = await sendMetric(
      metricRequest(
        'queue.depth',
        5,
        (gauge) =>
          gauge.message(1, (point) => {
            attribute(attribute(point, 7, 'queue', 'mail'), 7, 'full', true)
            point.fixed64(3, nanos(now)).double(4, 12.5)
          }),
        '{item}',
      ),
    )
    expect([status, type, body.length]).toEqual([200, 'application/x-protobuf', 0])
    expect(samples).toMatchObject([
      {
        name: 'queue.depth',
        kind: 0,
        unit: '{item}',
        labels: { queue: 'mail', full: 'true', 'service.name': 'shop', 'host.name': 'h1', 'otel.scope.name': 'lib' },
        timeMs: now,
        value: 12.5,
      },
    ])
  })

  it.each([
    ['cumulative monotonic', 2, 1, 1],
    ['cumulative up-down', 2, 0, 0],
    ['delta', 1, 1, 2],
  ])('stores a %s sum as its own kind, with its start', async (_what, temporality, monotonic, kind) => {
    const { samples } = await sendMetric(
      metricRequest(`sum.${temporality}.${monotonic}`, 7, (sum) =>
        sum
          .message(1, (point) =>
            point
              .fixed64(2, nanos(now - 60_000))
              .fixed64(3, nanos(now))
              .fixed64(6, -7n),
          )
          .varint(2, temporality)
          .varint(3, monotonic),
      ),
    )
    expect(samples).toMatchObject([{ kind, value: -7, startMs: now - 60_000 }])
  })

  it('refuses a sum that states no temporality', async () => {
    const { status, body, samples } = await sendMetric(
      metricRequest('bad', 7, (sum) => sum.message(1, (point) => point.fixed64(3, nanos(now)).double(4, 1))),
    )
    expect([status, partialSuccess(body)?.[0], samples]).toEqual([200, 1, []])
    expect(partialSuccess(body)?.[1]).toContain('temporality-unspecified')
  })

  it('lets the attribute of a point win over the same one of its resource', async () => {
    const { samples } = await sendMetric(
      metricRequest('win', 5, (gauge) =>
        gauge.message(1, (point) => attribute(point, 7, 'host.name', 'mine').fixed64(3, nanos(now)).double(4, 1)),
      ),
    )
    expect(samples[0]?.labels['host.name']).toBe('mine')
  })

  it('turns "no recorded value" into the stale marker', async () => {
    const { samples } = await sendMetric(
      metricRequest('gone', 5, (gauge) => gauge.message(1, (point) => point.fixed64(3, nanos(now)).varint(8, 1))),
    )
    expect(samples[0]?.bits).toEqual([2, 0x7ff00000])
  })

  it('stores an explicit histogram with bounds, minimum and maximum', async () => {
    const { status, histograms } = await sendMetric(
      metricRequest(
        'http.server.request.duration',
        9,
        (histogram) =>
          histogram
            .message(1, (point) =>
              point
                .fixed64(3, nanos(now))
                .fixed64(4, 6n)
                .double(5, 3.5)
                .packedFixed64(6, [1, 2, 0, 3])
                .packedDouble(7, [0.1, 0.5, 1])
                .double(11, 0.05)
                .double(12, 2),
            )
            .varint(2, 2),
        's',
      ),
    )
    expect(status).toBe(200)
    expect(histograms).toMatchObject([
      {
        kind: 3,
        unit: 's',
        scale: -53,
        count: 6,
        sum: 3.5,
        min: 0.05,
        max: 2,
        bounds: [0.1, 0.5, 1],
        buckets: [
          [0, 1],
          [1, 2],
          [3, 3],
        ],
      },
    ])
  })

  it('stores a histogram without buckets', async () => {
    const { histograms } = await sendMetric(
      metricRequest('bare', 9, (histogram) =>
        histogram.message(1, (point) => point.fixed64(3, nanos(now)).fixed64(4, 4n).double(5, 2)).varint(2, 1),
      ),
    )
    expect(histograms).toMatchObject([{ kind: 4, count: 4, sum: 2, buckets: [], bounds: [] }])
  })

  it('stores an exponential histogram as it came, scale 8 and coarser', async () => {
    const { histograms } = await sendMetric(exponential({ scale: 3, offset: -2, counts: [1, 0, 2, 3] }))
    expect(histograms).toMatchObject([
      {
        scale: 3,
        count: 6,
        buckets: [
          [-2, 1],
          [0, 2],
          [1, 3],
        ],
      },
    ])
  })

  it.each([
    // index >> 2: -5, -4, -3, -2, -1, 0, 1 -> -2, -1, -1, -1, -1, 0, 0
    [
      10,
      -5,
      [1, 1, 1, 1, 1, 1, 1],
      [
        [-2, 1],
        [-1, 4],
        [0, 2],
      ],
    ],
    [
      9,
      3,
      [1, 2, 4],
      [
        [1, 1],
        [2, 6],
      ],
    ],
    [20, -4096, [7], [[-1, 7]]],
  ])('merges scale %i down to 8', async (scale, offset, counts, buckets) => {
    const { histograms } = await sendMetric(exponential({ scale, offset, counts }))
    expect(histograms).toMatchObject([{ scale: 8, buckets }])
  })

  it.each([
    ['histogram-schema', exponential({ scale: -5, offset: 0, counts: [1] })],
    ['histogram-schema', exponential({ scale: 21, offset: 0, counts: [1] })],
    ['histogram-count', exponential({ scale: 1, offset: 0, counts: [1], count: 5 })],
    ['histogram-bounds', explicit([1, 2, 3], [1, 1])],
    ['histogram-bounds', explicit([1, 2], [1, 2])],
    ['histogram-count', explicit([1, 2, 3], [1, 2], 9)],
  ])('refuses %s and says so', async (reason, body) => {
    const answer = await sendMetric(body)
    expect(answer.status).toBe(200)
    expect(partialSuccess(answer.body)).toEqual([1, expect.stringContaining(reason)])
    expect(answer.histograms).toEqual([])
  })

  it('turns a summary into quantile gauges, a sum and a count', async () => {
    const { samples } = await sendMetric(
      metricRequest('rpc', 11, (summary) =>
        summary.message(1, (point) =>
          point
            .fixed64(3, nanos(now))
            .fixed64(4, 10n)
            .double(5, 55)
            .message(6, (q) => q.double(1, 0.5).double(2, 5))
            .message(6, (q) => q.double(1, 0.99).double(2, 9)),
        ),
      ),
    )
    expect(samples.map(({ name, kind, labels, value }) => [name, kind, labels.quantile, value])).toEqual([
      ['rpc_count', 1, undefined, 10],
      ['rpc_sum', 1, undefined, 55],
      ['rpc', 0, '0.5', 5],
      ['rpc', 0, '0.99', 9],
    ])
  })

  it('stores the good points of a request and counts the others', async () => {
    const { status, body, samples } = await sendMetric(
      metricRequest('mixed', 5, (gauge) =>
        gauge
          .message(1, (point) => point.fixed64(3, nanos(now)).double(4, 1))
          .message(1, (point) => point.fixed64(3, nanos(now + 11 * 60_000)).double(4, 2))
          .message(1, (point) => point.double(4, 3))
          .message(1, (point) => point.fixed64(3, nanos(now)))
          .message(1, (point) => point.fixed64(3, nanos(now)).double(4, 5)),
      ),
    )
    expect(status).toBe(200)
    expect(samples.map(({ value }) => value)).toEqual([1, 5])
    expect(partialSuccess(body)?.[0]).toBe(3)
  })
})

function exponential(given: { scale: number; offset: number; counts: number[]; count?: number }): Uint8Array {
  const count = given.count ?? given.counts.reduce((sum, n) => sum + n, 0)
  return metricRequest(`exp.${given.scale}.${given.offset}.${count}`, 10, (data) =>
    data
      .message(1, (point) =>
        point
          .fixed64(3, nanos(now))
          .fixed64(4, BigInt(count))
          .double(5, 1)
          .sint(6, given.scale)
          .message(8, (buckets) => buckets.sint(1, given.offset).packed(2, given.counts)),
      )
      .varint(2, 2),
  )
}

function explicit(counts: number[], bounds: number[], count = counts.reduce((sum, n) => sum + n, 0)): Uint8Array {
  return metricRequest(`explicit.${counts.length}.${bounds.join()}`, 9, (data) =>
    data
      .message(1, (point) =>
        point.fixed64(3, nanos(now)).fixed64(4, BigInt(count)).packedFixed64(6, counts).packedDouble(7, bounds),
      )
      .varint(2, 2),
  )
}

type SpanGiven = {
  attributes?: Record<string, string | number>
  name?: string
  end?: number
  traceId?: string
  kind?: number
  status?: number
}

function traceRequest(
  given: readonly SpanGiven[],
  resource: Record<string, string> = { 'service.name': 'shop' },
): Uint8Array {
  return protobuf()
    .message(1, (resourceSpans) => {
      resourceSpans.message(1, (r) => {
        for (const [key, value] of Object.entries(resource)) attribute(r, 1, key, value)
      })
      resourceSpans.message(2, (scope) => {
        for (const [i, span] of given.entries()) {
          scope.message(2, (out) => {
            out.bytes(1, Buffer.from(span.traceId ?? '0102030405060708090a0b0c0d0e0f10', 'hex'))
            out.bytes(2, Buffer.from(`00000000000000${(i + 1).toString(16).padStart(2, '0')}`, 'hex'))
            if (i > 0) out.bytes(4, Buffer.from('0000000000000001', 'hex'))
            out.text(5, span.name ?? 'GET /cart').varint(6, span.kind ?? 2)
            out.fixed64(7, nanos(now) + 250_000n).fixed64(8, nanos(span.end ?? now + 12) + 750_000n)
            for (const [key, value] of Object.entries(span.attributes ?? {})) attribute(out, 9, key, value)
            out.message(15, (status) => status.varint(3, span.status ?? 0))
          })
        }
      })
    })
    .finish()
}

async function sendSpans(body: Uint8Array | string): Promise<Answer & { spans: Record<string, unknown>[] }> {
  const source = `spans-${sources++}`
  const answer = await post('traces', body, { authorization: source })
  const spans: Record<string, unknown>[] = []
  for (const data of await allMessages(gateway.log, 'plimsoll.telemetry.v1.SpanBatch')) {
    const batch = spanBatchView(data)
    if (batch.source !== source) continue
    const text = (refs: Uint32Array, i: number) => batch.strings.at(refs[i] ?? 0)
    for (let i = 0; i < batch.spanRows; i++) {
      spans.push({
        traceId: Buffer.from(batch.traceId.subarray(i * 16, i * 16 + 16)).toString('hex'),
        spanId: Buffer.from(batch.spanId.subarray(i * 8, i * 8 + 8)).toString('hex'),
        parentSpanId: Buffer.from(batch.parentSpanId.subarray(i * 8, i * 8 + 8)).toString('hex'),
        startTime: batch.startTime[i],
        durationMs: batch.durationMs[i],
        kind: batch.kind[i],
        status: batch.status[i],
        httpStatus: batch.httpStatus[i],
        service: text(batch.serviceRef, i),
        environment: text(batch.environmentRef, i),
        release: text(batch.releaseRef, i),
        instance: text(batch.instanceRef, i),
        name: text(batch.nameRef, i),
        route: text(batch.routeRef, i),
        method: text(batch.methodRef, i),
        system: text(batch.systemRef, i),
        operation: text(batch.operationRef, i),
        statement: text(batch.statementRef, i),
        peer: text(batch.peerRef, i),
      })
    }
  }
  return { ...answer, spans }
}

describe('OTLP traces', () => {
  it('stores ids, times to the microsecond, kind, status and resource', async () => {
    const { status, spans } = await sendSpans(
      traceRequest([{ status: 2 }, { kind: 3 }], {
        'service.name': 'shop',
        'service.version': '1.4.2',
        'service.instance.id': 'shop-7',
        'deployment.environment.name': 'production',
      }),
    )
    expect(status).toBe(200)
    expect(spans).toMatchObject([
      {
        traceId: '0102030405060708090a0b0c0d0e0f10',
        spanId: '0000000000000001',
        parentSpanId: '0000000000000000',
        durationMs: 12.5,
        kind: 2,
        status: 2,
        service: 'shop',
        release: '1.4.2',
        instance: 'shop-7',
        environment: 'production',
        name: 'GET /cart',
      },
      { spanId: '0000000000000002', parentSpanId: '0000000000000001', kind: 3, status: 0 },
    ])
    expect(spans[0]?.startTime).toBeCloseTo(now + 0.25, 3)
  })

  it.each([
    [
      'stable',
      {
        'http.route': '/cart/{id}',
        'http.request.method': 'GET',
        'http.response.status_code': 503,
        'server.address': 'db',
      },
    ],
    ['older', { 'http.route': '/cart/{id}', 'http.method': 'GET', 'http.status_code': 503, 'net.peer.name': 'db' }],
  ])('reads HTTP attributes of the %s conventions', async (_generation, attributes) => {
    const { spans } = await sendSpans(traceRequest([{ attributes }]))
    expect(spans).toMatchObject([{ route: '/cart/{id}', method: 'GET', httpStatus: 503, peer: 'db' }])
  })

  it.each([
    [
      'stable',
      {
        'db.system.name': 'postgresql',
        'db.query.summary': 'SELECT cart',
        'db.operation.name': 'SELECT',
        'db.query.text': 'SELECT 1',
      },
      'SELECT cart',
    ],
    ['older', { 'db.system': 'postgresql', 'db.operation': 'SELECT', 'db.statement': 'SELECT 1' }, 'SELECT'],
  ])('reads database attributes of the %s conventions', async (_generation, attributes, operation) => {
    const { spans } = await sendSpans(traceRequest([{ attributes }]))
    expect(spans).toMatchObject([{ system: 'postgresql', operation, statement: 'SELECT 1' }])
  })

  it('prefers the stable attribute in whatever order they come', async () => {
    const both = { 'db.statement': 'old', 'db.query.text': 'new' }
    const turned = { 'db.query.text': 'new', 'db.statement': 'old' }
    const { spans } = await sendSpans(traceRequest([{ attributes: both }, { attributes: turned }]))
    expect(spans.map(({ statement }) => statement)).toEqual(['new', 'new'])
  })

  it('makes a route of RPC service and method', async () => {
    const { spans } = await sendSpans(
      traceRequest([{ attributes: { 'rpc.service': 'shop.Cart', 'rpc.method': 'Add' } }]),
    )
    expect(spans).toMatchObject([{ route: 'shop.Cart/Add' }])
  })

  it('refuses spans that are none, stores the rest, states how many', async () => {
    const { status, body, spans } = await sendSpans(
      traceRequest([{ name: 'good' }, { traceId: '00'.repeat(16) }, { traceId: '0102' }, { end: now - 60_000 }]),
    )
    expect(status).toBe(200)
    expect(partialSuccess(body)).toEqual([3, expect.stringContaining('invalid-span')])
    expect(spans.map(({ name }) => name)).toEqual(['good'])
  })

  it('refuses a span that states its trace twice and not itself', async () => {
    const trace = Buffer.alloc(16, 7)
    const span = protobuf()
      .bytes(1, trace)
      .bytes(1, trace)
      .fixed64(7, nanos(now))
      .fixed64(8, nanos(now + 1))
    const { body } = await sendSpans(
      protobuf()
        .message(1, (resourceSpans) => resourceSpans.message(2, (scope) => scope.bytes(2, span.finish())))
        .finish(),
    )
    expect(partialSuccess(body)).toEqual([1, expect.stringContaining('invalid-span')])
  })

  it('cuts texts of more than 32 KiB at a character’s edge', async () => {
    const { spans } = await sendSpans(traceRequest([{ attributes: { 'db.query.text': 'ä'.repeat(40_000) } }]))
    const statement = String(spans[0]?.statement)
    expect([statement.length, statement.replaceAll('ä', '')]).toEqual([16_384, ''])
  })

  it('splits a request that is larger than a message, and stores each span once', async () => {
    const many = Array.from(
      { length: 3_000 },
      (_, i): SpanGiven => ({ name: `op ${i}`, attributes: { 'db.query.text': `SELECT ${i} ${'x'.repeat(500)}` } }),
    )
    const { status, spans } = await sendSpans(traceRequest(many))
    expect(status).toBe(200)
    expect(new Set(spans.map(({ name }) => name)).size).toBe(3_000)
    expect(spans).toHaveLength(3_000)
  })
})

describe('OTLP/JSON', () => {
  const attributes = [{ key: 'service.name', value: { stringValue: 'shop' } }]
  it('stores what the same request in protobuf would', async () => {
    const { status, json, spans } = await sendSpans(
      JSON.stringify({
        resourceSpans: [
          {
            resource: { attributes },
            scopeSpans: [
              {
                spans: [
                  {
                    traceId: '0102030405060708090A0B0C0D0E0F10',
                    spanId: '00000000000000a1',
                    name: 'GET /cart',
                    kind: 'SPAN_KIND_SERVER',
                    startTimeUnixNano: String(nanos(now)),
                    endTimeUnixNano: String(nanos(now + 5)),
                    attributes: [{ key: 'http.status_code', value: { intValue: '200' } }],
                    status: { code: 2 },
                    droppedLinksCount: 0,
                    someFieldOfTheFuture: { a: [1] },
                  },
                ],
              },
            ],
          },
        ],
      }),
    )
    expect([status, json()]).toEqual([200, {}])
    expect(spans).toMatchObject([
      { spanId: '00000000000000a1', kind: 2, status: 2, durationMs: 5, httpStatus: 200, service: 'shop' },
    ])
  })

  it('reads numbers as numbers or strings, and answers rejected counts as strings', async () => {
    const before = (await readBack(gateway.log)).histograms.length
    const point = { timeUnixNano: String(nanos(now)), count: '3', sum: 1.5, scale: 2, zeroCount: 0 }
    const answer = await post(
      'metrics',
      JSON.stringify({
        resourceMetrics: [
          {
            resource: { attributes },
            scopeMetrics: [
              {
                metrics: [
                  {
                    name: 'json.exp',
                    exponentialHistogram: {
                      aggregationTemporality: 'AGGREGATION_TEMPORALITY_DELTA',
                      dataPoints: [
                        { ...point, positive: { offset: -1, bucketCounts: ['1', 2] } },
                        { ...point, positive: { offset: 0, bucketCounts: ['9'] } },
                      ],
                    },
                  },
                ],
              },
            ],
          },
        ],
      }),
    )
    expect(answer.status).toBe(200)
    expect(answer.type).toContain('application/json')
    expect(answer.json()).toMatchObject({
      partialSuccess: { rejectedDataPoints: '1', errorMessage: expect.stringContaining('histogram-count') },
    })
    expect((await readBack(gateway.log)).histograms.slice(before)).toMatchObject([
      {
        kind: 4,
        scale: 2,
        buckets: [
          [-1, 1],
          [0, 2],
        ],
      },
    ])
  })

  it.each([
    ['{"resourceSpans": [{', 'not JSON'],
    ['[]', 'must be an object'],
    ['{"resourceSpans": [5]}', 'resourceSpans[0] must be an object'],
    ['{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"zz"}]}]}]}', 'traceId must be hexadecimal'],
  ])('answers 400 with a Status to %s', async (body, problem) => {
    const answer = await post('traces', body)
    expect(answer.status).toBe(400)
    expect(answer.json()).toMatchObject({ code: 3, message: expect.stringContaining(problem) })
  })
})

describe('OTLP manners', () => {
  const request = traceRequest([{ name: 'manners' }])

  it('takes gzip', async () => {
    expect((await post('traces', gzipSync(request), { 'content-encoding': 'gzip' })).status).toBe(200)
  })

  it('answers 400 with a Status in protobuf to a body that does not parse', async () => {
    const answer = await post('traces', request.subarray(0, 40))
    expect([answer.status, answer.type]).toEqual([400, 'application/x-protobuf'])
    expect(answer.body[0]).toBe(0x08)
  })

  it('answers 413 to a bomb, without inflating it whole', async () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024))
    expect((await post('traces', bomb, { 'content-encoding': 'gzip' })).status).toBe(413)
  })

  it.each([
    ['text/plain', 'identity'],
    ['application/x-protobuf', 'br'],
  ])('answers 415 to %s in %s', async (type, encoding) => {
    expect((await post('traces', request, { 'content-type': type, 'content-encoding': encoding })).status).toBe(415)
  })

  it('refuses values nested without end', async () => {
    let value = protobuf().text(1, 'deep').finish()
    for (let i = 0; i < 5_000; i++)
      value = protobuf()
        .message(5, (list) => list.bytes(1, value))
        .finish()
    const body = protobuf().message(1, (r) =>
      r.message(1, (res) => res.message(1, (kv) => kv.text(1, 'k').bytes(2, value))),
    )
    expect((await post('traces', body.finish())).status).toBe(400)
  })

  it('refuses logs as a whole, with the count', async () => {
    const body = protobuf().message(1, (r) =>
      r.message(2, (scope) => scope.message(2, (l) => l.text(3, 'a')).message(2, (l) => l.text(3, 'b'))),
    )
    const answer = await post('logs', body.finish())
    expect(answer.status).toBe(200)
    expect(partialSuccess(answer.body)).toEqual([2, expect.stringContaining('logs are not taken')])
  })

  it('counts all that it refuses by source and reason', () => {
    const reasons = gateway.ingestion.ledger.entries().flatMap(({ refused }) => [...refused.keys()])
    expect(new Set(reasons)).toEqual(
      new Set([
        'temporality-unspecified',
        'histogram-schema',
        'histogram-count',
        'histogram-bounds',
        'too-far-ahead',
        'no-data',
        'invalid-span',
        'malformed-body',
        'too-large',
        'unsupported-media-type',
        'signal-not-taken',
      ]),
    )
  })
})
