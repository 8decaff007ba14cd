import { gzipSync } from 'node:zlib'
import { defaultLaneCount, laneOf, laneToken } from '@plimsoll/contracts/lane.ts'
import { appError } from '@plimsoll/kit/errors.ts'
import type { EventLog } from '@plimsoll/kit/log/log.ts'
import { createMemoryLog } from '@plimsoll/kit/log/memory.ts'
import { afterEach, describe, expect, test } from 'vitest'
import { MAX_EVENTS } from '../intake.ts'
import { API_KEY, NOW, storedFacts, storedUsage, type TestUsage, testUsage } from './harness.ts'

let usage: TestUsage
afterEach(() => usage?.close())

const HOUR_MS = 3_600_000
const iso = (ms: number) => new Date(ms).toISOString()
const track = (fields: object = {}) => ({ type: 'track', event: 'E', userId: 'u1', messageId: 'm1', ...fields })
const batch = (...calls: unknown[]) => usage.post('/v1/batch', { batch: calls })

describe('verdicts', () => {
  test.each<[string, unknown, string]>([
    ['not an object', null, 'not-an-object'],
    ['no such type', { type: 'sell' }, 'unknown-type'],
    ['a track call without an event', track({ event: '' }), 'missing-name'],
    ['nobody', track({ userId: undefined }), 'missing-identity'],
    ['an identify call of an account', { type: 'identify', context: { groupId: 'a' } }, 'missing-identity'],
    ['a group call without a group', { type: 'group', userId: 'u1' }, 'missing-account'],
    ['an alias of nobody', { type: 'alias', userId: 'u1' }, 'missing-previous-id'],
    ['a time that is none', track({ timestamp: 'yesterday' }), 'invalid-time'],
    ['a day there is not', track({ timestamp: '2026-02-30' }), 'invalid-time'],
    ['an endless id', track({ userId: 'x'.repeat(256) }), 'text-too-long'],
    ['17 KB of properties', track({ properties: { x: 'y'.repeat(17_000) } }), 'properties-too-large'],
    ['33 KB', track({ properties: {}, extra: 'y'.repeat(33_000) }), 'event-too-large'],
    ['33 levels', track({ properties: JSON.parse(`${'['.repeat(33)}${']'.repeat(33)}`) }), 'nested-too-deep'],
  ])('%s: rejected, its neighbours are stored, the ledger knows why', async (_, call, code) => {
    usage = await testUsage()
    const response = await batch(track({ messageId: 'before' }), call, track({ messageId: 'after' }))
    expect([response.statusCode, response.json()]).toMatchObject([
      200,
      {
        success: true,
        accepted: 2,
        rejected: 1,
        verdicts: [{ status: 'accepted' }, { index: 1, status: 'rejected', code }, { status: 'accepted' }],
      },
    ])
    expect(await storedUsage(usage.log)).toHaveLength(2)
    const [entry] = usage.ledger.entries()
    expect([entry?.counts.events, entry?.refused.get(code)?.count]).toEqual([2, 1])
  })

  test.each<[string, string, unknown, string]>([
    ['/v1/track', 'a time', track({ timestamp: 'yesterday' }), 'timestamp must be a time such as 2026-11-23T10:15:00Z'],
    ['/v1/track', 'a time', track({ originalTimestamp: 'soon' }), 'originalTimestamp must be a time'],
    ['/e', 'a time', { event: 'E', distinct_id: 'd', timestamp: 'yesterday' }, 'timestamp must be a time'],
    ['/track?verdicts=all', 'a time', { event: 'E', properties: { time: 'soon' } }, 'say who it was: properties.dist'],
    [
      '/track?verdicts=all',
      'a time',
      { event: 'E', properties: { distinct_id: 'd', time: 'soon' } },
      'properties.time',
    ],
    [
      '/v1/batch',
      'a type',
      { type: 'sell' },
      'type must be one of track, identify, group, page, screen, alias, not "sell"',
    ],
    ['/v1/batch', 'a call', { batch: [7] }, 'every call must be an object, not 7'],
    ['/v1/tickets', 'a ticket', null, 'every ticket must be an object, not null'],
    ['/v1/group', 'an account', { type: 'group', userId: 'u' }, 'say which account it is: groupId must be text'],
    [
      '/groups?verdicts=all',
      'an account',
      { $group_key: 'company' },
      'say which account it is: $group_id must be text',
    ],
    [
      '/v1/track',
      'a text',
      track({ userId: 'x'.repeat(256) }),
      'userId must be text of at most 255 characters, not "xxx',
    ],
  ])('%s names the field that is wrong, by its own name, and what is expected: %s', async (url, _, body, detail) => {
    usage = await testUsage()
    const { verdicts } = (await usage.post(url, body ?? 'null')).json()
    expect(verdicts[0].detail).toContain(detail)
  })

  test.each(['/v1/batch', '/batch'])('%s: a batch that is no list is refused as such', async (url) => {
    usage = await testUsage()
    const response = await usage.post(url, { batch: 'x' })
    expect([response.statusCode, response.json().detail]).toEqual([400, 'batch must be an array of events.'])
  })

  test('strict: any rejection is 400 with the same list, and what is good is stored', async () => {
    usage = await testUsage()
    const response = await usage.post('/v1/batch?strict=1', [track(), null])
    expect([response.statusCode, response.json()]).toMatchObject([400, { success: false, accepted: 1, rejected: 1 }])
    expect(await storedUsage(usage.log)).toHaveLength(1)
  })

  test('of all, or of those with a problem where only they are asked for', async () => {
    usage = await testUsage()
    expect((await usage.post('/v1/track', track())).json().verdicts).toEqual([
      { index: 0, messageId: 'm1', status: 'accepted', code: null, detail: '' },
    ])
    const other = { batch: [track({ messageId: 'm2' }), null, track()] }
    const response = await usage.post('/v1/batch?verdicts=problems', other)
    expect(response.json()).toMatchObject({ duplicate: 1, verdicts: [{ index: 1, code: 'not-an-object' }] })
  })

  test('Mixpanel’s SDK is told 0, or all of it where it asks', async () => {
    usage = await testUsage()
    expect((await usage.post('/track', [{ event: '' }])).body).toBe('0')
    const verbose = await usage.post('/track?verbose=1', [{ event: '' }])
    expect(verbose.json()).toMatchObject({ status: 0, error: expect.stringContaining('event'), rejected: 1 })
  })
})

describe('repeats', () => {
  test('within a request and later', async () => {
    usage = await testUsage()
    expect((await batch(track(), track(), track({ messageId: 'm2' }))).json()).toMatchObject({
      accepted: 2,
      duplicate: 1,
    })
    expect((await batch(track(), track({ messageId: 'm3' }))).json()).toMatchObject({
      accepted: 1,
      duplicate: 1,
      verdicts: [
        { index: 0, messageId: 'm1', status: 'duplicate' },
        { index: 1, messageId: 'm3', status: 'accepted' },
      ],
    })
    const [entry] = usage.ledger.entries()
    expect([entry?.counts.repeats, entry?.refused.size]).toEqual([2, 0])
    expect(await storedUsage(usage.log)).toHaveLength(3)
  })

  test('of another process: what the log holds is known', async () => {
    usage = await testUsage()
    await batch(track(), track({ messageId: 'm2' }))
    const other = await testUsage({ log: usage.log })
    expect(await other.intake.rebuild()).toBe(2)
    expect((await other.post('/v1/track', track())).json()).toMatchObject({ duplicate: 1 })
    await other.close()
  })

  test('without an id: the same time is a repeat, without a time the same ten minutes', async () => {
    usage = await testUsage()
    const timed = track({ messageId: undefined, timestamp: iso(NOW - 1_000) })
    const bare = track({ messageId: undefined })
    await batch(timed, bare)
    usage.clock.advance(1_000)
    expect((await batch(timed, bare)).json()).toMatchObject({ duplicate: 2 })
    usage.clock.advance(600_000)
    expect((await batch(timed, bare)).json()).toMatchObject({ accepted: 1, duplicate: 1 })
  })

  test('the broker is away: nothing is taken for stored, and the repeat stores it once', async () => {
    const memory = createMemoryLog({ now: () => NOW })
    let away = true
    const log: EventLog = {
      ...memory,
      publish: (message) => (away ? Promise.reject(appError('unprocessable', 'refused')) : memory.publish(message)),
    }
    usage = await testUsage({ log })
    const both = await Promise.all([batch(track()), batch(track())])
    expect(both.map(({ statusCode }) => statusCode)).toEqual([422, 422])
    away = false
    expect((await batch(track())).json()).toMatchObject({ accepted: 1 })
    expect(await storedUsage(log)).toHaveLength(1)
  })

  test('a fact again, also one that only the broker remembers', async () => {
    usage = await testUsage()
    const ticket = { ticketId: 'T1', accountId: 'a', openedAt: '2026-11-20' }
    const post = (to: TestUsage) => to.post('/v1/tickets', [ticket])
    expect((await post(usage)).json()).toMatchObject({ accepted: 1 })
    expect((await post(usage)).json()).toMatchObject({ duplicate: 1 })
    const other = await testUsage({ log: usage.log })
    expect((await post(other)).json()).toMatchObject({ accepted: 0, duplicate: 1, verdicts: [{ messageId: 'T1' }] })
    await other.close()
    expect(await storedFacts(usage.log)).toHaveLength(1)
  })
})

describe('time', () => {
  test.each([
    ['clocks that agree within a minute', 60_000, 0],
    ['a sender an hour behind', HOUR_MS, HOUR_MS],
    ['a sender an hour ahead', -HOUR_MS, -HOUR_MS],
  ])('%s', async (_, behindMs, correctionMs) => {
    usage = await testUsage()
    const stated = NOW - 2 * HOUR_MS
    await usage.post('/v1/batch', { batch: [track({ timestamp: iso(stated) })], sentAt: iso(NOW - behindMs) })
    expect(await storedUsage(usage.log)).toMatchObject([
      { timeMs: stated + correctionMs, originalTimeMs: stated, sentTimeMs: NOW - behindMs },
    ])
  })

  test('too old or too far ahead: in quarantine, listed, and taken in by a replay', async () => {
    usage = await testUsage()
    const old = track({ messageId: 'old', timestamp: iso(NOW - 401 * 24 * HOUR_MS) })
    const ahead = track({ messageId: 'ahead', timestamp: iso(NOW + 25 * HOUR_MS) })
    const response = await batch(old, track(), ahead)
    expect(response.json()).toMatchObject({
      accepted: 1,
      quarantined: 2,
      verdicts: [{ code: 'too-old' }, { code: null }, { code: 'too-far-ahead' }],
    })
    await batch(old)
    const list = async () => (await usage.app.inject('/v1/gateway/quarantine')).json()
    const { items } = await list()
    expect(items).toMatchObject([
      { source: 'local', reason: 'too-old', events: 1 },
      { source: 'local', reason: 'too-far-ahead', events: 1 },
    ])
    expect((await usage.app.inject(`/v1/gateway/quarantine?limit=1`)).json()).toMatchObject({
      items: [items[0]],
      next: expect.any(String),
    })
    const replay = await usage.post(`/v1/gateway/quarantine/${items[0].id}/replay`, '')
    expect(replay.json()).toEqual({ events: 1 })
    const stored = await storedUsage(usage.log)
    expect(stored.map(({ timeMs }) => timeMs)).toEqual([NOW, NOW - 401 * 24 * HOUR_MS])
    expect(new Set(stored.map(({ subject }) => subject))).toEqual(
      new Set([`usage.${laneToken(laneOf('u1', defaultLaneCount))}.UsageBatch`]),
    )
    expect((await usage.post('/v1/gateway/quarantine/99/replay', '')).statusCode).toBe(404)
  })
})

describe('limits', () => {
  test('events of a request', async () => {
    usage = await testUsage()
    const response = await usage.post(
      '/v1/batch',
      Array.from({ length: MAX_EVENTS + 1 }, () => null),
    )
    expect(response.statusCode).toBe(413)
    expect(usage.ledger.entries()[0]?.refused.get('too-many-events')?.count).toBe(MAX_EVENTS + 1)
  })

  test('a body, as it is and inflated', async () => {
    usage = await testUsage()
    const large = JSON.stringify(track({ properties: { x: 'y'.repeat(1024 * 1024) } }))
    expect((await usage.post('/v1/track', large)).statusCode).toBe(413)
    expect((await usage.post('/v1/track', gzipSync(large))).statusCode).toBe(413)
    expect(usage.ledger.entries()[0]?.refused.get('too-large')?.count).toBe(2)
  })

  test('what waits for the broker: 429, and 503 when it does not answer', async () => {
    const memory = createMemoryLog({ now: () => NOW })
    let answerAll = () => {}
    const answered = new Promise<void>((resolve) => {
      answerAll = resolve
    })
    const log: EventLog = { ...memory, publish: (message) => answered.then(() => memory.publish(message)) }
    usage = await testUsage({ log, limits: { maxInFlightBytes: 100, answerWithinMs: 50 } })
    const waiting = batch(track())
    await new Promise((resolve) => setTimeout(resolve, 10))
    const turnedAway = await batch(track({ messageId: 'm2' }))
    expect([turnedAway.statusCode, turnedAway.headers['retry-after']]).toEqual([429, '1'])
    const late = await waiting
    expect([late.statusCode, late.headers['retry-after']]).toEqual([503, '5'])
    answerAll()
    await usage.intake.drain(1_000)
    expect((await batch(track())).json()).toMatchObject({ duplicate: 1 })
    const { refused } = usage.ledger.entries()[0] ?? {}
    expect([refused?.get('overloaded')?.count, refused?.get('unavailable')?.count]).toEqual([1, 1])
  })

  test('a broker that keeps saying that it has no space left: 503 long before the time is over, until it has', async () => {
    const memory = createMemoryLog({ now: () => NOW })
    const full = 'A message on usage.00.UsageBatch was not stored: write 1.blk: no space left on device.'
    let hasSpace = false
    const publish: EventLog['publish'] = async (message) => {
      if (hasSpace) return await memory.publish(message)
      usage.clock.advance(1_000)
      throw appError('broker-refused', full)
    }
    usage = await testUsage({ log: { ...memory, publish }, limits: { answerWithinMs: 3_600_000 } })
    const refused = await batch(track())
    expect([refused.headers['retry-after'], refused.json()]).toMatchObject([
      '5',
      { status: 503, detail: expect.stringContaining('no space left') },
    ])
    expect(usage.ledger.entries()[0]?.refused.get('unavailable')).toMatchObject({
      example: expect.stringContaining('no space left'),
    })
    hasSpace = true
    await usage.intake.drain(5_000)
    expect((await batch(track())).json()).toMatchObject({ duplicate: 1 })
  })
})

describe('accounts and persons', () => {
  test.each<[string, object, object]>([
    ['context', track({ context: { groupId: 'a' }, properties: { accountId: 'b' } }), { accountId: 'a' }],
    ['a property', track({ properties: { account_id: 7 } }), { accountId: '7' }],
    ['the list of Mixpanel’s groups', track({ properties: { company_id: ['a', 'b'] } }), { accountId: 'a' }],
    ['no account by a property of everything', track({ properties: { constructor: 1 } }), { accountId: '' }],
    ['ids that are numbers', track({ userId: 12 }), { userId: '12' }],
    [
      'an address, hashed',
      track({ context: { ip: '10.0.0.1' } }),
      { context: { ip: expect.stringMatching(/^[0-9a-f]{32}$/) } },
    ],
    [
      'text a database cannot hold',
      track({ properties: { 'a\0': '\ud800 \\u0000' } }),
      { properties: { 'a\ufffd': '\ufffd \\u0000' } },
    ],
    ['keys of prototypes', track({ properties: JSON.parse('{"__proto__":{"x":1}}') }), { accountId: '' }],
  ])('%s', async (_, call, expected) => {
    usage = await testUsage()
    expect((await batch(call)).json()).toMatchObject({ accepted: 1 })
    expect(await storedUsage(usage.log)).toMatchObject([expected])
  })

  test('PostHog: groups, devices, and events of its own', async () => {
    usage = await testUsage()
    const event = (name: string, properties: object) => ({ event: name, distinct_id: 'd', uuid: name, properties })
    await usage.post('/e/', [
      event('bought', { $groups: { project: 'p', company: 'c' }, $device_id: 'd' }),
      event('$pageview', { title: 'Home' }),
      event('$screen', { $screen_name: 'Start' }),
      { ...event('late', {}), offset: 5_000 },
    ])
    expect(await storedUsage(usage.log)).toMatchObject([
      { kind: 'track', accountId: 'c', userId: '', anonymousId: 'd' },
      { kind: 'page', name: 'Home', userId: 'd' },
      { kind: 'screen', name: 'Start' },
      { name: 'late', timeMs: NOW - 5_000 },
    ])
  })

  test('Mixpanel: groups, merges, identities', async () => {
    usage = await testUsage()
    await usage.post('/groups', {
      $group_key: 'company',
      $group_id: 'c',
      $set: { plan: 'pro' },
      $union: { tags: ['x'] },
    })
    const event = (name: string, properties: object) => ({
      event: name,
      properties: { time: NOW / 1_000, ...properties },
    })
    await usage.post('/track', [
      event('$create_alias', { distinct_id: 'old', alias: 'new' }),
      event('$merge', { $distinct_ids: ['old', 'new'] }),
      event('$identify', { $identified_id: 'new', $anon_id: 'anon' }),
      event('seen', { distinct_id: '$device:7' }),
    ])
    const stored = await storedUsage(usage.log)
    expect(stored).toHaveLength(5)
    expect(stored).toEqual(
      expect.arrayContaining(
        [
          {
            kind: 'group',
            accountId: 'c',
            properties: { plan: 'pro', $union: { tags: ['x'] } },
            context: { plan: 'pro' },
          },
          { kind: 'alias', userId: 'new', properties: { previousId: 'old' } },
          { kind: 'identify', userId: 'new', anonymousId: 'anon' },
          { kind: 'track', name: 'seen', userId: '', anonymousId: '$device:7' },
        ].map((one) => expect.objectContaining(one)),
      ),
    )
  })
})

test.each([
  ['bearer', { authorization: `Bearer ${API_KEY}` }, {}],
  ['Basic, as user name', { authorization: `Basic ${Buffer.from(`${API_KEY}:`).toString('base64')}` }, {}],
  ['Basic, as password', { authorization: `Basic ${Buffer.from(`any:${API_KEY}`).toString('base64')}` }, {}],
  ['x-write-key', { 'x-write-key': API_KEY }, {}],
  ['writeKey in the body', {}, { writeKey: API_KEY }],
])('the key as %s', async (_, headers, body) => {
  usage = await testUsage({ open: false })
  expect((await usage.post('/v1/track', { ...track(), ...body }, headers as Record<string, string>)).statusCode).toBe(
    200,
  )
  expect(await storedUsage(usage.log)).toMatchObject([{ source: 'bootstrap' }])
})

test('an unknown key, and none', async () => {
  usage = await testUsage({ open: false })
  expect((await usage.post('/v1/track', track(), { 'x-write-key': 'wk' })).statusCode).toBe(401)
  expect((await usage.post('/v1/track', '{')).statusCode).toBe(401)
  expect(await storedUsage(usage.log)).toEqual([])
})
