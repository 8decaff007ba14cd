import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { storedUsage, type TestUsage, testUsage } from './harness.ts'

/** What unmodified SDKs sent on the wire, read in place. */
const recordings = resolve(process.env.PLIMSOLL_DATA ?? '../shared/data', 'customer-success/sdk-wire-captures.jsonl.gz')

type Capture = {
  readonly sdk: string
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers: Record<string, string>
  readonly gzip: boolean
  readonly body: unknown
}

const captures = gunzipSync(readFileSync(recordings))
  .toString('utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Capture)

const stated = Date.parse('2026-01-02T03:04:05.678Z')
/** A minute after the recordings began: no clock is corrected. */
const NOW = Date.parse('2026-11-23T19:41:40Z')

let usage: TestUsage
beforeEach(async () => {
  usage = await testUsage({ now: NOW })
})
afterEach(() => usage.close())

async function send({ method, path, headers, gzip, body }: Capture) {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const payload = gzip ? gzipSync(text) : text
  return await usage.app.inject({
    method,
    url: path,
    headers: { ...headers, host: 'localhost' },
    ...(text && { payload }),
  })
}

const plan = { plan: 'pro' }
const report = { kind: 'track', name: 'Report Exported', userId: 'u1', timeMs: stated, properties: { format: 'csv' } }
const metered = { kind: 'quantity', name: 'api.call', accountId: 'acct1', userId: '', timeMs: stated }
const exported = { kind: 'track', name: 'export', accountId: 'acct1', userId: 'u1', timeMs: stated }

/** The meaning of each recording, in their order. */
const meanings: readonly (readonly object[])[] = [
  [
    {
      kind: 'identify',
      userId: 'u1',
      properties: { email: 'u1@example.com', plan: 'pro' },
      context: expect.objectContaining(plan),
    },
    { kind: 'group', userId: 'u1', accountId: 'acct1', properties: { name: 'Acme', employees: 12 } },
    { ...report, accountId: 'acct1', context: { library: { name: '@segment/analytics-node', version: '3.1.0' } } },
    { kind: 'page', name: 'Pricing', anonymousId: 'anon1', userId: '' },
    { kind: 'screen', name: 'Home', userId: 'u1' },
    { kind: 'alias', userId: 'u1', properties: { previousId: 'anon1' } },
  ],
  [report],
  [{ kind: 'identify', userId: 'u1', properties: plan, timeMs: stated, context: expect.objectContaining(plan) }],
  [{ kind: 'group', userId: 'u1', accountId: 'acct1', properties: { name: 'Acme' } }, report],
  [
    { kind: 'identify', userId: 'u1', properties: plan },
    { kind: 'group', accountId: 'acct1', userId: '', properties: { name: 'Acme' } },
    {
      ...report,
      accountId: 'acct1',
      properties: { format: 'csv', $is_server: true, $geoip_disable: true },
      context: { library: { name: 'posthog-node', version: '5.70.0' } },
    },
    { kind: 'alias', userId: 'u1', properties: { previousId: 'anon1' } },
  ],
  [{ ...report, timeMs: NOW, context: { library: { name: 'node', version: '0.24.0' } } }],
  [{ kind: 'identify', userId: 'u1', properties: plan, timeMs: NOW }],
  ['A', 'B'].map((name) => ({ kind: 'track', name, userId: 'u1', timeMs: stated, properties: {} })),
  [{ ...metered, properties: { ms: 12 } }],
  [12, 9].map((ms) => ({ ...metered, properties: { ms } })),
  [exported],
  [exported],
  [exported, exported],
  [{ kind: 'identify', userId: 'u1', anonymousId: '35492bdf-c98e-44fc-ac8f-97d41a82b3a3', properties: plan }],
  [{ kind: 'group', userId: 'u1', accountId: 'acct1', properties: { name: 'Acme' } }],
  [{ ...report, accountId: 'acct1', timeMs: Date.parse('2026-11-23T19:41:37.237Z') }],
]

test('every recording has a meaning here', () => {
  expect(captures).toHaveLength(meanings.length)
})

test.each(captures.map((capture, i) => [i, capture.sdk, capture] as const))(
  'recording %i, %s: stored with its meaning',
  async (i, _, capture) => {
    const response = await send(capture)
    expect(response.statusCode, response.body).toBe(200)
    const byName = (a: { name?: string }, b: { name?: string }) => (a.name ?? '').localeCompare(b.name ?? '')
    const expected = (meanings[i] as object[]).map((meaning) =>
      expect.objectContaining({ source: 'local', ...meaning }),
    )
    const stored = await storedUsage(usage.log)
    expect(stored).toHaveLength(expected.length)
    expect(stored.sort(byName)).toEqual(expect.arrayContaining(expected))
  },
)

test.each([
  ['@segment/analytics-node', { success: true }],
  ['posthog-node', { status: 1 }],
  ['mixpanel', 1],
  ['@jitsu/js', { ok: true }],
])('%s finds in the answer what it looks for', async (sdk, expected) => {
  const response = await send(captures.find((capture) => capture.sdk === sdk) as Capture)
  const body: unknown = response.json()
  expect(body).toEqual(typeof expected === 'number' ? expected : expect.objectContaining(expected))
})

test('all recordings twice and in any order: each event is stored once', async () => {
  for (const capture of captures) await send(capture)
  const first = (await storedUsage(usage.log)).map(({ messageId }) => messageId)
  for (const capture of captures.toReversed()) expect((await send(capture)).statusCode).toBe(200)
  const all = (await storedUsage(usage.log)).map(({ messageId }) => messageId)
  expect(all).toEqual(first)
  expect(new Set(all).size).toBe(all.length)
})
