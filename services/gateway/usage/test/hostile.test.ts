import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { randomFrom } from '../../test/hostile.ts'
import { storedFacts, storedUsage, testUsage } from './harness.ts'

const call = { type: 'track', event: 'Ä', userId: 'u', properties: { n: 1, list: [1, { a: null }] }, timestamp: 1 }
const cloudEvent = { specversion: '1.0', id: '1', source: '/s', type: 't', subject: 'a', data: call }
const seeds: readonly (readonly [url: string, body: unknown])[] = [
  ['/v1/batch', { batch: [call, { ...call, type: 'alias', previousId: 'p' }], sentAt: '2026-11-23T19:00:00Z' }],
  ['/v1/track', call],
  ['/batch/', { api_key: 'k', batch: [{ event: '$identify', distinct_id: 'u', properties: { $set: { a: 1 } } }] }],
  ['/track', [{ event: 'E', properties: { distinct_id: 'u', time: 1_795_000_000, $insert_id: 'i' } }]],
  ['/engage', { $distinct_id: 'u', $set: { a: 1 } }],
  ['/api/s/page', { anonymousId: 'a', context: { ip: '::1', library: { name: 'l' } } }],
  ['/v1/cloudevents', cloudEvent],
  ['/api/v1/events', [cloudEvent]],
  ['/v1/tickets', { ticketId: 't', accountId: 'a', openedAt: '2026-11-20', csat: 4 }],
  ['/v1/subscriptions', [{ accountId: 'a', startedAt: 0, mrr: 1, currency: 'EUR' }]],
]

const nest = (open: string, close: string, depth: number) => open.repeat(depth) + close.repeat(depth)

/** Values that no sender should put where another one belongs. */
const values: readonly string[] = [
  'null',
  '[]',
  '{}',
  '[null,null]',
  '1e999',
  '-1',
  '""',
  '"\\ud800"',
  '"\\u0000"',
  '{"__proto__":{"toString":1},"constructor":{"prototype":1}}',
  nest('[', ']', 20_000),
  nest('{"a":', '}', 20_000).replace(/:}/, ':1}'),
  `"${'x'.repeat(40_000)}"`,
  '9007199254740993',
  '"1970-01-01T00:00:00.123456789Z"',
]

type Harm = (body: string, random: () => number) => Buffer

const bomb = gzipSync(Buffer.alloc(2 * 1024 * 1024, '['))

const bytesAt = (bytes: Buffer, random: () => number): number => Math.floor(random() * bytes.length)
const harms: readonly Harm[] = [
  (body) => Buffer.from(body),
  // A value in place of another, anywhere.
  (body, random) => {
    const members = [...body.matchAll(/(?<=:)("[^"]*"|\d+|null)/g)]
    const member = members[Math.floor(random() * members.length)]
    const value = values[Math.floor(random() * values.length)] ?? ''
    if (member === undefined) return Buffer.from(value)
    return Buffer.from(body.slice(0, member.index) + value + body.slice(member.index + member[0].length))
  },
  // The whole body, or an array of it.
  (_, random) => Buffer.from(values[Math.floor(random() * values.length)] ?? ''),
  (_, random) => Buffer.from(`{"batch":[${values[Math.floor(random() * values.length)]}]}`),
  // Cut, and flipped: bad JSON, bad UTF-8.
  (body, random) => Buffer.from(body).subarray(0, bytesAt(Buffer.from(body), random)),
  (body, random) => {
    const bytes = Buffer.from(body)
    for (let i = 0; i <= random() * 3; i++) bytes[bytesAt(bytes, random)] = Math.floor(random() * 256)
    return bytes
  },
  // Forms and base64, whole and damaged.
  (body, random) =>
    Buffer.from(
      `data=${Buffer.from(body)
        .toString('base64')
        .slice(random() < 0.5 ? 0 : 3)}`,
    ),
  // Gzip, cut, and a bomb.
  (body) => gzipSync(body),
  (body, random) => {
    const zipped = gzipSync(body)
    return zipped.subarray(0, bytesAt(zipped, random))
  },
  () => bomb,
]

test('hostile bodies get an answer below 500, and nothing is published that a consumer could not read', async () => {
  const seed = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31))
  const random = randomFrom(seed)
  const usage = await testUsage()
  const statuses = new Map<number, number>()
  for (let i = 0; i < 2_000; i++) {
    const [url, body] = seeds[Math.floor(random() * seeds.length)] as (typeof seeds)[number]
    const harm = harms[Math.floor(random() * harms.length)] as Harm
    const response = await usage.post(url, harm(JSON.stringify(body), random))
    statuses.set(response.statusCode, (statuses.get(response.statusCode) ?? 0) + 1)
    expect(response.statusCode, `seed ${seed}, request ${i} to ${url}: ${response.body}`).toBeLessThan(500)
  }
  // Both ways: a fuzzer whose every body is refused tests nothing behind the first check.
  expect(statuses.get(400)).toBeGreaterThan(200)
  expect(statuses.get(200)).toBeGreaterThan(200)
  const stored = JSON.stringify([
    await storedUsage(usage.log),
    await storedUsage(usage.log, 'DEADLETTER'),
    await storedFacts(usage.log),
  ])
  // Neither of them fits into PostgreSQL's text or jsonb.
  expect(stored).not.toMatch(/\\u0000|\\ud[89a-f]/)
  await usage.close()
}, 60_000)
