import { gzipSync } from 'node:zlib'
import { protobuf } from '../decode/protobufwriter.ts'
import { encodeSnappy } from '../decode/snappy.ts'
import { encodeRemoteWrite1, encodeRemoteWrite2, type WriteSeries } from '../sender/remotewrite.ts'

/** A request nobody should send, with what it is for when it does harm. */
export type HostileRequest = {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const timeMs = 1_795_000_000_000
const series: WriteSeries[] = [
  {
    labels: [
      ['__name__', 'up'],
      ['job', 'api'],
    ],
    samples: [{ timeMs, value: 1 }],
  },
  {
    labels: [
      ['__name__', 'h'],
      ['job', 'apiä🚀'],
    ],
    histograms: [{ timeMs, schema: 1, sum: 3, count: 4, positiveSpans: [[0, 2]], positiveDeltas: [1, 2] }],
    exemplars: [{ labels: [['trace_id', 'a']], value: 1, timeMs }],
    metadata: { type: 3, help: 'Help.', unit: 'seconds' },
  },
]
const nanos = BigInt(timeMs) * 1_000_000n
const traces = protobuf()
  .message(1, (resource) => {
    resource.message(1, (r) => r.message(1, (kv) => kv.text(1, 'service.name').message(2, (v) => v.text(1, 'shop'))))
    resource.message(2, (scope) =>
      scope.message(2, (span) =>
        span
          .bytes(1, new Uint8Array(16).fill(7))
          .bytes(2, new Uint8Array(8).fill(7))
          .text(5, 'GET /')
          .fixed64(7, nanos)
          .fixed64(8, nanos + 5n)
          .message(9, (kv) => kv.text(1, 'http.status_code').message(2, (v) => v.varint(3, 200))),
      ),
    )
  })
  .finish()
const metrics = protobuf()
  .message(1, (resource) =>
    resource.message(2, (scope) =>
      scope.message(2, (metric) =>
        metric.text(1, 'm').message(10, (data) =>
          data
            .message(1, (p) =>
              p
                .fixed64(3, nanos)
                .fixed64(4, 3n)
                .sint(6, 9)
                .message(8, (b) => b.sint(1, -3).packed(2, [1, 2])),
            )
            .varint(2, 2),
        ),
      ),
    ),
  )
  .finish()
const json = Buffer.from(
  JSON.stringify({
    resourceSpans: [
      {
        scopeSpans: [
          { spans: [{ traceId: '07'.repeat(16), spanId: '07'.repeat(8), name: 'x', startTimeUnixNano: '1' }] },
        ],
      },
    ],
  }),
)

type Seed = {
  readonly url: string
  readonly type: string
  readonly bytes: Uint8Array
  readonly wrap: (bytes: Uint8Array) => Uint8Array
  readonly encoding: string
}

const same = (bytes: Uint8Array): Uint8Array => bytes
const seeds: readonly Seed[] = [
  {
    url: '/api/v1/write',
    type: 'application/x-protobuf',
    bytes: encodeRemoteWrite1(series),
    wrap: encodeSnappy,
    encoding: 'snappy',
  },
  {
    url: '/api/v1/write',
    type: 'application/x-protobuf;proto=io.prometheus.write.v2.Request',
    bytes: encodeRemoteWrite2(series),
    wrap: encodeSnappy,
    encoding: 'snappy',
  },
  { url: '/v1/traces', type: 'application/x-protobuf', bytes: traces, wrap: same, encoding: 'identity' },
  { url: '/v1/metrics', type: 'application/x-protobuf', bytes: metrics, wrap: same, encoding: 'identity' },
  { url: '/v1/traces', type: 'application/json', bytes: json, wrap: same, encoding: 'identity' },
  {
    url: '/v1/metrics',
    type: 'application/x-protobuf',
    bytes: metrics,
    wrap: (bytes) => gzipSync(bytes, { level: 1 }),
    encoding: 'gzip',
  },
]

type Harm = (bytes: Buffer, random: () => number) => Buffer

const at = (bytes: Uint8Array, random: () => number): number => Math.floor(random() * bytes.length)
const harms: readonly Harm[] = [
  // Cut short, anywhere.
  (bytes, random) => bytes.subarray(0, at(bytes, random)),
  // A byte, or several, turned into others: lengths that lie, wrong wire types, bad UTF-8.
  (bytes, random) => {
    for (let i = 0; i <= random() * 4; i++) bytes[at(bytes, random)] = Math.floor(random() * 256)
    return bytes
  },
  // A length of four gigabytes, or a varint without an end.
  (bytes, random) => {
    const from = at(bytes, random)
    bytes.fill(0xff, from, Math.min(bytes.length, from + 12))
    return bytes
  },
  // A piece repeated, so that fields come twice and out of order.
  (bytes, random) => {
    const from = at(bytes, random)
    const piece = bytes.subarray(from, from + Math.floor(random() * 40))
    return Buffer.concat([bytes.subarray(0, from), piece, piece, bytes.subarray(from)])
  },
  // Nested as deep as it goes.
  (bytes, random) => {
    const depth = 1 + Math.floor(random() * 200)
    return Buffer.concat([Buffer.from(Array.from({ length: depth }, () => [0x0a, 0x7f]).flat()), bytes])
  },
  // Noise.
  (_bytes, random) => Buffer.from(Array.from({ length: Math.floor(random() * 300) }, () => Math.floor(random() * 256))),
]

/** One body, harmed before it is compressed or after: both decoders meet it. */
export function hostileRequest(random: () => number): HostileRequest {
  const seed = seeds[Math.floor(random() * seeds.length)] as Seed
  const harm = harms[Math.floor(random() * harms.length)] as Harm
  const inside = random() < 0.7
  const harmed = inside
    ? seed.wrap(harm(Buffer.from(seed.bytes), random))
    : harm(Buffer.from(seed.wrap(seed.bytes)), random)
  return { url: seed.url, headers: { 'content-type': seed.type, 'content-encoding': seed.encoding }, body: harmed }
}
