import { createHmac } from 'node:crypto'
import { decodeEvent } from '@plimsoll/contracts/events.ts'
import { defaultLaneCount, incidentLaneKey, laneOf } from '@plimsoll/contracts/lane.ts'
import { subjectOf } from '@plimsoll/contracts/subjects.ts'
import { connectJetStream } from '@plimsoll/kit/log/jetstream.ts'
import type { Running } from '@plimsoll/kit/run.ts'
import { startOn } from '@plimsoll/kit/testing/running.ts'
import { type Stack, startStack } from '@plimsoll/kit/testing/stack.ts'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { gateway } from '../service.ts'
import captured from './fixtures/alertmanager-0.33.1.json' with { type: 'json' }

const secret = 'a secret both sides know'
const apiKey = 'k'.repeat(40)

let stack: Stack
let running: Running
let seen = 0

beforeAll(async () => {
  stack = await startStack()
  running = await startOn(stack, [gateway], {
    LOG_LEVEL: 'fatal',
    AUTH_REQUIRED: 'true',
    BOOTSTRAP_API_KEY: apiKey,
    GATEWAY_SELF_SCRAPE_SECONDS: '0',
    GATEWAY_GITHUB_WEBHOOK_SECRET: secret,
    GATEWAY_GITLAB_WEBHOOK_TOKEN: secret,
  })
})
afterAll(async () => {
  await running?.stop()
  await stack?.stop()
})
beforeEach(async () => {
  seen = (await onIncident(() => {})).lastSeq
})

const json = { 'content-type': 'application/json' }
const signedIn = { authorization: `Bearer ${apiKey}` }

function post(path: string, body: unknown, headers: Record<string, string> = { ...json, ...signedIn }) {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return fetch(`${running.url}${path}`, { method: 'POST', headers, body: text })
}

type Stored = {
  readonly subject: string
  readonly id: string
  readonly type: string
  readonly value: Record<string, unknown>
}

async function onIncident(each: (stored: Stored) => void): Promise<{ lastSeq: number }> {
  const log = await connectJetStream({ url: stack.natsUrl })
  try {
    const { lastSeq } = await log.info('INCIDENT')
    for (let seq = seen + 1; seq <= lastSeq; seq++) {
      const message = await log.get('INCIDENT', seq)
      if (message === undefined) continue
      const { type, value } = decodeEvent(message.data)
      each({ subject: message.subject, id: message.id, type, value: value as unknown as Record<string, unknown> })
    }
    return { lastSeq }
  } finally {
    await log.close()
  }
}

/** What this test's requests left on the stream. */
async function stored(): Promise<Stored[]> {
  const all: Stored[] = []
  await onIncident((one) => all.push(one))
  return all
}

describe('alerts', () => {
  test('a real Alertmanager’s groups, resolved first and everything twice: each statement is stored once', async () => {
    const [firing, resolved] = captured
    for (const body of [resolved, firing, firing, resolved]) {
      const response = await post('/hooks/alertmanager', body)
      expect(response.status).toBe(202)
    }
    const alerts = await stored()
    // i1 fires and is resolved, i2 fires: three statements about two episodes.
    expect(alerts.map(({ value }) => value.status).sort()).toEqual(['firing', 'firing', 'resolved'])
    expect(new Set(alerts.map(({ value }) => value.alertId)).size).toBe(2)
    const lane = laneOf(incidentLaneKey('', 'payments'), defaultLaneCount)
    const subject = subjectOf('plimsoll.incident.v1.AlertReceived', lane)
    expect(new Set(alerts.map((alert) => alert.subject))).toEqual(new Set([subject]))
  })

  test('API v2 answers as an Alertmanager does', async () => {
    const startsAt = new Date().toISOString()
    const response = await post('/api/v2/alerts', [{ labels: { alertname: 'A', service: 'shop' }, startsAt }])
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({ accepted: 1, repeated: 0, ignored: [] })
  })

  test('a body that is wrong is refused whole, every problem named', async () => {
    const startsAt = new Date().toISOString()
    const good = { labels: { alertname: 'A' }, startsAt }
    const response = await post('/api/v2/alerts', [good, { labels: {}, startsAt: 'now' }])
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({
      errors: [expect.objectContaining({ field: '/1/labels' }), expect.objectContaining({ field: '/1/startsAt' })],
    })
    expect(await stored()).toEqual([])
  })
})

describe('deployments', () => {
  const body = JSON.stringify({
    deployment: { id: 42, sha: 'a1b2c3', ref: 'v1.4.0', environment: 'production' },
    deployment_status: { state: 'success', updated_at: '2026-11-23T10:03:00Z' },
    repository: { name: 'shop', full_name: 'acme/shop' },
  })
  const signature = (text: string) => `sha256=${createHmac('sha256', secret).update(text).digest('hex')}`
  const github = (signed: string) => ({ ...json, 'x-github-event': 'deployment_status', 'x-hub-signature-256': signed })

  test('GitHub signs instead of signing in; a redelivery changes nothing', async () => {
    const first = await post('/hooks/github', body, github(signature(body)))
    expect([first.status, await first.json()]).toEqual([202, { accepted: 1, repeated: 0, ignored: [] }])
    const again = await post('/hooks/github', body, github(signature(body)))
    expect(await again.json()).toEqual({ accepted: 0, repeated: 1, ignored: [] })
    expect(await stored()).toEqual([
      expect.objectContaining({
        type: 'plimsoll.incident.v1.DeploymentRecorded',
        value: expect.objectContaining({
          service: 'shop',
          environment: 'production',
          release: 'v1.4.0',
          source: 'github',
        }),
      }),
    ])
  })

  test.each([
    ['another body’s signature', () => post('/hooks/github', body, github(signature('{}')))],
    ['no token of GitLab’s', () => post('/hooks/gitlab', '{"object_kind":"push"}', json)],
    ['no key', () => post('/v1/gateway/deployments', '{"service":"shop","release":"1"}', json)],
  ])('%s: 401, nothing stored', async (_, send) => {
    expect((await send()).status).toBe(401)
    expect(await stored()).toEqual([])
  })

  test('what is ignored says why', async () => {
    const response = await post('/hooks/gitlab', '{"object_kind":"push"}', { ...json, 'x-gitlab-token': secret })
    expect([response.status, await response.json()]).toEqual([
      202,
      {
        accepted: 0,
        repeated: 0,
        ignored: [{ what: 'push', reason: expect.stringContaining('deployment and pipeline') }],
      },
    ])
  })

  test('the plain form, with the environment in the address', async () => {
    const response = await post('/v1/gateway/deployments?environment=staging', { service: 'shop', release: '2' })
    expect(response.status).toBe(202)
    expect(await stored()).toEqual([
      expect.objectContaining({
        value: expect.objectContaining({ service: 'shop', environment: 'staging', release: '2' }),
      }),
    ])
  })
})

describe('CloudEvents', () => {
  const event = {
    specversion: '1.0',
    id: '1',
    source: '/ci',
    type: 'plimsoll.incident.v1.DeploymentRecorded',
    data: { id: 'd-7', service: 'shop', environment: 'prod', release: '3', occurredAt: '2026-11-23T10:00:00Z' },
  }

  test('structured, binary and batch state one and the same deployment', async () => {
    const { data, ...attributes } = event
    const ce = Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce-${name}`, value]))
    const receipts = [
      await post('/events', event, { ...signedIn, 'content-type': 'application/cloudevents+json' }),
      await post('/events', data, { ...signedIn, ...json, ...ce }),
      await post('/events', [event, event], { ...signedIn, 'content-type': 'application/cloudevents-batch+json' }),
    ]
    expect(await Promise.all(receipts.map(async (response) => [response.status, await response.json()]))).toEqual([
      [202, { accepted: 1, repeated: 0, ignored: [] }],
      [202, { accepted: 0, repeated: 1, ignored: [] }],
      [202, { accepted: 0, repeated: 2, ignored: [] }],
    ])
    expect(await stored()).toHaveLength(1)
  })

  test('an unknown type and a form that is none', async () => {
    const cloudevent = { ...signedIn, 'content-type': 'application/cloudevents+json' }
    const unknown = await post('/events', { ...event, type: 'com.example.thing' }, cloudevent)
    expect(unknown.status).toBe(400)
    expect(JSON.stringify(await unknown.json())).toContain('dev.cdevents.service.deployed')
    expect((await post('/events', event)).status).toBe(415)
  })

  test('the handshake needs no key', async () => {
    const headers = { 'webhook-request-origin': 'events.example.com' }
    const response = await fetch(`${running.url}/events`, { method: 'OPTIONS', headers })
    expect(response.status).toBe(200)
    expect(response.headers.get('webhook-allowed-origin')).toBe('events.example.com')
    expect(response.headers.get('allow')).toContain('POST')
  })
})

test('what came and what was refused is on the page of sources', async () => {
  await post('/hooks/alertmanager', '{')
  const response = await fetch(`${running.url}/v1/gateway/sources`, { headers: signedIn })
  const { items } = (await response.json()) as {
    items: { protocol: string; events: number; refused: { reason: string; count: number }[] }[]
  }
  const webhook = items.find(({ protocol }) => protocol === 'alertmanager-webhook')
  expect(webhook?.events).toBe(3)
  expect(webhook?.refused).toEqual([expect.objectContaining({ reason: 'bad-request', count: 1 })])
})
