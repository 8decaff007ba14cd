import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { storedFacts, storedUsage, type TestUsage, testUsage } from './harness.ts'

/**
 * A receiver of CloudEvents 1.0.2 over HTTP, case by case. Sources: HTTP protocol binding, sections 3.1 to 3.3; JSON event
 * format, sections 2 to 4; HTTP webhook 1.0.1, section 4. The official SDK for JavaScript passes 24 of these kinds of cases.
 */
let usage: TestUsage
beforeEach(async () => {
  usage = await testUsage()
})
afterEach(() => usage.close())

const STRUCTURED = 'application/cloudevents+json'
const BATCH = 'application/cloudevents-batch+json'
const data = { userId: 'u1', feature: 'export' }
const event = { specversion: '1.0', id: 'e1', source: '/svc', type: 'cs.usage', subject: 'acct1' }
const ce = { 'ce-specversion': '1.0', 'ce-id': 'e1', 'ce-source': '/svc', 'ce-type': 'cs.usage', 'ce-subject': 'acct1' }
const json = { 'content-type': 'application/json' }

const without = (name: string, from: object) => Object.fromEntries(Object.entries(from).filter(([key]) => key !== name))
const send = (body: unknown, headers: Record<string, string>) => usage.post('/v1/cloudevents', body, headers)
const structured = (members: object, contentType = STRUCTURED) =>
  send({ ...event, data, ...members }, { 'content-type': contentType })
const batch = (...events: unknown[]) => send(events, { 'content-type': BATCH })
const binary = (headers: Record<string, string> = {}, body: unknown = data) =>
  send(body, { ...json, ...ce, ...headers })

type Case = readonly [name: string, send: () => ReturnType<typeof send>, stored: readonly object[]]

const usual = { kind: 'track', name: 'export', userId: 'u1', accountId: 'acct1', properties: data }

const accepted: readonly Case[] = [
  ['binary', () => binary(), [usual]],
  ['binary, header names in capitals', () => binary({ 'CE-Subject': 'acct2' }), [{ accountId: 'acct2' }]],
  [
    'binary, a percent-encoded header',
    () => binary({ 'ce-subject': 'b%C3%BCro%20%E2%82%AC' }),
    [{ accountId: 'büro €' }],
  ],
  ['binary, a quoted header', () => binary({ 'ce-subject': '"acct 3"' }), [{ accountId: 'acct 3' }]],
  ['binary, a +json suffix', () => binary({ 'content-type': 'application/vnd.acme+json' }), [usual]],
  ['binary, a charset parameter', () => binary({ 'content-type': 'application/json; charset="UTF-8"' }), [usual]],
  [
    'binary, another charset',
    () =>
      binary({ 'content-type': 'text/plain; charset=iso-8859-1', 'ce-type': 't' }, Buffer.from('B\xfcro', 'latin1')),
    [{ name: 't', properties: { data: 'Büro' } }],
  ],
  ['binary, no data', () => binary({ 'ce-type': 't' }, ''), [{ kind: 'quantity', name: 't', properties: {} }]],
  [
    'binary, data that is bytes',
    () => binary({ 'content-type': 'application/octet-stream', 'ce-type': 't' }, Buffer.from([1, 2, 3])),
    [{ properties: { data: 'AQID' } }],
  ],
  ['binary, gzip', () => binary({ 'content-encoding': 'gzip' }, gzipSync(JSON.stringify(data))), [usual]],
  ['binary, ce-datacontenttype beside Content-Type', () => binary({ 'ce-datacontenttype': 'text/xml' }), [usual]],
  ['binary, an extension', () => binary({ 'ce-accountid': 'acct9' }), [{ accountId: 'acct9' }]],
  ['structured', () => structured({}), [usual]],
  ['structured, a charset parameter', () => structured({}, `${STRUCTURED}; charset=utf-8`), [usual]],
  ['structured, a type in capitals', () => structured({}, 'Application/CloudEvents+JSON'), [usual]],
  [
    'structured, data_base64',
    () => structured({ data: undefined, data_base64: Buffer.from(JSON.stringify(data)).toString('base64') }),
    [usual],
  ],
  ['structured, no data', () => structured({ data: null, type: 't' }), [{ name: 't', properties: {} }]],
  ['structured, data that is text', () => structured({ data: 'x', type: 't' }), [{ properties: { data: 'x' } }]],
  [
    'structured, extensions of all types',
    () => structured({ accountid: 'acct4', n: 5, b: true }),
    [{ accountId: 'acct4' }],
  ],
  [
    'structured, time below a millisecond',
    () => structured({ time: '2026-11-02T03:04:05.678901Z' }),
    [
      {
        timeMs: Date.parse('2026-11-02T03:04:05.678Z'),
        originalTimeMs: expect.closeTo(Date.parse('2026-11-02T03:04:05.678Z') + 0.901, 3),
        context: { time: '2026-11-02T03:04:05.678901Z' },
      },
    ],
  ],
  [
    'structured, time with an offset',
    () => structured({ time: '2026-11-02T03:04:05+02:00' }),
    [{ timeMs: Date.parse('2026-11-02T01:04:05Z') }],
  ],
  ['batch', () => batch({ ...event, data }, { ...event, id: 'e2', data }), [usual, usual]],
  ['batch, empty', () => batch(), []],
  ['plain JSON that is an event, as OpenMeter takes it', () => send({ ...event, data }, json), [usual]],
]

describe('accepted', () => {
  test.each(accepted)('%s', async (_, request, expected) => {
    const response = await request()
    expect([response.statusCode, response.json()]).toMatchObject([200, { accepted: expected.length, rejected: 0 }])
    const stored = await storedUsage(usage.log)
    expect(stored).toHaveLength(expected.length)
    expect(stored).toMatchObject(expected)
  })
})

const refused: readonly (readonly [name: string, send: () => ReturnType<typeof send>, detail: string])[] = [
  ...['specversion', 'id', 'source', 'type'].map(
    (name) =>
      [
        `structured without ${name}`,
        () => send(without(name, { ...event, data }), { 'content-type': STRUCTURED }),
        `/${name}`,
      ] as const,
  ),
  ...['specversion', 'id', 'source', 'type'].map(
    (name) =>
      [
        `binary without ce-${name}`,
        () => send(data, { ...json, ...(without(`ce-${name}`, ce) as Record<string, string>) }),
        `/${name}`,
      ] as const,
  ),
  ['structured, specversion 0.3', () => structured({ specversion: '0.3' }), '/specversion'],
  ['binary, specversion 0.3', () => binary({ 'ce-specversion': '0.3' }), '/specversion'],
  ['structured, data and data_base64', () => structured({ data_base64: 'e30=' }), '/data_base64'],
  ['structured, data_base64 that is none', () => structured({ data: undefined, data_base64: '§' }), '/data_base64'],
  ['structured, an extension that is an object', () => structured({ extension: { a: 1 } }), '/extension'],
  ['structured, a time that is none', () => structured({ time: '2026-13-02T03:04:05Z' }), '/time'],
  ['binary, a time that is none', () => binary({ 'ce-time': 'now' }), '/time'],
  ['structured, an array', () => send([{ ...event, data }], { 'content-type': STRUCTURED }), 'an object'],
]

describe('refused', () => {
  test.each(refused)('%s', async (_, request, detail) => {
    const response = await request()
    const verdict = {
      index: 0,
      status: 'rejected',
      code: 'invalid-cloudevent',
      detail: expect.stringContaining(detail),
    }
    expect([response.statusCode, response.json()]).toMatchObject([
      200,
      { accepted: 0, rejected: 1, verdicts: [verdict] },
    ])
    expect(await storedUsage(usage.log)).toEqual([])
  })

  test.each([
    ['binary data that is not what Content-Type says', () => binary({}, '{')],
    ['binary data in a charset it is not in', () => binary({}, Buffer.from('"\xfc"', 'latin1'))],
    ['a batch that is no array', () => send({ ...event, data }, { 'content-type': BATCH })],
  ])('as a whole: %s', async (_, request) => {
    expect((await request()).statusCode).toBe(400)
    expect(await storedUsage(usage.log)).toEqual([])
  })
})

test('a batch with a bad element: a verdict for it, the others are stored', async () => {
  const response = await batch({ ...event, data }, { id: 'e2' }, null, { ...event, id: 'e3', data })
  expect(response.json()).toMatchObject({
    accepted: 2,
    rejected: 2,
    verdicts: [
      { index: 0, code: null },
      { index: 1, code: 'invalid-cloudevent' },
      { index: 2, code: 'invalid-cloudevent' },
      { index: 3, code: null },
    ],
  })
  expect(await storedUsage(usage.log)).toHaveLength(2)
})

test('source and id together make an event: the form it comes in does not', async () => {
  await structured({})
  expect((await binary()).json()).toMatchObject({ accepted: 0, duplicate: 1 })
  expect((await structured({ source: '/other' })).json()).toMatchObject({ accepted: 1 })
})

test('the handshake is answered without a key', async () => {
  const options = { method: 'OPTIONS', url: '/v1/cloudevents' } as const
  const response = await usage.app.inject({ ...options, headers: { 'webhook-request-origin': 'events.example.com' } })
  expect([response.statusCode, response.headers['webhook-allowed-origin']]).toEqual([200, 'events.example.com'])
  expect((await usage.app.inject(options)).statusCode).toBe(400)
})

test.each([
  [
    'cs.ticket.opened',
    { ticketId: 'T1', severity: 'P1', openedAt: '2026-11-20' },
    'TicketRecorded',
    { severity: 'urgent' },
  ],
  [
    'cs.invoice',
    { invoiceId: 'I1', amount: 10.5, currency: 'eur', dueAt: '2026-12-01' },
    'InvoiceRecorded',
    { amountMinor: 1050 },
  ],
  ['cs.nps.answered.v1', { score: 9, answeredAt: '2026-11-20' }, 'NpsRecorded', { score: 9 }],
  [
    'cs.subscription',
    { startedAt: '2026-01-01', status: 'past_due' },
    'SubscriptionRecorded',
    { subscriptionId: 'acct1' },
  ],
])('%s is a fact', async (type, fact, name, value) => {
  const response = await structured({ type, data: fact, time: '2026-11-21T00:00:00Z' })
  expect(response.json()).toMatchObject({ accepted: 1, rejected: 0 })
  expect(await storedFacts(usage.log)).toMatchObject([
    { type: `plimsoll.usage.v1.${name}`, value: { accountId: 'acct1', source: 'local', ...value } },
  ])
})
