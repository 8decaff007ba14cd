import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { protobuf } from '../decode/protobufwriter.ts'
import { encodeSnappy } from '../decode/snappy.ts'
import {
  encodeRemoteWrite1,
  encodeRemoteWrite2,
  STALE_NAN,
  type WriteHistogram,
  type WriteSeries,
} from '../sender/remotewrite.ts'
import { type ReadHistogram, type ReadSample, readBack, type TestGateway, testGateway } from './harness.ts'

/**
 * Every case of the remote-write 1.0 and 2.0 specifications, each read back from the log: what was answered must be
 * what was stored.
 */
const CONTENT_1 = 'application/x-protobuf'
const CONTENT_2 = 'application/x-protobuf;proto=io.prometheus.write.v2.Request'
const versions = [
  { version: '1.0', contentType: CONTENT_1, encode: (series: WriteSeries[]) => encodeRemoteWrite1(series) },
  { version: '2.0', contentType: CONTENT_2, encode: (series: WriteSeries[]) => encodeRemoteWrite2(series) },
] as const

let gateway: TestGateway
let sources = 0
const now = Date.now()

beforeAll(async () => {
  gateway = await testGateway()
})
afterAll(() => gateway.close())

type Answer = {
  status: number
  body: string
  headers: Record<string, unknown>
  written: readonly (number | undefined)[]
}

async function post(body: Uint8Array, headers: Record<string, string>, url = '/api/v1/write'): Promise<Answer> {
  const response = await gateway.app.inject({
    method: 'POST',
    url,
    headers: { 'content-encoding': 'snappy', ...headers },
    payload: Buffer.from(body),
  })
  const count = (what: string): number | undefined => {
    const value = response.headers[`x-prometheus-remote-write-${what}-written`]
    return value === undefined ? undefined : Number(value)
  }
  return {
    status: response.statusCode,
    body: response.body,
    headers: response.headers,
    written: [count('samples'), count('histograms'), count('exemplars')],
  }
}

/** Sends as a source of its own, so that what the log holds of it is what this request stored. */
async function write(
  { contentType, encode }: { contentType: string; encode: (series: WriteSeries[]) => Uint8Array },
  series: WriteSeries[],
): Promise<Answer & { source: string; samples: ReadSample[]; histograms: ReadHistogram[] }> {
  const source = `source-${sources++}`
  const marked = series.map((one) => ({ ...one, labels: [...one.labels, ['test_source', source] as const] }))
  const answer = await post(encodeSnappy(encode(marked)), { 'content-type': contentType, authorization: source })
  const stored = await readBack(gateway.log)
  const own = (point: { labels: Readonly<Record<string, string>> }) => point.labels.test_source === source
  return { ...answer, source, samples: stored.samples.filter(own), histograms: stored.histograms.filter(own) }
}

const up = (extra: readonly (readonly [string, string])[] = []): WriteSeries => ({
  labels: [['__name__', 'up'], ['instance', 'a:9090'], ['job', 'api'], ...extra],
  samples: [{ timeMs: now, value: 1 }],
})

const exponential: WriteHistogram = {
  timeMs: now,
  schema: 2,
  sum: 12.5,
  zeroThreshold: 0.001,
  count: 24,
  zeroCount: 1,
  positiveSpans: [
    [-1, 3],
    [2, 2],
  ],
  positiveDeltas: [1, 2, 1, 3, 1],
}

describe.each(versions)('remote write $version', (version) => {
  it('stores a sample with its name, labels, time and value', async () => {
    const { status, samples } = await write(version, [up()])
    expect(status).toBe(204)
    expect(samples).toMatchObject([{ name: 'up', labels: { instance: 'a:9090', job: 'api' }, timeMs: now, value: 1 }])
  })

  it('keeps the bits of every special value, the stale marker above all', async () => {
    const values: (number | bigint)[] = [
      STALE_NAN,
      0x7ff8000000000001n,
      Infinity,
      -Infinity,
      -0,
      5e-324,
      1.7976931348623157e308,
    ]
    const { status, samples } = await write(version, [
      { labels: [['__name__', 'special']], samples: values.map((value, i) => ({ timeMs: now + i, value })) },
    ])
    expect(status).toBe(204)
    const words = new BigUint64Array(Uint32Array.from(samples.flatMap(({ bits }) => bits)).buffer)
    const floats = new BigUint64Array(Float64Array.from(values.map((v) => (typeof v === 'bigint' ? 0 : v))).buffer)
    expect([...words]).toEqual(values.map((value, i) => (typeof value === 'bigint' ? value : floats[i])))
  })

  it('reads a negative time and a time before 1970 with small magnitude exactly', async () => {
    const times = [-1, -1_000_000_000_000, 0]
    const { status, samples } = await write(version, [
      { labels: [['__name__', 'old']], samples: times.map((timeMs) => ({ timeMs, value: 1 })) },
    ])
    expect(status).toBe(204)
    expect(samples.map(({ timeMs }) => timeMs)).toEqual(times)
  })

  it.each([
    ['newlines', 'up', [['job', 'test\njob\n']]],
    ['dots', 'resource.cpu.usage', [['job.name', 'testjob']]],
    ['spaces', 'resource cpu usage', [['job name', 'testjob']]],
    ['any UTF-8', 'messung_äöü', [['ort', '測試🚀']]],
  ] as const)('takes names and values with %s', async (_what, name, labels) => {
    const { status, samples } = await write(version, [
      { labels: [['__name__', name], ...labels], samples: [{ timeMs: now, value: 2 }] },
    ])
    expect(status).toBe(204)
    expect(samples).toMatchObject([{ name, labels: Object.fromEntries(labels) }])
  })

  it('takes labels in any order and stores them sorted, as one series', async () => {
    const forward: WriteSeries = {
      labels: [
        ['__name__', 'm'],
        ['a', '1'],
        ['b', '2'],
      ],
      samples: [{ timeMs: now, value: 1 }],
    }
    const backward: WriteSeries = {
      labels: [
        ['b', '2'],
        ['__name__', 'm'],
        ['a', '1'],
      ],
      samples: [{ timeMs: now + 1, value: 2 }],
    }
    const { status, samples } = await write(version, [forward, backward])
    expect(status).toBe(204)
    expect(samples.map(({ labels }) => Object.keys(labels))).toEqual([
      ['a', 'b', 'test_source'],
      ['a', 'b', 'test_source'],
    ])
  })

  it('takes an empty label value for an absent label', async () => {
    const { status, samples } = await write(version, [up([['zone', '']])])
    expect(status).toBe(204)
    expect(samples[0]?.labels).not.toHaveProperty('zone')
  })

  it.each([
    ['missing-metric-name', [['job', 'x']]],
    [
      'missing-metric-name',
      [
        ['__name__', ''],
        ['job', 'x'],
      ],
    ],
    [
      'empty-label-name',
      [
        ['__name__', 'm'],
        ['', 'x'],
      ],
    ],
    [
      'duplicate-label',
      [
        ['__name__', 'm'],
        ['job', 'x'],
        ['job', 'y'],
      ],
    ],
    [
      'duplicate-label',
      [
        ['__name__', 'm'],
        ['__name__', 'n'],
      ],
    ],
  ] as const)('refuses %s with 400 and stores the rest', async (reason, labels) => {
    const { status, body, samples } = await write(version, [
      up(),
      { labels, samples: [{ timeMs: now, value: 3 }] },
      up([['z', '1']]),
    ])
    expect(status).toBe(400)
    expect(body).toContain(reason)
    expect(body).toContain('1 refused')
    expect(samples.map(({ value }) => value)).toEqual([1, 1])
  })

  it('refuses samples more than ten minutes ahead and stores the others of the same series', async () => {
    const { status, body, samples } = await write(version, [
      {
        labels: [['__name__', 'clock']],
        samples: [
          { timeMs: now, value: 1 },
          { timeMs: now + 11 * 60_000, value: 2 },
          { timeMs: now + 9 * 60_000, value: 3 },
        ],
      },
    ])
    expect(status).toBe(400)
    expect(body).toContain('too-far-ahead')
    expect(samples.map(({ value }) => value)).toEqual([1, 3])
  })

  it('takes late samples and backfill of any age, out of order', async () => {
    const ages = [0, 2 * 3_600_000, 48 * 3_600_000, 60_000]
    const { status, samples } = await write(version, [
      { labels: [['__name__', 'late']], samples: ages.map((age) => ({ timeMs: now - age, value: age })) },
    ])
    expect(status).toBe(204)
    expect(samples.map(({ timeMs }) => now - timeMs)).toEqual(ages)
  })

  it('stores a native histogram with buckets numbered by their lower edge', async () => {
    const { status, histograms } = await write(version, [
      { labels: [['__name__', 'latency']], histograms: [exponential] },
    ])
    expect(status).toBe(204)
    expect(histograms).toMatchObject([
      {
        name: 'latency',
        kind: 3,
        timeMs: now,
        count: 24,
        sum: 12.5,
        scale: 2,
        zeroCount: 1,
        zeroThreshold: 0.001,
        // Prometheus' bucket i reaches up to base^i, ours starts there.
        buckets: [
          [-2, 1],
          [-1, 3],
          [0, 4],
          [3, 7],
          [4, 8],
        ],
      },
    ])
  })

  it('stores a float histogram and one with custom bounds', async () => {
    const float: WriteHistogram = {
      timeMs: now,
      schema: -4,
      sum: 1,
      countFloat: 2.5,
      zeroCountFloat: 0.5,
      positiveSpans: [[1, 2]],
      positiveCounts: [1.5, 0.5],
    }
    const custom: WriteHistogram = {
      timeMs: now + 1,
      schema: -53,
      sum: 9,
      count: 30,
      bounds: [0.1, 0.5, 1, 2.5, 5, 10],
      positiveSpans: [[0, 6]],
      positiveDeltas: [2, 1, 2, 3, -1, -2],
    }
    const { status, histograms } = await write(version, [{ labels: [['__name__', 'h']], histograms: [float, custom] }])
    expect(status).toBe(204)
    expect(histograms).toMatchObject([
      {
        scale: -4,
        count: 2.5,
        zeroCount: 0.5,
        buckets: [
          [0, 1.5],
          [1, 0.5],
        ],
        bounds: [],
      },
      {
        scale: -53,
        count: 30,
        bounds: [0.1, 0.5, 1, 2.5, 5, 10],
        buckets: [
          [0, 2],
          [1, 3],
          [2, 5],
          [3, 8],
          [4, 7],
          [5, 5],
        ],
      },
    ])
  })

  it('takes negative buckets (counted, not listed), an empty histogram and one with only a zero bucket', async () => {
    const { status, histograms } = await write(version, [
      {
        labels: [['__name__', 'h']],
        histograms: [
          { timeMs: now, schema: 0, sum: -3, count: 3, negativeSpans: [[0, 2]], negativeDeltas: [1, 1] },
          { timeMs: now + 1, schema: 0, sum: 0, count: 0 },
          { timeMs: now + 2, schema: 0, sum: 0, count: 1, zeroCount: 1 },
        ],
      },
    ])
    expect(status).toBe(204)
    expect(histograms).toMatchObject([{ count: 3, buckets: [] }, { count: 0 }, { count: 1, zeroCount: 1 }])
  })

  it('takes a stale histogram: the marker as its sum', async () => {
    const { status, histograms } = await write(version, [
      { labels: [['__name__', 'h']], histograms: [{ timeMs: now, schema: 0, sum: STALE_NAN, count: 0 }] },
    ])
    expect(status).toBe(204)
    expect(new BigUint64Array(Float64Array.of(histograms[0]?.sum ?? 0).buffer)[0]).toBe(STALE_NAN)
  })

  it.each([
    ['histogram-count', { ...exponential, count: 99 }],
    ['histogram-spans', { ...exponential, positiveSpans: [[0, 3]] }],
    [
      'histogram-spans',
      {
        ...exponential,
        positiveSpans: [
          [0, 3],
          [-1, 2],
        ],
      },
    ],
    ['histogram-buckets', { ...exponential, positiveDeltas: [1, -2, 1, 3, 1] }],
    ['histogram-schema', { ...exponential, schema: 9 }],
    ['histogram-schema', { ...exponential, schema: -5 }],
    [
      'histogram-bounds',
      { timeMs: now, schema: -53, sum: 1, count: 1, bounds: [1, 1], positiveSpans: [[0, 1]], positiveDeltas: [1] },
    ],
    [
      'histogram-bounds',
      { timeMs: now, schema: -53, sum: 1, count: 1, bounds: [1, 2], positiveSpans: [[3, 1]], positiveDeltas: [1] },
    ],
    ['too-far-ahead', { ...exponential, timeMs: now + 11 * 60_000 }],
  ] satisfies [string, WriteHistogram][])(
    'refuses %s in a histogram with 400, never 5xx',
    async (reason, histogram) => {
      const { status, body, histograms } = await write(version, [
        { labels: [['__name__', 'h']], histograms: [histogram, { ...exponential, timeMs: now + 5 }] },
      ])
      expect(status).toBe(400)
      expect(body).toContain(reason)
      expect(histograms.map(({ timeMs }) => timeMs)).toEqual([now + 5])
    },
  )

  it('changes nothing when the same request comes again, and answers as before', async () => {
    const body = encodeSnappy(version.encode([up([['again', version.version]])]))
    const headers = { 'content-type': version.contentType, authorization: `repeat-${version.version}` }
    const [first, second, third] = await Promise.all([post(body, headers), post(body, headers), post(body, headers)])
    const fourth = await post(body, headers)
    expect([first, second, third, fourth].map((answer) => answer?.status)).toEqual([204, 204, 204, 204])
    const { samples } = await readBack(gateway.log)
    expect(samples.filter(({ labels }) => labels.again === version.version)).toHaveLength(1)
  })

  it('takes an empty request', async () => {
    expect(
      (
        await post(encodeSnappy(version.encode([])), {
          'content-type': version.contentType,
          authorization: `e${version.version}`,
        })
      ).status,
    ).toBe(204)
  })

  it.each([
    ['not snappy', Buffer.from('0not snappy at all')],
    ['cut off', encodeSnappy(version.encode([up()])).subarray(0, 20)],
    ['snappy around something else', encodeSnappy(Buffer.from('0rubbish that is no protobuf'))],
    ['empty', Buffer.alloc(0)],
  ])('answers 400 to a body that is %s', async (_what, body) => {
    const answer = await post(body, { 'content-type': version.contentType })
    expect(answer.status).toBe(400)
    expect(answer.body.length).toBeGreaterThan(10)
  })

  it('refuses label bytes that are not UTF-8', async () => {
    const bad = Buffer.from([0x66, 0xff, 0xfe])
    const body =
      version.version === '1.0'
        ? protobuf().message(1, (series) => {
            series.message(1, (label) => label.text(1, '__name__').bytes(2, bad))
            series.message(2, (sample) => sample.double(1, 1).varint(2, now))
          })
        : protobuf()
            .text(4, '')
            .text(4, '__name__')
            .bytes(4, bad)
            .message(5, (series) => {
              series.packed(1, [1, 2]).message(2, (sample) => sample.double(1, 1).varint(2, now))
            })
    const answer = await post(encodeSnappy(body.finish()), { 'content-type': version.contentType })
    expect(answer.status).toBe(400)
    expect(answer.body).toContain('invalid-utf8')
  })

  it('takes 2,000 series in one request and stores each once', async () => {
    const series = Array.from(
      { length: 2_000 },
      (_, i): WriteSeries => ({
        labels: [
          ['__name__', 'many'],
          ['i', String(i)],
          ['job', `job-${i % 40}`],
        ],
        samples: [{ timeMs: now, value: i }],
      }),
    )
    const { status, samples } = await write(version, series)
    expect(status).toBe(204)
    expect(samples.map(({ value }) => value).sort((a, b) => a - b)).toEqual(series.map((_, i) => i))
  })
})

describe('content negotiation', () => {
  const body = encodeSnappy(encodeRemoteWrite1([up()]))
  it.each([
    ['application/json', 'snappy'],
    ['image/png', 'snappy'],
    ['application/x-protobuf;proto=io.prometheus.write.v3.Request', 'snappy'],
    ['text/plain', 'snappy'],
    [CONTENT_1, 'gzip'],
    [CONTENT_2, 'deflate'],
    [CONTENT_2, 'zstd'],
  ])('answers 415 to %s in %s', async (contentType, encoding) => {
    expect((await post(body, { 'content-type': contentType, 'content-encoding': encoding })).status).toBe(415)
  })

  it.each([
    ['application/x-protobuf;proto=prometheus.WriteRequest'],
    ['application/x-protobuf; proto=prometheus.WriteRequest'],
    ['Application/X-Protobuf'],
  ])('reads 1.0 from %s', async (contentType) => {
    expect((await post(body, { 'content-type': contentType, authorization: contentType })).status).toBe(204)
  })

  it('answers under the alias /api/v1/push', async () => {
    expect((await post(body, { 'content-type': CONTENT_1, authorization: 'alias' }, '/api/v1/push')).status).toBe(204)
  })

  it('sees that a 1.0 message was sent as 2.0', async () => {
    const answer = await post(body, { 'content-type': CONTENT_2 })
    expect(answer.status).toBe(400)
    expect(answer.body).toContain('1.0')
  })
})

describe('remote write 1.0', () => {
  const one = versions[0]
  it('states no written counts', async () => {
    expect((await write(one, [up()])).written).toEqual([undefined, undefined, undefined])
  })

  it('takes metadata and exemplars', async () => {
    const body = encodeRemoteWrite1(
      [{ ...up(), exemplars: [{ labels: [['trace_id', 'abc']], value: 1, timeMs: now }] }],
      [{ type: 1, name: 'up', help: 'Up.' }],
    )
    expect((await post(encodeSnappy(body), { 'content-type': CONTENT_1, authorization: 'meta' })).status).toBe(204)
  })

  it('takes the kind from the reserved suffixes, so that metadata coming later changes no identity', async () => {
    const names = ['requests_total', 'latency_bucket', 'latency_sum', 'latency_count', 'temperature']
    const { samples } = await write(
      one,
      names.map((name) => ({ labels: [['__name__', name]], samples: [{ timeMs: now, value: 1 }] })),
    )
    expect(Object.fromEntries(samples.map(({ name, kind }) => [name, kind]))).toEqual({
      requests_total: 1,
      latency_bucket: 1,
      latency_sum: 1,
      latency_count: 1,
      temperature: 5,
    })
  })

  it('finds labels that come after the samples', async () => {
    const body = protobuf().message(1, (series) => {
      series.message(1, (label) => label.text(1, '__name__').text(2, 'scattered'))
      series.message(2, (sample) => sample.double(1, 7).varint(2, now))
      series.message(1, (label) => label.text(1, 'job').text(2, 'late'))
    })
    expect((await post(encodeSnappy(body.finish()), { 'content-type': CONTENT_1 })).status).toBe(204)
    const { samples } = await readBack(gateway.log)
    expect(samples.filter(({ name }) => name === 'scattered')).toMatchObject([{ labels: { job: 'late' }, value: 7 }])
  })
})

describe('remote write 2.0', () => {
  const two = versions[1]
  it('states what was written on 204', async () => {
    const { status, written } = await write(two, [
      { ...up(), exemplars: [{ labels: [['trace_id', 'a']], value: 1, timeMs: now }] },
      { labels: [['__name__', 'h']], histograms: [exponential, { ...exponential, timeMs: now + 1 }] },
    ])
    expect(status).toBe(204)
    expect(written).toEqual([1, 2, 1])
  })

  it('states what was written on 400 too', async () => {
    const { status, written } = await write(two, [
      up(),
      up([['a', '1']]),
      { labels: [['job', 'x']], samples: [{ timeMs: now, value: 1 }] },
    ])
    expect(status).toBe(400)
    expect(written).toEqual([2, 0, 0])
  })

  it('states zeros when nothing could be read', async () => {
    const { status, written } = await post(Buffer.from('0rubbish'), { 'content-type': CONTENT_2 })
    expect(status).toBe(400)
    expect(written).toEqual([0, 0, 0])
  })

  it('takes exemplars without samples, and metadata without data', async () => {
    const exemplars = await write(two, [
      { labels: [['__name__', 'orphan']], exemplars: [{ labels: [['trace_id', 'a']], value: 4, timeMs: now }] },
    ])
    expect([exemplars.status, exemplars.written]).toEqual([204, [0, 0, 1]])
    const metadata = await write(two, [
      { labels: [['__name__', 'orphan']], metadata: { type: 1, help: 'Orphan.', unit: 'count' } },
    ])
    expect([metadata.status, metadata.written]).toEqual([204, [0, 0, 0]])
  })

  it('takes kind and unit from the metadata of the series', async () => {
    const { samples } = await write(two, [
      { labels: [['__name__', 'c']], samples: [{ timeMs: now, value: 1 }], metadata: { type: 1, unit: 'requests' } },
      { labels: [['__name__', 'g']], samples: [{ timeMs: now, value: 1 }], metadata: { type: 2, unit: 'bytes' } },
      {
        labels: [
          ['__name__', 's'],
          ['quantile', '0.9'],
        ],
        samples: [{ timeMs: now, value: 1 }],
        metadata: { type: 5 },
      },
      { labels: [['__name__', 's_count']], samples: [{ timeMs: now, value: 1 }], metadata: { type: 5 } },
    ])
    expect(samples.map(({ name, kind, unit }) => [name, kind, unit]).sort()).toEqual([
      ['c', 1, 'requests'],
      ['g', 0, 'bytes'],
      ['s', 0, ''],
      ['s_count', 1, ''],
    ])
  })

  it('reads the start time from where each release candidate put it', async () => {
    const { samples } = await write(two, [
      { labels: [['__name__', 'new_total']], samples: [{ timeMs: now, value: 1, startMs: now - 5_000 }] },
      { labels: [['__name__', 'old_total']], samples: [{ timeMs: now, value: 1 }], createdMs: now - 9_000 },
      { labels: [['__name__', 'none_total']], samples: [{ timeMs: now, value: 1 }] },
    ])
    expect(Object.fromEntries(samples.map(({ name, startMs }) => [name, startMs]))).toEqual({
      new_total: now - 5_000,
      old_total: now - 9_000,
      none_total: 0,
    })
    const { histograms } = await write(two, [
      { labels: [['__name__', 'h']], histograms: [{ ...exponential, startMs: now - 7_000 }] },
    ])
    expect(histograms[0]?.startMs).toBe(now - 7_000)
  })

  it.each([
    ['odd-label-refs', [1, 2, 3]],
    ['invalid-symbol-ref', [1, 99]],
  ] as const)('refuses %s and stores the rest', async (reason, refs) => {
    const body = protobuf().text(4, '').text(4, '__name__').text(4, `m_${reason}`).text(4, 'job')
    body.message(5, (series) => series.packed(1, refs).message(2, (sample) => sample.double(1, 1).varint(2, now)))
    body.message(5, (series) => series.packed(1, [1, 2]).message(2, (sample) => sample.double(1, 5).varint(2, now)))
    const answer = await post(encodeSnappy(body.finish()), { 'content-type': CONTENT_2 })
    expect(answer.status).toBe(400)
    expect(answer.body).toContain(reason)
    expect(answer.written).toEqual([1, 0, 0])
  })

  it('refuses a first symbol that is not empty', async () => {
    const body = protobuf().text(4, '__name__').text(4, 'x')
    expect((await post(encodeSnappy(body.finish()), { 'content-type': CONTENT_2 })).status).toBe(400)
  })

  it('reads symbols that come after the series, and label refs that are not packed', async () => {
    const body = protobuf().message(5, (series) => {
      series
        .varint(1, 1)
        .varint(1, 2)
        .message(2, (sample) => sample.double(1, 6).varint(2, now))
    })
    body.text(4, '').text(4, '__name__').text(4, 'unpacked')
    expect((await post(encodeSnappy(body.finish()), { 'content-type': CONTENT_2 })).status).toBe(204)
    const { samples } = await readBack(gateway.log)
    expect(samples.filter(({ name }) => name === 'unpacked')).toMatchObject([{ value: 6 }])
  })
})
