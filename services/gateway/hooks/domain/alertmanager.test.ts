import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import captured from '../fixtures/alertmanager-0.33.1.json' with { type: 'json' }
import { alertmanagerApi, alertmanagerWebhook } from './alertmanager.ts'
import type { AlertValue, Fact, Mapped } from './fact.ts'
import type { Parsed } from './shape.ts'

const reception = { source: 'am-eu', receivedAt: Date.UTC(2026, 10, 23, 23), service: '', environment: '' }

/** How a consumer reads it: of two statements about one episode the later one by event time is its state. */
function episodes(facts: readonly Fact[]): Map<string, AlertValue> {
  const stored = new Map(facts.map((fact) => [fact.id, fact]))
  const states = new Map<string, { time: number; value: AlertValue }>()
  for (const fact of stored.values()) {
    if (fact.type !== 'plimsoll.incident.v1.AlertReceived') continue
    const known = states.get(fact.value.alertId)
    if (known === undefined || fact.time >= known.time) states.set(fact.value.alertId, fact)
  }
  return new Map([...states].map(([id, { value }]) => [id, value]))
}

function factsOf(parsed: Parsed<Mapped>): readonly Fact[] {
  if (parsed.kind === 'refused') throw new Error(JSON.stringify(parsed.problems))
  return parsed.value.facts
}

const problemsOf = (parsed: Parsed<Mapped>) => (parsed.kind === 'refused' ? parsed.problems : [])

describe('bodies captured from Alertmanager 0.33.1: two firing, then one of them resolved', () => {
  const [firing = [], resolved = []] = captured.map((body) => factsOf(alertmanagerWebhook(body, reception)))

  test.each([
    ['in order', [firing, resolved]],
    ['twice', [firing, firing, resolved, resolved]],
    ['out of order', [resolved, firing]],
    ['out of order and twice', [resolved, resolved, firing, firing]],
  ])('%s: one episode each, the right end state', (_, deliveries) => {
    const states = [...episodes(deliveries.flat()).values()].map(({ labels, status }) => [labels.instance, status])
    expect(states.sort()).toEqual([
      ['i1', 'resolved'],
      ['i2', 'firing'],
    ])
  })

  test('a firing alert has no end, a resolved one the stated end', () => {
    const [first] = firing
    expect(first?.value).toMatchObject({
      sender: 'alertmanager_webhook',
      name: 'DiskSpaceLow',
      service: 'payments',
      severity: 'warning',
      status: 'firing',
      endsAt: null,
      startsAt: Date.parse('2026-11-23T22:52:01.123Z'),
      fingerprint: '3a2de32ab570c369',
    })
    expect(resolved[0]?.value).toMatchObject({ status: 'resolved', endsAt: Date.parse('2026-11-23T22:52:07.5Z') })
  })

  test('a new start is a new episode', () => {
    const later = structuredClone(captured[0])
    for (const alert of later?.alerts ?? []) alert.startsAt = '2026-11-24T08:00:00Z'
    expect(episodes([...firing, ...factsOf(alertmanagerWebhook(later, reception))]).size).toBe(4)
  })
})

/** Payload templates by sender; here the alerts Prometheus is said to send, with each of their parameters' values. */
const payloads = resolve(process.env.PLIMSOLL_DATA ?? '../shared/data', 'operations/alert-payloads')

type Template = {
  readonly payload: { readonly summary: string; readonly labels: Record<string, string> }
  readonly parameters: Record<string, string[]>
}

const missing = !existsSync(payloads)
if (missing) console.warn(`NOT RUN: recorded alert payloads are not at ${payloads}; set PLIMSOLL_DATA to their folder.`)

function recordedAlerts(): { labels: Record<string, string>; annotations: { summary: string } }[] {
  const { ALERTS } = JSON.parse(readFileSync(resolve(payloads, 'prometheus.json'), 'utf8')) as {
    ALERTS: Record<string, Template>
  }
  return Object.entries(ALERTS).flatMap(([alertname, { payload, parameters }]) => {
    let variants = [{ alertname, ...payload.labels }]
    for (const [path, values] of Object.entries(parameters)) {
      const label = path.replace(/^labels\./, '')
      variants = variants.flatMap((labels) => values.map((value) => ({ ...labels, [label]: value })))
    }
    return variants.map((labels) => ({ labels, annotations: { summary: payload.summary } }))
  })
}

describe.skipIf(missing)('recorded alert payloads', () => {
  const alerts = missing ? [] : recordedAlerts()
  const startsAt = '2026-11-23T10:00:00Z'
  const firing = alerts.map((alert) => ({ ...alert, startsAt, endsAt: '2026-11-23T23:04:00Z' }))
  const resolved = alerts.map((alert) => ({ ...alert, startsAt, endsAt: '2026-11-23T10:20:00Z' }))

  test('there are some', () => {
    expect(alerts.length).toBeGreaterThan(100)
  })

  test('by API v2, sent twice and resolved first: one episode for each label set, all resolved', () => {
    const facts = [resolved, firing, firing, resolved].flatMap((body) => factsOf(alertmanagerApi(body, reception)))
    const states = [...episodes(facts).values()]
    expect(states).toHaveLength(alerts.length)
    expect(new Set(states.map(({ status }) => status))).toEqual(new Set(['resolved']))
  })

  test('every one that names a service is filed under it', () => {
    const facts = factsOf(alertmanagerApi(firing, reception))
    expect(facts.map(({ value }) => value.service)).toEqual(alerts.map(({ labels }) => labels.service ?? labels.job))
  })
})

describe('API v2', () => {
  test('an end in the future is a promise, not an end', () => {
    const [fact] = factsOf(
      alertmanagerApi(
        [{ labels: { alertname: 'A' }, startsAt: '2026-11-23T22:00:00Z', endsAt: '2026-11-24T00:00:00Z' }],
        reception,
      ),
    )
    expect(fact?.value).toMatchObject({ status: 'firing', endsAt: null })
  })

  test("amtool's alert, which states no start, is one episode whose later statement wins", () => {
    const alert = {
      labels: { alertname: 'ByHand', service: 'payments' },
      startsAt: '0001-01-01T00:00:00.000Z',
      endsAt: '0001-01-01T00:00:00.000Z',
    }
    const first = factsOf(alertmanagerApi([alert], reception))
    const ended = { ...alert, endsAt: '2026-11-23T23:10:00Z' }
    const second = factsOf(alertmanagerApi([ended], { ...reception, receivedAt: Date.UTC(2026, 10, 23, 23, 10, 1) }))
    expect([...episodes([...first, ...second]).values()].map(({ status }) => status)).toEqual(['resolved'])
  })

  test('the order of labels does not matter to identity', () => {
    const startsAt = '2026-11-23T22:00:00Z'
    const ids = [
      { alertname: 'A', zone: 'b' },
      { zone: 'b', alertname: 'A' },
    ].map((labels) => factsOf(alertmanagerApi([{ labels, startsAt }], reception))[0]?.id)
    expect(ids[0]).toBe(ids[1])
  })
})

describe('what is refused says where and what instead', () => {
  test('another version of the webhook', () => {
    expect(problemsOf(alertmanagerWebhook({ ...captured[0], version: '3' }, reception))).toEqual([
      { field: '/version', expected: expect.stringContaining('"4"') },
    ])
  })

  test('every problem of a body at once', () => {
    const body = {
      version: '4',
      groupKey: 'g',
      alerts: [
        { status: 'burning', startsAt: '2026-11-23T22:00:00Z' },
        { status: 'resolved', startsAt: 'yesterday' },
      ],
    }
    expect(problemsOf(alertmanagerWebhook(body, reception)).map(({ field }) => field)).toEqual([
      '/alerts/0/status',
      '/alerts/1/endsAt',
      '/alerts/1/startsAt',
    ])
  })

  test('labels that are not text', () => {
    expect(problemsOf(alertmanagerApi([{ labels: { alertname: 1 } }], reception))[0]?.field).toBe('/0/labels')
  })

  test.each([[null], ['text'], [[]], [7]])('%j instead of a webhook body', (body) => {
    expect(problemsOf(alertmanagerWebhook(body, reception))[0]).toEqual({ field: '', expected: 'an object' })
  })
})

test('alerts that Alertmanager left out are reported, not forgotten', () => {
  const parsed = alertmanagerWebhook({ ...captured[0], truncatedAlerts: 3 }, reception)
  expect(parsed.kind === 'read' && parsed.value.ignored).toEqual([
    { what: '3 alerts', reason: expect.stringContaining('max_alerts') },
  ])
})

test("the hook's address fills in what labels do not state", () => {
  const [fact] = factsOf(
    alertmanagerApi([{ labels: { alertname: 'A' } }], { ...reception, service: 'shop', environment: 'prod' }),
  )
  expect(fact?.value).toMatchObject({ service: 'shop', environment: 'prod' })
})
